#!/bin/bash
# Sockets that are handed on: the examples, sockctl, and a broker that is restarted, with a manager that keeps
# descriptors and without one.
. "$(dirname "$0")/../lib.sh"
begin /usr/bin/python3
install -m 755 "$SOCKD_BUILD"/lib/.libs/libsockd.so.0.*.* "$work/lib/libsockd.so.0" || die "the library is built"
for example in handover share; do
	install -m 755 "$SOCKD_BUILD/examples/.libs/$example" "$work/bin/$example" 2>/dev/null ||
		install -m 755 "$SOCKD_BUILD/examples/$example" "$work/bin/$example" || die "the example $example is built"
done
cp "$SOCKD_SOURCE/tests/keep.py" "$work/"
export PYTHONDONTWRITEBYTECODE=1

policy <<'JSON'
{ "rules": [
  { "name": "web", "peers": { "uid": [65534, 65533] }, "family": "inet", "type": "stream", "actions": ["share", "receive"] },
  { "name": "kept", "peers": { "uid": 65534 }, "family": "inet", "type": "stream", "actions": ["store", "fetch"] },
  { "name": "ports", "peers": { "uid": 65534 }, "family": "inet", "type": "stream", "ports": [80] } ] }
JSON
start_sockd

as() {
	local uid=$1
	shift
	in_near setpriv --reuid="$uid" --regid="$uid" --clear-groups --bounding-set=-all --inh-caps=-all --no-new-privs \
		env SOCKD_SOCKET="$socket" SOCKD_MANAGEMENT="$management" LD_LIBRARY_PATH="$work/lib" "$@"
}

# --- a listener goes from one process to its successor

as 65534 "$work/bin/handover" 80 >"$work/first" 2>"$work/first.log" &
remember
wait_for 10 test -s "$work/first" || die "the first server serves ($(cat "$work/first.log"))"
cat >"$work/ask.py" <<'PYTHON'
"""Connects again and again until the file is there: tells who answered, and how often it was refused."""
import os, socket, sys
seen = open(sys.argv[2], "a")
answers, refused, empty = {}, 0, 0
while not os.path.exists(sys.argv[1]):
    try:
        with socket.create_connection(("127.0.0.1", 80), 10) as s:
            who = s.makefile().readline().strip()
            empty += not who
            if who and who not in answers:
                print("seen", who, file=seen, flush=True)
            if who:
                answers[who] = answers.get(who, 0) + 1
    except OSError:
        refused += 1
print(len(answers), refused, empty, answers)
PYTHON
in_near /usr/bin/python3 "$work/ask.py" "$work/stop" "$work/seen" >"$work/asked" 2>&1 &
asker=$!
remember
pids=("$(cat "$work/first")")
wait_for 20 grep -q "seen ${pids[0]}" "$work/seen" || fail "the first server answers"
for i in 1 2 3; do
	if [ "$i" = 2 ]; then
		# Its predecessor is gone before it is there: connections wait meanwhile.
		kill -TERM "${pids[-1]}"
		sleep 0.3
	fi
	as 65534 "$work/bin/handover" 80 >"$work/next.$i" 2>&1 &
	remember
	wait_for 10 test -s "$work/next.$i" || die "successor $i serves"
	[ "$i" = 2 ] || kill -TERM "${pids[-1]}"
	pids+=("$(cat "$work/next.$i")")
	wait_for 20 grep -q "seen ${pids[-1]}" "$work/seen" || fail "successor $i answers"
done
touch "$work/stop"
wait "$asker"
read -r servers refusals cut rest <"$work/asked"
echo "# $servers servers, $refusals refused, $cut cut off: $rest"
expect "four servers answered one after the other" test "$servers" -eq 4
expect "no connection was refused or cut off in between" test "$refusals.$cut" = 0.0
kill -USR1 "${pids[-1]}"
name_is_gone() {
	! as 65534 "$work/bin/sockctl" fetch handover-80
}
expect "the last one has the name forgotten" wait_for 5 name_is_gone

# --- from one user to another

as 65534 "$work/bin/share" give 65533 >"$work/given" 2>&1 || die "share it ($(cat "$work/given"))"
port=$(sed -n 1p "$work/given")
refused "a ticket for one user is not good for another" 'wrong, used, expired or for another' \
	as 65534 sh -c "sed -n 2p '$work/given' | '$work/bin/share' take"
