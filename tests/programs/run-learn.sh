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

echo "--- in another network namespace"
elsewhere='import socket
for i in range(2):
    try: print("packet", socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0) and "given")
    except OSError as error: print("packet", error.strerror)
s = socket.socket()
try: print("port", s.bind(("127.0.0.1", 80)) or "bound")
except OSError as error: print("port", error.strerror)
try: print("mark", s.setsockopt(socket.SOL_SOCKET, socket.SO_MARK, 7) or "set")
except OSError as error: print("mark", error.strerror)
print(sorted(name for _, name in socket.if_nameindex()))'
there() {
	run "$@" unshare -U -n "$work/bin/python3" -c "$elsewhere"
}
there --learn policy.json >"$work/elsewhere" 2>&1
for what in packet:2 port:1 mark:1; do
	counted "nothing is given there while it is learnt from: ${what%:*}" "${what#*:}" "$work/elsewhere" \
		"^${what%:*} (Operation not permitted|Permission denied)"
done
contains "it was there" "$work/elsewhere" "^\\['lo'\\]$"
expect "the rules are for that namespace, one for each kind of socket" python3 -c '
import json, sys
rules = [r for r in json.load(open(sys.argv[1]))["rules"] if "unshare" not in r["description"] and r.get("netns")]
rules.sort(key=lambda r: r["family"])
inet, packet = rules
assert (inet["family"], packet["family"]) == ("inet", "packet") and inet["netns"] == packet["netns"] == "peer", rules
assert inet["ports"] == [80] and inet["options"] == {"SO_MARK": [7]}, inet' "$work/learnt/policy.json"
expect "sockd takes them" use_learnt
there >"$work/elsewhere" 2>&1
counted "with them all is given there" 4 "$work/elsewhere" '^(packet given|port bound|mark set)$'
