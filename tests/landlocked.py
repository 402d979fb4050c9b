# Becomes a program that has given up all TCP ports but the one named, by Landlock:
#   landlocked.py PORT PROGRAM ARGUMENT...
# FOR_PROGRAM: lines NAME=VALUE for the program's environment alone. Exit status 77: this kernel's Landlock knows no
# ports.
import ctypes, os, struct, sys

CREATE_RULESET, ADD_RULE, RESTRICT_SELF = 444, 445, 446
NET_PORT, BIND_TCP, PR_SET_NO_NEW_PRIVS = 2, 1, 38

libc = ctypes.CDLL(None, use_errno=True)


def call(number, *arguments):
    result = libc.syscall(number, *arguments)
    if result < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return result


if libc.syscall(CREATE_RULESET, None, ctypes.c_size_t(0), 1) < 4:
    sys.exit(77)
attributes = struct.pack("=QQ", 0, BIND_TCP)
rule = struct.pack("=QQ", BIND_TCP, int(sys.argv[1]))
ruleset = call(CREATE_RULESET, attributes, ctypes.c_size_t(len(attributes)), 0)
call(ADD_RULE, ruleset, NET_PORT, rule, 0)
if libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0:
    raise OSError(ctypes.get_errno(), "prctl")
call(RESTRICT_SELF, ruleset, 0)
os.environ.update(item.split("=", 1) for item in os.environ.pop("FOR_PROGRAM", "").split("\n") if item)
os.execv(sys.argv[2], sys.argv[2:])
