#!/bin/bash
# Many at once under one sockd-run: 64 threads, 1000 children; then limits of descriptors.
. "$(dirname "$0")/../lib.sh"
be_a_user_alone
begin musl-gcc /usr/bin/python3
samples=$SOCKD_SOURCE/tests/samples

policy <<JSON
{
  "rules": [
    {
      "name": "echo",
      "peers": { "uid": $client_uid },
      "family": "inet", "type": "raw", "protocol": "icmp"
    },
    {
      "name": "low",
      "peers": { "uid": $client_uid },
      "family": "inet", "type": "stream", "protocol": "tcp", "ports": [80]
    },
    {
      "name": "links",
      "peers": { "uid": $client_uid },
      "family": "netlink", "protocol": "route", "messages": ["RTM_NEWLINK"], "interfaces": ["lo"]
    }
  ]
}
JSON

for name in threads forks; do
	musl-gcc -static -pthread -O2 -o "$work/bin/$name" "$samples/$name.c" || die "$name.c compiles"
done

by_run() {
	run --mode=seccomp -- "$@"
}

without "$work/bin/threads" 64 1 >"$work/said" 2>&1
contains "threads need sockd" "$work/said" '^opened 0, refused 64 \(Operation not permitted\), wrong 0$'
without "$work/bin/forks" 10 >"$work/said" 2>&1
contains "children need sockd" "$work/said" '^opened 0, refused 10 \(Operation not permitted\)$'

start_sockd
by_run timeout 60 "$work/bin/threads" 64 50 >"$work/said" 2>&1
contains "64 threads open sockets at once, 50 times" "$work/said" '^opened 3200, refused 0 \(-\), wrong 0$'
by_run timeout 60 "$work/bin/forks" 1000 >"$work/said" 2>&1
contains "1000 children open one each" "$work/said" '^opened 1000, refused 0 \(-\)$'
expect "the supervisors are gone with their programs" wait_for 5 no_runners

# The program's own limit: the error is the kernel's, and what it may still have it gets.
cat >"$work/few.py" <<'PYTHON'
import errno, os, resource, socket, struct, sys

def raw():
    return socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)

def set_lo_up():
    """By netlink; the answer's error."""
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0) as s:
        s.settimeout(5)
        body = struct.pack("=BxHiII", socket.AF_UNSPEC, 0, socket.if_nametoindex("lo"), 1, 1)
        s.send(struct.pack("=IHHII", 16 + len(body), 16, 5, 1, 0) + body)
        return -struct.unpack_from("=IHHIIi", s.recv(4096))[5]

limit = int(sys.argv[1])
os.closerange(3, 4096)
if sys.argv[2:] == ["netlink"]:
    print("lo:", errno.errorcode.get(set_lo_up(), "up"), flush=True)
else:
    resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit))
with socket.socket() as s:
    s.bind(("127.0.0.1", 80))
    print("port 80: bound", flush=True)
held = []
try:
    while len(held) <= limit:
        held.append(raw())
except OSError as e:
    print("then:", errno.errorcode[e.errno], flush=True)
taken = set(s.fileno() for s in held)
print("all are there:", len(taken) + 3 == limit == max(taken) + 1, flush=True)
held.pop().close()
held.append(raw())
print("one closed, one opened", flush=True)
PYTHON
for limit in 8 64 300; do
	in_near /usr/bin/python3 "$work/few.py" "$limit" >"$work/root" 2>&1
	by_run timeout 60 /usr/bin/python3 "$work/few.py" "$limit" >"$work/few" 2>&1
	expect "$limit descriptors in the program: all is as for root" diff "$work/root" "$work/few"
done
contains "root had what was asked for" "$work/root" '^all are there: True$'

# limited NUMBER COMMAND...: both the program and the supervisor begin with so few, and cannot have more.
limited() {
	local limit=$1
	shift
	in_near "${powerless[@]}" env SOCKD_SOCKET="$socket" ASAN_OPTIONS="$sanitizer_options" UBSAN_OPTIONS="$sanitizer_options" \
		sh -c "ulimit -n $limit; exec \"\$@\"" sh "$work/bin/sockd-run" --mode=seccomp -- "$@"
}
for limit in 16 64; do
	limited "$limit" timeout 60 "$work/bin/threads" 8 50 >"$work/said" 2>&1
	contains "a supervisor with $limit descriptors serves 8 threads" "$work/said" '^opened 400, refused 0 \(-\), wrong 0$'
done
for limit in 200 256; do
	limited "$limit" timeout 60 /usr/bin/python3 "$work/few.py" "$limit" netlink >"$work/few" 2>&1
	contains "both with $limit descriptors: netlink" "$work/few" '^lo: up$'
	contains "both with $limit descriptors: as many sockets as may be" "$work/few" '^all are there: True$'
done
expect "the supervisors are gone with their programs" wait_for 5 no_runners
