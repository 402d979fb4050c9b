#!/bin/bash
# CAN from another network namespace than the bus's: with a rule for it and, as an attack, without; and what breaks:
# a bus that goes away, malformed addresses.
. "$(dirname "$0")/can-lib.sh"
begin_can candump cansend
copy_program candump
ip -n "$far" link add vcan0 type vcan 2>/dev/null && ip -n "$far" link set vcan0 up

policy <<JSON
{
  "rules": [
    {
      "name": "way-out",
      "peers": { "uid": 65533 },
      "family": "can", "protocol": "raw", "interfaces": ["vcan0", "vcan9"], "identifiers": "0x100-0x1ff", "mark": 9,
      "netns": "broker"
    },
    {
      "name": "by-name",
      "peers": { "uid": 65532 },
      "family": "can", "protocol": ["raw", "isotp"], "netns": "$near"
    },
    {
      "name": "at-home",
      "peers": { "uid": 65531 },
      "family": "can", "protocol": "raw", "netns": "peer"
    },
    {
      "name": "only-here",
      "peers": { "uid": 65534 },
      "family": "can", "protocol": ["raw", "bcm", "isotp"]
    }
  ]
}
JSON
start_sockd
before=$(descriptors)

# listen UID [SECONDS]: an unmodified candump of a container, with nothing but the preload; frames are sent on the broker's bus.
listen() {
	barred "$far" "$1" "$work/bin/candump" -T 5000 vcan0 >"$work/candump" 2>&1 &
	local client=$!
	children+=("$client")
	if [ $# -gt 1 ]; then
		sleep "$2"
	else
		wait_for 20 receiving 1
	fi
	send vcan0:123#01 vcan0:223#02 vcan1:123#03
	wait "$client"
	cat "$work/candump"
}

listen 65533
counted "from another namespace: the listed identifier of the listed bus" 1 "$work/candump" '^ +vcan0 +123 '
counted "and nothing else" 1 "$work/candump" vcan
listen 65532
counted "a rule that names the namespace: all of the bus" 2 "$work/candump" '^ +vcan0 '

# The same programs by sockd-run, without the filter that bars CAN; one that is told to look in the broker's namespace.
supervised() {
	as_user "$far" "$1" "$work/bin/sockd-run" --mode=seccomp --netns=broker -- "${@:2}"
}
supervised 65533 "$work/bin/candump" -T 5000 vcan0 >"$work/candump" 2>&1 &
remember
client=$!
wait_for 20 receiving 1
send vcan0:123#01 vcan0:223#02 vcan1:123#03
wait "$client"
cat "$work/candump"
counted "by sockd-run: the listed identifier of the listed bus" 1 "$work/candump" '^ +vcan0 +123 '
counted "by sockd-run: and nothing else" 1 "$work/candump" vcan

# Attacks: no socket of the host's by a rule that does not say so.
listen 65531 2
counted "a rule for the peer's namespace gives a socket of that" 0 "$work/candump" 'vcan0 +[12]23'
listen 65534 2
contains "a rule that says nothing of namespaces gives none" "$work/candump" 'not supported'
for netns in broker peer "$near" "$far" default; do
	refused "nor when asked for $netns" 'netns|namespace|no rule|not permitted|own network' \
		asking "$far" 65534 ${netns:+--netns="$netns"} --bind=vcan0 can raw raw
done
refused "a rule for the peer's namespace is none for the broker's" 'another network namespace' \
	asking "$far" 65531 --netns=broker --bind=vcan0 can raw raw

# By name and by number, the number being that of the socket's namespace.
cat >"$work/listen.py" <<'PYTHON'
from can import *
s = handed()
print("bound", s.getsockname(), flush=True)
everything(s, 5)
PYTHON
number=$(in_near cat /sys/class/net/vcan0/ifindex)
for bus in vcan0 "$number"; do
	asking "$far" 65533 --netns=broker --bind="$bus" can raw raw -- /usr/bin/python3 "$work/listen.py" \
		>"$work/listened" 2>&1 &
	client=$!
	children+=("$client")
	wait_for 20 grep -q bound "$work/listened"
	send vcan0:150#01 vcan0:250#02 vcan1:150#03
	wait "$client"
	cat "$work/listened"
	contains "bound by $bus" "$work/listened" "^bound \('vcan0',\)"
	contains "and receives" "$work/listened" '^got 150'
	counted "and only that" 1 "$work/listened" '^got'
done
number=$(in_near cat /sys/class/net/vcan1/ifindex)
refused "another bus by number" 'interface vcan1 is not in the rule' \
	asking "$far" 65533 --netns=broker --bind="$number" can raw raw
refused "no such number" 'No such device' asking "$far" 65533 --netns=broker --bind=4711 can raw raw

# A bus that goes away while sockets are bound to it: the kernel's word, and the filter outlives it.
bus vcan9
cat >"$work/gone.py" <<'PYTHON'
from can import *
s = handed()
print("bound", flush=True)
s.settimeout(30)
said("down", lambda: s.recv(16))
said("gone", lambda: s.recv(16))
print("look", flush=True)
said("again", lambda: s.bind(("vcan9",)))
said("other", lambda: s.bind(("",)))
print("ready", flush=True)
everything(s, 5)
PYTHON
asking "$far" 65533 --netns=broker --bind=vcan9 can raw raw -- /usr/bin/python3 "$work/gone.py" >"$work/gone" 2>&1 &
client=$!
children+=("$client")
wait_for 20 grep -q bound "$work/gone"
ip -n "$near" link set vcan9 down
wait_for 10 grep -q '^down' "$work/gone"
ip -n "$near" link delete vcan9
wait_for 10 grep -q '^gone' "$work/gone"
bus vcan9
wait_for 10 grep -q '^ready' "$work/gone"
send vcan9:123#01 vcan0:123#02
wait "$client"
cat "$work/gone"
contains "a bus that goes down: ENETDOWN" "$work/gone" '^down ENETDOWN'
contains "that goes away: ENODEV" "$work/gone" '^gone ENODEV'
counted "its namesake is another interface, and so is any other" 0 "$work/gone" '^got'

# Malformed requests.
refused "an address that is too short" 'not an address|Invalid' asking "$near" 65534 --netns=broker --bind=raw:1d000000 can raw raw
refused "an address of ISO-TP on a socket that has no bind" 'kernel refused|not supported' \
	asking "$near" 65534 --netns=broker --bind=vcan0/rx=1/tx=2 can dgram bcm
refused "the same identifier twice" 'kernel refused' \
	asking "$near" 65534 --netns=broker --bind=vcan0/rx=1/tx=1 can dgram isotp
refused "a protocol that the kernel has not" 'no rule|not supported' asking "$near" 65534 --netns=broker can dgram mcnet
refused "the wrong type" 'wrong type|kernel refused' asking "$near" 65534 --netns=broker can dgram raw
refused "a name on an address without one" 'no interface that could be named|is not an address' \
	asking "$near" 65534 --netns=broker --bind=vcan0 inet dgram udp
refused "a missing bus" 'No such device' asking "$near" 65534 --netns=broker --bind=vcan7 can raw raw

wait_for 20 sh -c "[ \$(find /proc/$broker_pid/fd -mindepth 1 | wc -l) -le $before ]"
expect "no descriptor is left in sockd" [ "$(descriptors)" -le "$before" ]
