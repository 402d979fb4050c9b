#!/bin/bash
# A reload of a large policy leaves other clients alone: while it is being read a client opens sockets, and its longest
# wait is clearly shorter than the reading. A test of blocking, not of speed: one of a few reloads must show it.
. "$(dirname "$0")/../lib.sh"
begin /usr/bin/python3
rules=50000 tries=4

policy <<'JSON'
{ "rules": [ { "name": "echo", "peers": { "uid": 65534 }, "family": "inet", "type": "raw", "protocol": "icmp" } ] }
JSON
large_policy() {
	/usr/bin/python3 - "$1" >"$work/policy.d/60-large.json" <<'PYTHON'
import json, sys
print(json.dumps({"rules": [
    {"name": "tenant-%d" % i, "peers": {"uid": 100000 + i}, "family": "inet", "type": "stream", "protocol": "tcp",
     "ports": [1 + i % 1000]} for i in range(int(sys.argv[1]))]}))
PYTHON
}
large_policy "$rules"
begun=$(date +%s%N)
"$work/bin/sockd" --check-policy --policy "$work/policy.d" >"$work/check.log" 2>&1 || {
	cat "$work/check.log"
	die "the policy is right"
}
checked=$((($(date +%s%N) - begun) / 1000000))
echo "# sockd --check-policy: $checked ms for $rules rules"
start_sockd

# Says how long it has waited for a socket at most, whenever it is asked.
cat >"$work/opens.py" <<'PYTHON'
import signal, socket, sys, time
longest = count = 0
def say(*_):
    global longest, count
    print("longest", int(longest * 1000), "ms of", count, flush=True)
    longest = count = 0
signal.signal(signal.SIGUSR1, say)
print("ready", flush=True)
while True:
    begun = time.monotonic()
    socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP).close()
    longest = max(longest, time.monotonic() - begun)
    count += 1
    time.sleep(0.0005)
PYTHON
through_exec /usr/bin/python3 "$work/opens.py" >"$work/opens" 2>&1 &
client=$!
remember

said() {
	[ "$(grep -c "$1" "$2")" -ge "$3" ]
}

wait_for 20 said ready "$work/opens" 1 || die "the client runs"
undisturbed=0
for ((i = 1; i <= tries && !undisturbed; i++)); do
	sleep 0.3
	kill -USR1 "$client"
	wait_for 10 said longest "$work/opens" $((2 * i - 1)) || die "the client answers"
	begun=$(date +%s%N)
	kill -HUP "$broker_pid"
	wait_for 60 said 'reloaded: ' "$work/sockd.log" "$i" || die "the policy is reloaded"
	took=$((($(date +%s%N) - begun) / 1000000))
	kill -USR1 "$client"
	wait_for 10 said longest "$work/opens" $((2 * i)) || die "the client answers"
	read -r _ longest _ _ count < <(tail -n 1 "$work/opens")
	echo "# reload $i took $took ms; meanwhile $count sockets were opened, the longest wait was $longest ms"
	# What the client waited for is compared with the shorter of two measures of the reading.
	least=$((took < checked ? took : checked))
	[ "$count" -gt 10 ] && [ "$longest" -lt $((least / 2)) ] && undisturbed=1
done
end_child "$client"
expect "a client does not wait for a reload" [ "$undisturbed" -eq 1 ]
counted "each reload took effect" $((i - 1)) "$work/sockd.log" "reloaded: $((rules + 1)) rules from 2 files"

# A socket that stays open over a reload keeps no more of the old policy than the name of its rule. A broker of its own:
# what the first one has had of memory it has.
stop_sockd
large_policy 10000
ASAN_OPTIONS=$ASAN_OPTIONS:quarantine_size_mb=1
start_sockd
cat >"$work/holds.py" <<'PYTHON'
import socket, sys
held = []
for line in sys.stdin:
    held.append(socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP))
    print("held", len(held), flush=True)
PYTHON
mkfifo "$work/hold"
through_exec /usr/bin/python3 "$work/holds.py" <"$work/hold" >"$work/held" 2>&1 &
remember
exec 9>"$work/hold"
reloads=0
memory_with_held() {
	local n
	for ((n = 0; n < $1; n++)); do
		held=$((held + 1)) reloads=$((reloads + 1))
		echo more >&9
		wait_for 10 said held "$work/held" "$held" || die "a socket is held"
		kill -HUP "$broker_pid"
		wait_for 60 said 'reloaded: ' "$work/sockd.log" "$reloads" || die "the policy is reloaded"
	done
	memory=$(awk '/^VmRSS/ {print $2}' "/proc/$broker_pid/status")
}
held=0
memory_with_held 4
before=$memory
memory_with_held 4
echo "# $before kB with 4 old policies, $memory kB with 8"
expect "old policies are let go of" [ $((memory - before)) -lt $((before / 4)) ]
in_near "$work/bin/sockctl" --management="$management" list >"$work/list"
counted "what is open is known by its rule" 8 "$work/list" ' echo *$'
exec 9>&-
