#!/bin/bash
# Under sockd-run: sends are looked at where some rule lets the user have something sent, and else left alone, as if there
# were no filter; the window of numbers for netlink sockets tells which.
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/../targets/common.sh"
begin_run
ulimit -Sn 1024 || skip_all "a process may have less than 1024 descriptors here"

rules() {
	policy <<-JSON
		{ "rules": [
		  { "name": "ping", "peers": { "uid": $client_uid }, "family": "inet", "type": "raw", "protocol": "icmp" },
		  { "name": "listen", "peers": { "uid": $client_uid }, "family": "netlink", "protocol": "route",
		    "groups": ["RTNLGRP_NEIGH"] },
		  { "name": "links", "peers": { $1 }, "family": "netlink", "protocol": "route", "messages": ["RTM_NEWLINK"],
		    "interfaces": ["eth0"] } ] }
	JSON
}
rules '"gid": 70400'
start_sockd
alone=("${powerless[@]}")
in_group=("${powerless[@]/#--clear-groups/--groups=70400}")

# For each line that it is told: sets the queue of eth0 to that, and says where its socket's number is, what came of it,
# and whether it gets a raw socket.
cat >"$work/agent.py" <<'PYTHON'
import os, socket, struct, sys
RTM_NEWLINK, REQUEST_ACK, IFLA_TXQLEN = 16, 5, 13
for line in sys.stdin:
    index = socket.if_nametoindex("eth0")
    body = struct.pack("BBHiII", 0, 0, 0, index, 0, 0) + struct.pack("HHI", 8, IFLA_TXQLEN, int(line))
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE) as s:
        s.send(struct.pack("IHHII", 16 + len(body), RTM_NEWLINK, REQUEST_ACK, 1, 0) + body)
        error = -struct.unpack_from("i", s.recv(4096), 16)[0]
        try:
            socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP).close()
            raw = "raw"
        except PermissionError:
            raw = "not raw"
        print("window" if s.fileno() >= 960 else "low", os.strerror(error), raw, sep=", ", flush=True)
PYTHON
agent=(-- /usr/bin/python3 "$work/agent.py")

told() {
	contains "$1" "$work/said" "$2"
}

powerless=("${in_group[@]}")
echo 501 | supervised "${agent[@]}" >"$work/said" 2>&1
told "who may send is looked at" '^window, Success, raw$'
powerless=("${alone[@]}")
echo 502 | supervised "${agent[@]}" >"$work/said" 2>&1
told "who may not is left alone, and has what else the rules give" '^low, Operation not permitted, raw$'
echo "--- who is to see what is refused"
echo 503 | supervised --verbose "${agent[@]}" >"$work/said" 2>&1
told "all is told" 'RTM_NEWLINK.* is not in the rule'
told "and is as it is without that" '^window, Operation not permitted, raw$'
echo 503 | supervised --dry-run "${agent[@]}" >"$work/said" 2>&1
told "all is told and nothing done" 'RTM_NEWLINK: would be refused with EPERM'
mkdir -m 777 "$work/learnt"
echo 503 | supervised "--learn=$work/learnt/policy.json" "${agent[@]}" >"$work/said" 2>&1
contains "all is learnt" "$work/learnt/policy.json" 'RTM_NEWLINK'
in_near cat /sys/class/net/eth0/tx_queue_len >"$work/said"
told "what was done is what was allowed" '^501$'

echo "--- a rule that comes later"
mkfifo "$work/to" "$work/from"
supervised_exec --quiet "${agent[@]}" <"$work/to" >"$work/from" 2>"$work/errors" &
target=$!
remember
exec {to}>"$work/to" {from}<"$work/from"
ask() {
	echo "$1" >&"$to"
	IFS= read -r -t 20 answer <&"$from" || answer=nothing
	echo "$answer" >"$work/said"
}
ask 504
told "a program that is started before it" '^low, Operation not permitted, raw$'
rules "\"uid\": $client_uid"
audit_settles
ask 505
told "is left alone still" '^low, Operation not permitted, raw$'
echo 506 | supervised "${agent[@]}" >"$work/said" 2>&1
told "one that is started after it is not" '^window, Success, raw$'

echo "--- a broker that comes later"
exec {to}>&- {from}<&-
wait "$target"
kill "$broker_pid"
wait "$broker_pid"
supervised_exec --quiet "${agent[@]}" <"$work/to" >"$work/from" 2>"$work/errors" &
remember
exec {to}>"$work/to" {from}<"$work/from"
sleep 1
start_sockd
ask 507
told "what it might allow was looked at from the beginning" '^window, Success, raw$'
exec {to}>&- {from}<&-
in_near cat /sys/class/net/eth0/tx_queue_len >"$work/said"
told "and is done" '^507$'
