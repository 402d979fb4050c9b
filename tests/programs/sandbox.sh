#!/bin/bash
# A client that is barred from the families by a seccomp filter, as RestrictAddressFamilies=AF_UNIX bars a service;
# one in a network namespace of its own without any interface, as PrivateNetwork=yes gives it; both at once.
. "$(dirname "$0")/../lib.sh"
begin /usr/bin/python3 tcpdump ping
copy_program ping
prefer_plain_preload "$work/bin/ping" -V
cp -L --no-preserve=all /usr/bin/python3 "$work/bin/python3" && chmod 755 "$work/bin/python3"

policy <<'JSON'
{
  "rules": [
    {
      "name": "echo",
      "peers": { "uid": 65534 },
      "family": "inet", "type": "raw", "protocol": "icmp"
    },
    {
      "name": "resolver",
      "peers": { "uid": 65534 },
      "family": "inet", "type": "dgram", "protocol": "udp"
    },
    {
      "name": "way-out",
      "peers": { "uid": 65533 },
      "family": "inet", "type": ["raw", "dgram"], "protocol": ["icmp", "udp"], "netns": "broker"
    },
    {
      "name": "at-home",
      "peers": { "uid": 65532 },
      "family": "inet", "type": "raw", "protocol": "icmp", "netns": "peer"
    },
    {
      "name": "owned",
      "peers": { "uid": 65534 },
      "family": "inet", "type": "stream", "ports": [80], "owner": "peer"
    }
  ]
}
JSON

cp "$SOCKD_SOURCE/tests/barred.py" "$work/" && chmod 644 "$work/barred.py"

# barred COMMAND...: through sockd, with the filter.
barred() {
	in_near "${powerless[@]}" env FOR_PROGRAM="LD_PRELOAD=$preload
SOCKD_SOCKET=$socket
ASAN_OPTIONS=$sanitizer_options:detect_leaks=0" /usr/bin/python3 "$work/barred.py" "$@"
}

refused "the filter bars the family" 'not supported|Address family' \
	without /usr/bin/python3 "$work/barred.py" "$work/bin/ping" -c 1 10.99.0.2
start_sockd
says_its_fence
watch_far icmp
barred "$work/bin/ping" -c 2 -i 0.2 -W 2 10.99.0.2 >"$work/ping" 2>&1
contains "a program that is barred from the family pings" "$work/ping" '2 received'

# In a namespace of its own, with nothing in it.
island=sockd-$$-island
ip netns add "$island" || die "make a namespace"
trap 'ip netns delete "$island"; finish' EXIT
as() {
	local uid=$1
	shift
	ip netns exec "$island" setpriv --reuid="$uid" --regid="$uid" --clear-groups --bounding-set=-all --inh-caps=-all \
		--no-new-privs env LD_PRELOAD="$preload" SOCKD_SOCKET="$socket" \
		ASAN_OPTIONS="$sanitizer_options:detect_leaks=0" "$@"
}
# With the filter too: without it the kernel itself gives ping a UDP socket, in the empty namespace.
as 65533 env -u LD_PRELOAD FOR_PROGRAM="LD_PRELOAD=$preload" /usr/bin/python3 "$work/barred.py" \
	"$work/bin/ping" -c 2 -i 0.2 -W 2 10.99.0.2 >"$work/ping" 2>&1
contains "a client without a network pings by the way out" "$work/ping" '2 received'
refused "a rule that says nothing of namespaces does not let it out" 'not permitted|missing cap_net_raw' \
	as 65534 "$work/bin/ping" -c 1 -W 1 10.99.0.2
refused "a rule for the peer's namespace does not let it out" 'unreachable' \
	as 65532 "$work/bin/ping" -c 1 -W 1 10.99.0.2
number=$(ip netns exec "$island" stat -L -c %i /proc/self/ns/net)
audited "the trail says of which namespace was refused" '"event":"refusal","uid":65534.*"netns":'"$number,"
audited "and in which a socket was given" '"event":"grant","uid":65532.*"netns":'"$number,"
audited "of the broker's own it says nothing" '"event":"grant","uid":65533.*"protocol":"[a-z]*"(,"steps"|,"grant")'
as 65533 env SOCKD_NETNS=broker "$work/bin/ping" -c 1 -W 2 10.99.0.2 >"$work/ping" 2>&1
contains "one that is not barred asks for the way out by name" "$work/ping" '1 received'
as 65533 env SOCKD_NETNS=broker "$work/bin/python3" -c '
import ctypes, socket
ctypes.CDLL(None).clearenv()
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.connect(("10.99.0.2", 9))
print("from", s.getsockname()[0])' >"$work/cleared" 2>&1
contains "also after it has cleared its environment" "$work/cleared" '^from 10\.99\.0\.1$'
refused "whoever has no rule for it stays inside" 'not permitted|missing cap_net_raw|unreachable' \
	as 65534 env SOCKD_NETNS=broker "$work/bin/ping" -c 1 -W 1 10.99.0.2
ip -n "$island" link set lo up
as 65532 "$work/bin/ping" -c 1 -W 2 127.0.0.1 >"$work/ping" 2>&1
contains "but gives it the socket there" "$work/ping" '1 received'
seen_far
counted "the other end saw just these echoes" 5 "$work/far.txt" 'ICMP echo request'

# Who owns the socket, as ss shows it.
cat >"$work/hold.py" <<'PYTHON'
import sys, time, socket
s = socket.socket(fileno=3)
s.listen()
print("listening", flush=True)
time.sleep(60)
PYTHON
through_exec "$work/bin/sockctl" open --bind='*:80' inet stream -- "$work/bin/python3" "$work/hold.py" >"$work/held" 2>&1 &
remember
wait_for 10 grep -q listening "$work/held" || cat "$work/held"
in_near ss -Htlne 'sport = :80' >"$work/ss"
contains "the socket belongs to the client's user" "$work/ss" "uid:$client_uid"

as 65532 "$work/bin/sockctl" open inet raw icmp -- sh -c 'echo there; exec sleep 60' >"$work/inside" 2>&1 &
remember
wait_for 10 grep -q there "$work/inside" || cat "$work/inside"
in_near env SOCKD_MANAGEMENT="$management" "$work/bin/sockctl" list >"$work/list"
contains "sockctl shows the namespace of a socket" "$work/list" " 65532 .* inet/raw/icmp +$number +1/1 "
contains "also the broker's own" "$work/list" " inet/stream/tcp +$(in_near stat -L -c %i /proc/self/ns/net) +1/1 "
