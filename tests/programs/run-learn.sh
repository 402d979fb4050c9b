#!/bin/bash
# sockd-run --learn: the policy that real programs would need is learnt without giving them anything, is enough for them,
# and for nothing beside.
. "$(dirname "$0")/../lib.sh"
begin python3 ping
copy_program ping python3 ip
install -d -m 755 -o "$client_uid" -g "$client_uid" "$work/learnt"

# run OPTION... PROGRAM...: as nobody, in a directory of its own.
run() {
	(cd "$work/learnt" && in_near "${powerless[@]}" env ASAN_OPTIONS="$sanitizer_options:detect_leaks=0" \
		"$work/bin/sockd-run" --mode=seccomp --socket="$socket" "$@")
}

serve='import socket
s = socket.create_server(("10.99.0.1", int(__import__("sys").argv[1])))
s.setsockopt(socket.SOL_SOCKET, socket.SO_MARK, int(__import__("sys").argv[2]))'

policy <<'JSON'
{ "rules": [] }
JSON
start_sockd

echo "--- learning"
refused "ping gets nothing while it is learnt from" 'Operation not permitted' \
	run --learn policy.json "$work/bin/ping" -c 1 -W 5 10.99.0.2
expect "a policy was written" test -s "$work/learnt/policy.json"
refused "nor does a server on port 80" 'Permission denied' \
	run --learn policy.json "$work/bin/python3" -c "$serve" 80 7
refused "nor ip link add" 'Operation not permitted' \
	run --learn policy.json "$work/bin/ip" address add 10.97.0.1/24 dev eth0
contains "the runs are learnt from one after the other" "$work/learnt/policy.json" '"description": "ping: '
contains "each in words" "$work/learnt/policy.json" 'python3: bind 10\.99\.0\.1:80'
contains "with what sockd said" "$work/learnt/policy.json" 'no rule for user 65534 speaks of such a socket'
printf '{ "rules": [] }\n' >"$work/learnt/other.json"
chmod 666 "$work/learnt/other.json"
refused "a policy that was written by hand is left alone" 'is no policy that --learn has written' \
	run --learn other.json true
contains "as it was" "$work/learnt/other.json" '^\{ "rules": \[\] \}$'

# use_learnt: what was learnt becomes the policy, as an administrator would take it over.
use_learnt() {
	install -m 644 "$work/learnt/policy.json" "$work/policy.d/policy.json"
	rm -f "$work"/policy.d/[0-9]*.json
	"$work/bin/sockd" --check-policy "$work/policy.d" && stop_sockd && start_sockd
}

echo "--- with what was learnt"
expect "sockd takes it" use_learnt
expect "ping works" run "$work/bin/ping" -c 1 -W 5 10.99.0.2
refused "the server gets further" 'Operation not permitted' \
	run --learn policy.json "$work/bin/python3" -c "$serve" 80 7
expect "and is learnt from again" use_learnt
expect "the server works" run "$work/bin/python3" -c "$serve" 80 7
refused "another port does not" 'Permission denied' run "$work/bin/python3" -c "$serve" 81 7
refused "nor another mark" 'Operation not permitted' run "$work/bin/python3" -c "$serve" 80 8
expect "the address can be added" run "$work/bin/ip" address add 10.97.0.1/24 dev eth0
refused "no other interface" 'Operation not permitted' run "$work/bin/ip" address add 10.96.0.1/24 dev lo
refused "and nothing else" 'Operation not permitted' run "$work/bin/ip" route add 10.95.0.0/24 dev eth0
refused "no packet socket" 'Operation not permitted' run "$work/bin/python3" -c '
import socket
socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)'

echo "--- where it is not learnt"
run --learn elsewhere.json unshare -U -n "$work/bin/python3" -c '
import socket
for i in range(2):
    try: socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
    except OSError: pass' >"$work/elsewhere.said" 2>&1
expect "what is asked for in another network namespace is said not to be learnt, once" \
	[ "$(grep -c 'another network namespace is not learnt' "$work/elsewhere.said")" = 1 ]
