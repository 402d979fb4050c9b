#!/bin/bash
# Connecting by name to a host of several addresses, some of which do not answer or refuse: RFC 8305. And what the preload
# must not take over from the library.
. "$(dirname "$0")/../lib.sh"
begin /usr/bin/python3 unshare

# Neighbours that are not there: what is sent to them is lost without a word. These addresses of IPv6 come before IPv4, as
# getaddrinfo(3) sorts them (RFC 6724).
ip -n "$near" address add 2001:db8:99::1/64 dev eth0 nodad
ip -n "$far" address add 2001:db8:99::2/64 dev eth0 nodad
ip -n "$near" neigh add 10.99.0.9 lladdr 02:00:00:00:00:09 dev eth0 nud permanent
for address in 2001:db8:99::8 2001:db8:99::9; do
	ip -n "$near" -6 neigh add "$address" lladdr 02:00:00:00:00:09 dev eth0 nud permanent
done
cat >"$work/hosts" <<'HOSTS'
127.0.0.1 localhost
2001:db8:99::9 silent-then-good
10.99.0.2 silent-then-good
2001:db8:99::8 two-silent
2001:db8:99::9 two-silent
10.99.0.2 two-silent
2001:db8:99::9 all-silent
10.99.0.9 all-silent
2001:db8:99::1 refused-then-good
10.99.0.2 refused-then-good
2001:db8:99::1 all-refused
10.99.0.1 all-refused
2001:db8:99::9 silent-then-refused
10.99.0.1 silent-then-refused
2001:db8:99::2 good
10.99.0.2 good
HOSTS
echo 'hosts: files' >"$work/nsswitch.conf"

in_far_exec /usr/bin/python3 -c '
import select, socket
servers = [socket.create_server((host, 8080), family=family) for host, family in
           (("10.99.0.2", socket.AF_INET), ("2001:db8:99::2", socket.AF_INET6))]
while True:
    for server in select.select(servers, [], [])[0]:
        server.accept()[0].close()' &
remember
wait_for 10 in_far /usr/bin/python3 -c 'import socket; socket.create_connection(("2001:db8:99::2", 8080))' || die "the other end listens"

# The libraries' paths are the build's own; the names are looked up in the files above.
connect() {
	in_near unshare -m sh -c 'mount --bind "$1/hosts" /etc/hosts && mount --bind "$1/nsswitch.conf" /etc/nsswitch.conf &&
		shift && exec "$@"' sh "$work" timeout 20 "$SOCKD_BUILD/tests/use/connect" "$@"
}

# reaches NAME WHAT LEAST MOST ARGUMENT...: what comes out, and how many milliseconds that may take; once more where a busy
# machine took longer.
reaches() {
	local name=$1 what=$2 least=$3 most=$4 out took
	shift 4
	for _ in 1 2 3; do
		out=$(connect "$@" 2>&1)
		took=$(sed -n 's/.* took \([0-9]*\) .*/\1/p' <<<"$out")
		[ "${took:-0}" -gt "$most" ] || break
	done
	if [[ $out == "$what took "*" left 0" ]] && [ "$took" -ge "$least" ] && [ "$took" -le "$most" ]; then
		ok "$name: $out"
	else
		fail "$name: $out, instead of '$what' in $least to $most ms with nothing left"
	fi
}

reaches "the first address answers" 2001:db8:99::2 0 240 good 8080 5000000
reaches "the other family after a quarter of a second" 10.99.0.2 250 900 silent-then-good 8080 5000000
reaches "the families take turns" 10.99.0.2 250 490 two-silent 8080 5000000
reaches "without a timeout too" 10.99.0.2 250 900 silent-then-good 8080 -1
reaches "a refusal is not waited for" 10.99.0.2 0 240 refused-then-good 8080 5000000
reaches "one deadline for all" ETIMEDOUT 600 1200 all-silent 8080 600000
reaches "a deadline before the second is tried" ETIMEDOUT 100 240 silent-then-good 8080 100000
reaches "all refuse" ECONNREFUSED 0 240 all-refused 8080 5000000
reaches "one is silent, the other refuses" ETIMEDOUT 700 1300 silent-then-refused 8080 700000
reaches "a source address of one family" 2001:db8:99::2 0 240 good 8080 5000000 2001:db8:99::1
reaches "a source address of the other" 10.99.0.2 0 240 good 8080 5000000 10.99.0.1
reaches "a source address that is another's" EADDRNOTAVAIL 0 240 good 8080 5000000 10.99.0.77
reaches "no time at all" EINPROGRESS 0 240 good 8080 0
reaches "no such name" "ENOENT lookup" 0 240 nobody 8080 5000000

# Under the preload a program's own calls are POSIX's still.
cat >"$work/plain.py" <<'PYTHON'
import ctypes, fcntl, signal, socket, sys
libc = ctypes.CDLL(None, use_errno=True)
fd = libc.socket(socket.AF_INET, socket.SOCK_STREAM, 0)
assert fcntl.fcntl(fd, fcntl.F_GETFD) == 0, "socket(2) became close-on-exec"
signal.signal(signal.SIGALRM, lambda *_: None)
signal.siginterrupt(signal.SIGALRM, True)
signal.setitimer(signal.ITIMER_REAL, 0.2)
address = socket.AF_INET.to_bytes(2, sys.byteorder) + (8080).to_bytes(2, "big") + bytes([10, 99, 0, 9]) + bytes(8)
assert libc.connect(fd, address, len(address)) == -1 and ctypes.get_errno() == 4, "connect(2) hid the signal"
signal.signal(signal.SIGPIPE, signal.SIG_DFL)
one, two = socket.socketpair()
two.close()
libc.send(one.fileno(), b"x", 1, 0)
print("send(2) hid the signal")
PYTHON
socket=/nonexistent
status=0
through timeout 20 /usr/bin/python3 "$work/plain.py" >"$work/plain.txt" 2>&1 || status=$?
cat "$work/plain.txt"
expect "the preload leaves close-on-exec, EINTR and SIGPIPE to the program" test "$status" -eq 141
