# Becomes a program that is barred from all families but AF_UNIX, as by RestrictAddressFamilies=:
#   barred.py PROGRAM ARGUMENT...
# BARRED: instead, NAME=ERROR of a system call that fails so (pidfd_getfd=EPERM).
# FOR_PROGRAM: lines NAME=VALUE for the program's environment alone.
import ctypes, errno, os, sys

class Compare(ctypes.Structure):
    _fields_ = [("arg", ctypes.c_uint), ("op", ctypes.c_int), ("a", ctypes.c_uint64), ("b", ctypes.c_uint64)]

seccomp = ctypes.CDLL("libseccomp.so.2")
seccomp.seccomp_init.restype = ctypes.c_void_p
context = ctypes.c_void_p(seccomp.seccomp_init(ctypes.c_uint32(0x7FFF0000)))
call, _, error = os.environ.pop("BARRED", "socket=EAFNOSUPPORT").partition("=")
number = seccomp.seccomp_syscall_resolve_name(call.encode())
refuse = ctypes.c_uint32(0x00050000 | getattr(errno, error))
not_unix = Compare(0, 1, 1, 0)
n_compared = 1 if call == "socket" else 0
assert seccomp.seccomp_rule_add_array(context, refuse, number, n_compared, ctypes.byref(not_unix)) == 0
assert seccomp.seccomp_load(context) == 0
os.environ.update(item.split("=", 1) for item in os.environ.pop("FOR_PROGRAM", "").split("\n") if item)
os.execv(sys.argv[1], sys.argv[1:])