sed -n 2p "$work/given" | as 65533 "$work/bin/share" take 2>"$work/take.log" &
taker=$!
remember
expect "the other user serves on it" sh -c "ip netns exec $near /usr/bin/python3 -c '
import socket
print(socket.create_connection((\"127.0.0.1\", $port), 10).makefile().read())' | grep 'served by user 65533' >$work/served"
wait "$taker" || fail "it ends well"

# --- sockctl

cat >"$work/listen.py" <<'PYTHON'
import os, socket, sys
s = socket.create_server(("127.0.0.1", 0))
os.dup2(s.fileno(), 0)
os.execvp(sys.argv[1], sys.argv[1:])
PYTHON
sockctl=$work/bin/sockctl
ticket=$(as 65534 /usr/bin/python3 "$work/listen.py" "$sockctl" share --expires=3600 -)
expect "sockctl share prints a ticket" grep -qE '^sockd-[0-9a-f]{64}$' <<<"$ticket"
expect "fromshare gives it to a command" as 65533 "$sockctl" fromshare "$ticket" -- sh -c '[ "$LISTEN_FDS" = 1 ] && [ -S /proc/self/fd/3 ]'
refused "but once" 'wrong, used, expired' as 65533 "$sockctl" fromshare "$ticket"
ticket=$(as 65534 /usr/bin/python3 "$work/listen.py" "$sockctl" share --uid=65533 0)
expect "a ticket is read from standard input" sh -c "$(declare -f as in_near); near=$near work=$work socket=$socket management=$management; echo $ticket | as 65533 $sockctl fromshare - | grep -q 'inet stream tcp, bound to 127.0.0.1:.*, shared'"
expect "sockctl store" as 65534 /usr/bin/python3 "$work/listen.py" "$sockctl" store --expires=100 web-1
expect "and under a second name" as 65534 /usr/bin/python3 "$work/listen.py" "$sockctl" store web-2 -
refused "not where the name is taken" 'File exists' as 65534 /usr/bin/python3 "$work/listen.py" "$sockctl" store --new web-1
as 65534 "$sockctl" stored >"$work/stored"
contains "stored lists them" "$work/stored" '^web-1 +inet/stream/tcp +[0-9]+ s +([89][0-9]|100) s'
as 65534 "$sockctl" stored --json >"$work/stored"
contains "also as JSON" "$work/stored" '"name": ?"web-2".*"left_usec": ?null'
expect "fetch gives one to a command" as 65534 "$sockctl" fetch web-1 -- sh -c '[ -S /proc/self/fd/3 ]'
expect "fetch --take" as 65534 "$sockctl" fetch --take web-1
refused "takes it away" 'nothing is stored under this name' as 65534 "$sockctl" fetch web-1
in_near "$sockctl" --management="$management" list >"$work/list"
contains "the administrator sees what is kept" "$work/list" 'web-2 +inet/stream/tcp .* kept +no'
expect "forget" as 65534 "$sockctl" forget web-2
refused "and it is gone" 'nothing is stored' as 65534 "$sockctl" forget web-2
refused "another user may not store" 'no rule for user 65533|comes nearest' \
	as 65533 /usr/bin/python3 "$work/listen.py" "$sockctl" store web-1
in_near "$sockctl" --management="$management" check --uid=65534 --action=store --name=x inet stream >"$work/check"
contains "check tells by which rule" "$work/check" 'Allowed by rule kept'
refused "and why not" 'comes nearest: it has not this action|no rule' \
	in_near "$sockctl" --management="$management" check --uid=65533 --gid=65533 --action=store --name=x inet stream
refused "a file is no socket" 'not a socket|Socket operation on non-socket' as 65534 "$sockctl" share 0 </dev/null
refused "a descriptor that is not open is said to be so" 'descriptor 77 is not open' as 65534 "$sockctl" share 77
refused "a ticket of nonsense" 'this is no ticket' as 65534 "$sockctl" fromshare nonsense
if grep -qF "${ticket#sockd-}" "$audit" "$work/sockd.log"; then
	fail "no ticket is in the trail"
else
	ok "no ticket is in the trail"
fi

# --- a namespace by its name: the one of the socket, not of the peer

policy 60-far.json <<JSON
{ "rules": [
  { "name": "far-shares", "peers": { "uid": 65534 }, "family": "inet", "type": "dgram", "actions": "share", "netns": "peer" },
  { "name": "far-received", "peers": { "uid": 65533 }, "family": "inet", "type": "dgram", "actions": "receive", "netns": "$far" } ] }
JSON
stop_sockd
start_sockd
cat >"$work/datagram.py" <<'PYTHON'
import os, socket, sys
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
os.dup2(s.fileno(), 0)
os.execvp(sys.argv[1], sys.argv[1:])
PYTHON
from_where() {
	local where=$1
	shift
	ip netns exec "$where" setpriv --reuid=65534 --regid=65534 --clear-groups --no-new-privs \
		env SOCKD_SOCKET="$socket" /usr/bin/python3 "$work/datagram.py" "$@"
}
ticket=$(from_where "$far" "$sockctl" share -) || fail "share from another namespace"
expect "a rule that names its namespace lets the socket out of it" as 65533 "$sockctl" fromshare "$ticket"
ticket=$(from_where "$near" "$sockctl" share -) || fail "share from the own namespace"
refused "and no socket of another one" 'lives in another network namespace' as 65533 "$sockctl" fromshare "$ticket"

# --- restarts: by hand nothing is kept, by a manager that keeps descriptors all is

as 65534 /usr/bin/python3 "$work/listen.py" "$sockctl" store web-1 || fail "store before a restart"
stop_sockd
start_sockd
refused "without a manager nothing outlives the broker" 'nothing is stored' as 65534 "$sockctl" fetch web-1
stop_sockd
sanitizer=()
[ "${preload%:*}" = "$preload" ] || # its run-time must come first
	sanitizer=(env LD_PRELOAD="${preload%:*}" ASAN_OPTIONS="$sanitizer_options:detect_leaks=0")
in_near ${sanitizer[@]+"${sanitizer[@]}"} timeout 100 /usr/bin/python3 "$SOCKD_SOURCE/tests/keep-manager.py" "$work" >"$work/told" 2>"$work/manager.log"
status=$?
cat "$work/told"
failures=$((failures + $(grep -c ^FAIL "$work/told")))
[ "$status" -eq 0 ] || {
	tail -n 20 "$work/manager.log"
	fail "the manager came to its end (exit status $status)"
}
