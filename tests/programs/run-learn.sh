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
SOCKD_NETNS=elsewhere refused "nor where an empty --netns says that no other namespace is meant" 'Operation not permitted' \
	run --netns= --learn own.json "$work/bin/ping" -c 1 -W 5 10.99.0.2
contains "which is learnt from" "$work/learnt/own.json" '"family": "inet"'
counted "as of no other" 0 "$work/learnt/own.json" netns
printf '{ "rules": [] }\n' >"$work/learnt/other.json"
chmod 666 "$work/learnt/other.json"
refused "a policy that was written by hand is left alone" 'is no policy that --learn has written' \
	run --learn other.json true
contains "as it was" "$work/learnt/other.json" '^\{ "rules": \[\] \}$'

n_back=0
for ((i = 0; i < 10; i++)); do
	run --learn once.json true && rm "$work/learnt/once.json" || fail "a policy without rules is written"
	wait_for 10 no_runners
	[ ! -e "$work/learnt/once.json" ] || n_back=$((n_back + 1))
	rm -f "$work/learnt/once.json"
done
expect "what sockd-run has written it leaves alone when it has ended ($n_back of 10 came back)" [ "$n_back" -eq 0 ]
# Of every two ports an address has both, and two others have one each: no two of these rules become one.
refused "of more than a file takes one line says so" 'lacks calls of the program: there are too many' \
	run --learn many.json "$work/bin/python3" -c 'import socket
def bind(kind, i, port):
    try: socket.socket().bind(("127.%d.%d.%d" % (kind, i // 250, 1 + i % 250), port))
    except PermissionError: pass
for i in range(400):
    bind(1, i, 2 * i + 1)
    bind(1, i, 2 * i + 2)
    bind(2, i, 2 * i + 1)
    bind(3, i, 2 * i + 2)
raise SystemExit(1)'
counted "and the others are there" 1024 "$work/learnt/many.json" '"name":'
threads='import ctypes, os, socket, threading
def serve():
    ctypes.CDLL(None).prctl(15, b"worker-0", 0, 0, 0)
    try: socket.create_server(("10.99.0.1", 82))
    except OSError: print("refused to", os.getpid())
thread = threading.Thread(target=serve)
thread.start()
thread.join()'
run --verbose --learn threads.json "$work/bin/python3" -c "$threads" >"$work/threads" 2>&1
contains "what a thread with a name of its own asks for is told as the program's" "$work/learnt/threads.json" \
	'"description": "python3: bind 10\.99\.0\.1:82 '
contains "by the process's number" "$work/threads" \
	"^sockd-run: python3\[$(sed -n 's/^refused to //p' "$work/threads")\]: bind "

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

echo "--- links"
# learnt FILE: of each rule, its messages and their interfaces.
learnt() {
	/usr/bin/python3 -c '
import json, sys
for rule in json.load(open(sys.argv[1]))["rules"]:
    print(*sorted(rule.get("messages", [])), "of", *sorted(rule.get("interfaces", [])))' "$work/learnt/$1"
}
# ip asks first whether there is RTM_NEWLINK, by a message that is nothing but its head.
run --learn links.json "$work/bin/ip" link show lo >/dev/null 2>&1
expect "what only looks needs no rule" test -z "$(learnt links.json)"
refused "a link's MTU" 'Operation not permitted' run --learn links.json "$work/bin/ip" link set eth0 mtu 1400
expect "is learnt with its interface alone" test "$(learnt links.json)" = 'RTM_NEWLINK of eth0'
# With the rules in force a call is done when it is noted, and the interface has another name or is gone.
cp "$work"/policy.d/policy.json "$work/policy.before"
cat >"$work/policy.d/policy.json" <<'JSON'
{ "rules": [ { "name": "links", "peers": { "uid": 65534 }, "family": "netlink", "protocol": "route",
               "messages": ["RTM_NEWLINK", "RTM_DELLINK"], "interfaces": ["old0", "new0"] } ] }
JSON
kill -HUP "$broker_pid"
ip -n "$near" link add old0 type dummy 2>/dev/null || ip -n "$near" link add old0 type veth peer name other0
change='import socket, struct, sys
s = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0)
name = sys.argv[3].encode() + b"\0" if len(sys.argv) > 3 else b""
more = struct.pack("=HH", 4 + len(name), 3) + name + b"\0" * (-len(name) % 4) if name else b""
s.send(struct.pack("=IHHIIBBHiII", 32 + len(more), int(sys.argv[1]), 5, 1, 0, 0, 0, 0,
                   socket.if_nametoindex(sys.argv[2]), 0, 0) + more)
sys.exit(-struct.unpack_from("=i", s.recv(999), 16)[0])'
expect "a link is renamed" wait_for 10 run --learn renamed.json "$work/bin/python3" -c "$change" 16 old0 new0
expect "which is learnt with both names" test "$(learnt renamed.json)" = 'RTM_NEWLINK of new0 old0'
expect "a link is deleted" run --learn deleted.json "$work/bin/python3" -c "$change" 17 new0
expect "which is learnt with its name" test "$(learnt deleted.json)" = 'RTM_DELLINK of new0'
mv "$work/policy.before" "$work/policy.d/policy.json"
kill -HUP "$broker_pid"

echo "--- what nobody can have"
missing=$(python3 -c '
import socket
for family in range(3, 45):
    try:
        socket.socket(family, socket.SOCK_RAW, 0).close()
    except OSError as error:
        if error.errno == 97:
            print(family)
            break')
run --learn missing.json "$work/bin/python3" -c "
import socket
socket.socket($missing, socket.SOCK_RAW, 0)" >/dev/null 2>&1
counted "a family that the kernel does not have is not learnt" 0 "$work/learnt/missing.json" '"family"'

echo "--- programs that go into the background"
run --learn behind.json sh -c 'exec 2>&-; (until [ -e go ]; do sleep 0.05; done; exec "$0" -c 1 -W 1 10.99.0.2) \
	>/dev/null 2>&1 &' "$work/bin/ping" 2>"$work/said"
contains "that it is not the end is said" "$work/said" \
	'^sockd-run: --learn: behind\.json is complete when the last process that the program has left behind has ended$'
touch "$work/learnt/go"
expect "and so it is" wait_for 20 grep -q '"icmp"' "$work/learnt/behind.json"

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
if user_namespaces "in another network namespace"; then
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
fi
