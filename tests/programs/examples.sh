#!/bin/bash
# The programs in examples/, as an ordinary user: an echo server and its client in IPv4 and IPv6, a sniffer, and a web
# server on port 80 that was never root. Those of CAN are tried in tests/vm/can-examples.sh.
. "$(dirname "$0")/../lib.sh"
begin /usr/bin/python3 ping

for program in echo-server echo-client sniffer port80; do
	install -m 755 "$SOCKD_BUILD/examples/.libs/$program" "$work/bin/" || die "the example $program is built"
done
install -m 755 "$SOCKD_BUILD/lib/.libs/libsockd.so.0" "$work/lib/" || die "libsockd is built"
cp "$SOCKD_SOURCE"/examples/policy.d/{20-capture,30-web}.json "$work/policy.d/"

# example COMMAND...: as nobody in $near; example_exec for the background.
as_nobody=(ip netns exec "$near" "${powerless[@]}" env LD_LIBRARY_PATH="$work/lib" SOCKD_SOCKET="$socket"
	ASAN_OPTIONS="$sanitizer_options" UBSAN_OPTIONS="$sanitizer_options")
example() {
	"${as_nobody[@]}" "$@"
}
example_exec() {
	exec "${as_nobody[@]}" "$@"
}

# Without sockd: what needs no right works, what does is refused in words.
example_exec "$work/bin/echo-server" 4 7007 >"$work/server4" 2>&1 &
server=$!
remember
wait_for 10 listens t 7007 || fail "echo-server 4 listens"
example "$work/bin/echo-client" 127.0.0.1 7007 'Hello, world' >"$work/client4" 2>&1
contains "echo in IPv4" "$work/client4" '^received "Hello, world"$'
example "$work/bin/echo-client" localhost 7007 again >"$work/client4" 2>&1
contains "echo by name: the next family is tried where the first refuses" "$work/client4" '^received "again"$'
contains "the server names its client" "$work/server4" '^connected by 127\.0\.0\.1:[0-9]+$'
refused "nobody listens there" 'Connection refused' example "$work/bin/echo-client" 127.0.0.1 7009 x
refused "a name that there is not" 'not known|failure in name resolution' \
	example "$work/bin/echo-client" no-such-host.invalid 7007 x
end_child "$server"

example_exec "$work/bin/echo-server" dual 7008 >"$work/dual" 2>&1 &
server=$!
remember
wait_for 10 listens t 7008 || fail "echo-server dual listens"
for host in 127.0.0.1 ::1; do
	example "$work/bin/echo-client" "$host" 7008 "by $host" >"$work/client" 2>&1
	contains "one socket for both families: $host" "$work/client" "^received \"by $host\"\$"
done
contains "IPv6 is seen as such" "$work/dual" '^connected by \[::1\]:'
contains "IPv4 is seen as mapped" "$work/dual" '^connected by \[::ffff:127\.0\.0\.1\]:'
in_far /usr/bin/python3 -c "
import socket
s = socket.create_connection(('fd99::1', 7008), 5)
s.sendall(b'x' * 100000)
n = 0
while n < 100000: n += len(s.recv(65536))
print('all of it', n)" >"$work/python" 2>&1
contains "python's socket is served from elsewhere" "$work/python" '^all of it 100000$'
end_child "$server"

refused "port 80 without sockd" 'Permission denied \(.*\)' example "$work/bin/port80"
refused "a packet socket without sockd" 'Operation not permitted' example "$work/bin/sniffer" eth0 1

start_sockd

example_exec "$work/bin/port80" 2 >"$work/port80" 2>&1 &
server=$!
remember
wait_for 10 listens t 80 || fail "port80 listens"
contains "no capability, not root" "/proc/$server/status" '^CapEff:	0000000000000000$'
contains "no root of any kind" "/proc/$server/status" "^Uid:	$client_uid	$client_uid	$client_uid	$client_uid\$"
for host in 127.0.0.1 10.99.0.1; do
	at=in_near
	[ "$host" = 127.0.0.1 ] || at=in_far
	$at /usr/bin/python3 -c "
import urllib.request
print(urllib.request.urlopen('http://$host/', timeout=10).read().decode(), end='')" >"$work/page" 2>&1
	contains "the page from $host" "$work/page" "^served by user $client_uid, never root\$"
done
status=0
wait "$server" || status=$?
expect "it ends well after its two requests" [ "$status" -eq 0 ]
audited "which rule gave port 80" '"rule": ?"web"'

example_exec "$work/bin/sniffer" eth0 30 >"$work/sniffer" 2>&1 &
server=$!
remember
wait_for 10 grep -q '^listening on eth0' "$work/sniffer" || fail "the sniffer listens"
in_far ping -c 10 -i 0.01 -s 100 10.99.0.1 >/dev/null 2>&1 || fail "ping"
in_far ping -6 -c 10 -i 0.01 -s 100 fd99::1 >/dev/null 2>&1 || fail "ping in IPv6"
wait_for 10 eval '! kill -0 "$server" 2>/dev/null'
cat "$work/sniffer"
counted "the sniffer sees so many packets" 30 "$work/sniffer" '^[0-9]+ bytes of type'
contains "pings that come in" "$work/sniffer" '^142 bytes of type 0x0800, [0-9]+/ip/[0-9a-f:]{17}/hatype=1$'
contains "those of IPv6 too" "$work/sniffer" '^162 bytes of type 0x86dd, [0-9]+/ipv6/[0-9a-f:]{17}/hatype=1$'
contains "answers that go out" "$work/sniffer" '^142 bytes of type 0x0800, .*pkttype=outgoing'
audited "which rule gave the packet socket" '"rule": ?"capture"'
refused "an interface that there is not" 'No such device' example "$work/bin/sniffer" eth9 1
