#!/bin/bash
# Under sockd-run: programs that change the arguments of a call while it is judged. SOCKD_HOSTILE_ROUNDS says how often;
# a million takes a minute or two.
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/../targets/common.sh"
begin_run flip
rounds=${SOCKD_HOSTILE_ROUNDS:-50000}

policy <<'JSON'
{ "rules": [
  { "name": "web", "peers": { "uid": 65534 }, "family": ["inet", "inet6"], "type": ["stream", "dgram"], "ports": [80],
    "options": { "SO_MARK": [7], "SO_PRIORITY": [8] } },
  { "name": "links", "peers": { "uid": 65534 }, "family": "netlink", "protocol": "route",
    "messages": ["RTM_NEWLINK"], "interfaces": ["lo"] } ] }
JSON
start_sockd

# Whoever holds a datagram socket on another low port is seen from outside, if it is for long.
watch_ports() {
	while sleep 0.1; do
		in_near ss -Hluan "sport < :1024 and sport != :80"
	done
}
watch_ports >"$work/ports" 2>&1 &
remember

judged "flipped addresses" supervised -- "$work/bin/flip" bind "$rounds"
counted "no other low port was seen from outside" 0 "$work/ports" .
judged "flipped values" supervised -- "$work/bin/flip" option $((rounds / 10))
judged "flipped messages" supervised -- "$work/bin/flip" message $((rounds / 10))
mtu_is() {
	in_near ip link show dev "$1" | grep -q "mtu $2 "
}
expect "the allowed interface was changed" mtu_is lo 60000
expect "no other was" mtu_is eth0 1500
expect "nor removed" in_far ip link show dev eth0

# The trail of the broker: what it allowed is what the policy names. The last of it is written when sockd ends.
stop_sockd
grants() {
	grep '"event":"grant"' "$audit" | grep -o '"steps":"[^"]*"' | sort | uniq -c
}
grants >"$work/grants"
contains "the allowed port is in the trail" "$work/grants" 'bind .*:80"$'
counted "nothing else is" 0 <(grep -vE 'bind (\*|\[\*\]|[0-9.]+|\[[0-9a-f:]+\]):80"$|SO_MARK=7"$|SO_PRIORITY=8"$|RTM_NEWLINK' "$work/grants") .
