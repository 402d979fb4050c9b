#!/bin/bash
# sockd-run where a process may be looked into by its ancestors only, or by nobody (Yama's ptrace_scope, see
# Documentation/admin-guide/LSM/Yama.rst): programs, and what they leave behind.
. "$(dirname "$0")/../lib.sh"
[ -n "${SOCKD_VM_KERNEL:-}" ] || skip_all "runs in the laboratory only: it changes kernel.yama.ptrace_scope"
begin /usr/bin/python3
scope=/proc/sys/kernel/yama/ptrace_scope
[ -w $scope ] || skip_all "this kernel has no Yama"

policy <<'JSON'
{ "rules": [ { "name": "web", "peers": { "uid": 65534 }, "family": "inet", "type": "stream", "ports": [80, 81],
               "options": { "SO_MARK": [7] } },
             { "name": "ping", "peers": { "uid": 65534 }, "family": "inet", "type": "raw", "protocol": "icmp" },
             { "name": "link", "peers": { "uid": 65534 }, "family": "netlink", "protocol": "route",
               "messages": ["RTM_NEWLINK"], "interfaces": ["given0"] } ] }
JSON
start_sockd

cat >"$work/client.py" <<'PYTHON'
import errno, os, socket, sys

def attempt(name, call):
    try:
        call()
        print(name, "done", flush=True)
    except OSError as e:
        print(name, errno.errorcode[e.errno], flush=True)

def all_calls(port):
    attempt("raw", lambda: socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP).close())
    s = socket.socket()
    attempt("mark", lambda: s.setsockopt(socket.SOL_SOCKET, 36, 7))
    attempt("bind", lambda: s.bind(("127.0.0.1", port)))

all_calls(80)
if os.fork() == 0:
    all_calls(80)
    os._exit(0)
os.wait()
# A daemon: its parent, and that of its parent, have ended when it begins.
read, write = os.pipe()
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        os.close(write)
        os.read(read, 1)
        print("left behind", flush=True)
        all_calls(81)
        print("end", flush=True)
    os._exit(0)
PYTHON

# tried [OPTION...]: the client's lines are in $work/said when the last of its processes is done.
tried() {
	run "$@" -- /usr/bin/python3 "$work/client.py" >"$work/said" 2>"$work/told"
	wait_for 20 grep -q '^end' "$work/said"
	cat "$work/said" "$work/told"
}

before=$(cat $scope)
for value in 0 1; do
	echo "--- scope $value"
	echo $value >$scope
	expect "what is tried under scope $value is a supervisor" run --verbose -- true 2>"$work/chosen"
	contains "which is chosen under scope $value" "$work/chosen" 'chosen: --mode=seccomp'
	tried --mode=seccomp
	for call in raw mark bind; do
		counted "scope $value: $call, by the program, its child and what it left behind" 3 "$work/said" "^$call done"
	done
	counted "scope $value: nothing else is said" 0 "$work/told" .
	run --mode=seccomp -- ip link add given0 type dummy && ip -n "$near" link show given0 >/dev/null &&
		ok "scope $value: a netlink message" || fail "scope $value: a netlink message"
	ip -n "$near" link delete given0
	expect "scope $value: no sockd-run is left over" wait_for 10 no_runners
done

echo "--- scope 2"
echo 2 >$scope
export SOCKD_PRELOAD="${preload##*:}"
expect "the library is what is left" run --verbose -- /usr/bin/python3 -c \
	'import socket; socket.socket().bind(("127.0.0.1", 80))' 2>"$work/chosen"
contains "it is said why" "$work/chosen" 'no process may be looked into .*ptrace_scope'
contains "and what was chosen" "$work/chosen" 'chosen: --mode=preload'
tried --mode=seccomp
counted "sockets come all the same" 3 "$work/said" '^raw done'
counted "what needs the program's own is refused" 6 "$work/said" '^(mark EPERM|bind EACCES)'
contains "and it is said why" "$work/told" 'may not be looked into .*ptrace_scope'
echo "$before" >$scope
