#!/bin/bash
# A program and its child that have the same pid, each in a pid namespace of its own: neither gets the other's sockets.
. "$(dirname "$0")/../lib.sh"
begin unshare
copy_program python3
user_namespaces "pid namespaces" || exit 0

policy <<'JSON'
{ "rules": [ { "name": "raw", "peers": { "uid": 65534 }, "family": "inet", "type": "raw" } ] }
JSON
start_sockd

cat >"$work/twins.py" <<'PYTHON'
import ctypes, os, signal, socket, sys
ICMP, UDP, CLONE3, CLONE_NEWPID = 1, 17, 435, 0x20000000
libc = ctypes.CDLL(None, use_errno=True)


def twin():
    arguments = (ctypes.c_uint64 * 8)(CLONE_NEWPID, 0, 0, 0, signal.SIGCHLD)
    pid = libc.syscall(ctypes.c_long(CLONE3), ctypes.byref(arguments), ctypes.c_size_t(64))
    if pid < 0:
        sys.exit("SKIP no child in a pid namespace: " + os.strerror(ctypes.get_errno()))
    return pid


def ask(protocol):
    with socket.socket(socket.AF_INET, socket.SOCK_RAW, protocol) as s:
        return s.getsockopt(socket.SOL_SOCKET, socket.SO_PROTOCOL) == protocol


wrong = failed = 0
assert ask(ICMP) and os.getpid() == 1
for i in range(300):
    child = twin()
    if child == 0:
        try:
            os._exit(0 if os.getpid() == 1 and ask(UDP) else 1)
        except BaseException:
            os._exit(2)
    for _ in range(3):
        try:
            wrong += not ask(ICMP)
        except OSError:
            failed += 1
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    wrong += status == 1
    failed += status not in (0, 1)
print(wrong, "sockets of the other,", failed, "failures")
PYTHON
twins() {
	in_near "${powerless[@]}" env SOCKD_SOCKET="$socket" LD_PRELOAD="$preload" \
		ASAN_OPTIONS="$sanitizer_options:detect_leaks=0" \
		unshare --user --map-root-user --pid --fork "$work/bin/python3" "$work/twins.py"
}
twins >"$work/twins" 2>&1
cat "$work/twins"
grep '^SKIP' "$work/twins" && exit 0
contains "of two processes with one pid each gets its own sockets" "$work/twins" '^0 sockets of the other, 0 failures'
