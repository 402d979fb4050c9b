#!/bin/bash
# How sockd starts, reloads and ends where something is in its way: what it must not take, must not write into, must not
# wait for, and what it says.
. "$(dirname "$0")/../lib.sh"
begin /usr/bin/python3

policy <<'JSON'
{ "rules": [ { "name": "echo", "peers": { "uid": 65534 }, "family": "inet", "type": "raw", "protocol": "icmp" } ] }
JSON
open_one=(/usr/bin/python3 -c 'import socket; socket.socket(socket.AF_INET, socket.SOCK_RAW, 1)')

# Runs one that is to fail, with these options.
fails() {
	local what=$1 pattern=$2 status=0
	shift 2
	in_near timeout 20 "${under[@]}" "$work/bin/sockd" --policy "$work/policy.d" --user "$broker_uid:$broker_uid" \
		--audit none "$@" >"$work/said" 2>&1 || status=$?
	[ "$status" -ne 0 ] && [ "$status" -ne 124 ] || fail "$what: it ended with status $status"
	contains "$what" "$work/said" "$pattern"
}
under=()

# --- sockets ---
start_sockd
fails "the socket of a sockd that lives is left to it" "cannot listen on $socket: Address already in use" --listen "$socket"
fails "also as the administrators' one" "cannot listen on $socket: Address already in use" --management "$socket"
fails "and the administrators' own" "cannot listen on $management: Address already in use" \
	--listen "$work/run/other" --management "$management"
fails "also where the start fails later" "cannot listen on /nowhere/at/all" \
	--listen "$work/run/other" --listen x=/nowhere/at/all
expect "its clients are served as before" through "${open_one[@]}"
expect "and its administrators" in_near "$work/bin/sockctl" --management="$management" status
fails "one path for two listeners" "cannot listen on $work/run/twice: Address already in use" \
	--listen a="$work/run/twice" --listen b="$work/run/twice"
fails "one name for two listeners" 'there is a listener "a" already' --listen a="$work/run/one" --listen a="$work/run/two"
{
	getent passwd root
	echo 'rootling:x:64777:0::/:/bin/false'
} >"$work/passwd"
under=(unshare --mount sh -c 'mount --bind "$1" /etc/passwd && shift && exec "$@"' sh "$work/passwd")
fails "nor does it become one of root's group" '--user=rootling: not a user that sockd could become' \
	--listen "$work/run/other" --user rootling
fails "also by its number" '--user=64777: not a user that sockd could become' --listen "$work/run/other" --user 64777
under=(setpriv --reuid="$client_uid" --regid="$client_uid" --clear-groups)
fails "without root it changes its group no more than its user" 'only root can become another user' \
	--listen "$work/home/other" --user "$client_uid:5"
under=(unshare --pid --fork)
fails "where /proc tells of other processes it does not start" '/proc is missing, or of another pid namespace' \
	--listen "$work/run/other"
under=()
fails "a policy is checked for nobody who is not there" '--user=nosuch-user: not a user that sockd could become' \
	--check-policy --user nosuch-user
fails "no path for administrators" '--management=: a path is missing' --listen "$work/run/other" --management ''
touch "$work/run/file"
fails "a file that is no socket" "cannot listen on $work/run/file: File exists" --listen "$work/run/file"
stop_sockd

# --- what has taken the place of its socket is not its own ---
install -d -o "$broker_uid" "$work/own"
ip netns exec "$near" "$work/bin/sockd" --listen "$work/own/socket" --policy "$work/policy.d" --user "$broker_uid:$broker_uid" \
	--audit none >"$work/own.log" 2>&1 &
first=$!
remember
wait_for 20 test -S "$work/own/socket" || die "sockd listens"
wait_for 20 grep -q 'runs as' "$work/own.log" || die "sockd starts"
rm "$work/own/socket"
echo mine >"$work/own/socket"
kill -TERM "$first"
wait "$first"
contains "a file that has taken the place of its socket stays" "$work/own/socket" '^mine$'

# --- streams ---
pipe=$work/pipe
mkfifo "$pipe"
sleep 1000 <"$pipe" &
reader=$!
remember
ip netns exec "$near" "$work/bin/sockd" --listen "$socket" --policy "$work/policy.d" --user "$broker_uid:$broker_uid" \
	--audit "$audit" 2>"$pipe" &
broker_pid=$!
wait_for 20 test -S "$socket" || die "sockd listens"
wait_for 20 through "${open_one[@]}" || die "sockd serves"
kill "$reader"
wait "$reader"
kill -HUP "$broker_pid"
sleep 0.5
kill -HUP "$broker_pid"
expect "whom nobody reads lives on, and serves" through "${open_one[@]}"
stop_sockd

# A reader that does not read: the pipe is filled before.
/usr/bin/python3 - "$pipe" <<'PYTHON' &
import os, sys, time
reader = os.open(sys.argv[1], os.O_RDONLY | os.O_NONBLOCK)
writer = os.open(sys.argv[1], os.O_WRONLY | os.O_NONBLOCK)
print("open", flush=True)
end = time.monotonic() + 60
while not os.path.exists(sys.argv[1] + ".fill"):
    time.sleep(0.05)
try:
    while True:
        os.write(writer, b"x" * 4096)
except BlockingIOError:
    pass
try:
    while True:
        os.write(writer, b"x")
except BlockingIOError:
    open(sys.argv[1] + ".full", "w").close()
while time.monotonic() < end:
    time.sleep(0.1)
PYTHON
reader=$!
remember
ip netns exec "$near" "$work/bin/sockd" --listen "$socket" --policy "$work/policy.d" --user "$broker_uid:$broker_uid" \
	--audit "$audit" 2>"$pipe" &
broker_pid=$!
wait_for 20 through "${open_one[@]}" || die "sockd serves"
touch "$pipe.fill"
wait_for 20 test -e "$pipe.full" || die "the pipe is full"
for _ in 1 2 3; do
	kill -HUP "$broker_pid"
	sleep 0.3
done
expect "whom somebody does not read waits for nobody" through timeout 5 "${open_one[@]}"
stop_sockd
kill "$reader"
wait "$reader"

rm -f "$audit"
ip netns exec "$near" "$work/bin/sockd" --listen "$socket" --policy "$work/policy.d" --user "$broker_uid:$broker_uid" \
	--audit "$audit" 2>&- &
broker_pid=$!
wait_for 20 through "${open_one[@]}" || die "sockd serves"
kill -HUP "$broker_pid"
sleep 0.5
stop_sockd
expect "without a standard error nothing of it gets into the audit trail" \
	/usr/bin/python3 -c 'import json, sys; [json.loads(line) for line in open(sys.argv[1])]' "$audit"

expect "what cannot be written out is no success" \
	bash -c '! "$1" --help >/dev/full 2>&1 && ! "$1" --check-policy "$2" >/dev/full 2>&1' - "$work/bin/sockd" "$work/policy.d"

# --- signals ---
/usr/bin/python3 -c 'import json
print(json.dumps({"rules": [{"name": "r%d" % i, "peers": {"uid": 70000 + i}, "family": "inet", "type": "stream"}
    for i in range(30000)]}))' >"$work/policy.d/60-large.json"
ip netns exec "$near" "$work/bin/sockd" --listen "$socket" --policy "$work/policy.d" \
	--user "$broker_uid:$broker_uid" --audit "$audit" >"$work/early.log" 2>&1 &
broker_pid=$!
wait_for 20 grep -qE '^SigBlk:.*[13579bdf]$' "/proc/$broker_pid/status" || die "SIGHUP is blocked"
expect "that is so while the policy is being read" bash -c '! grep "runs as" "$1"' - "$work/early.log"
kill -HUP "$broker_pid"
expect "a reload that is asked for during the start comes after it" \
	wait_for 30 grep -q 'reloaded: 30001 rules' "$work/early.log"
stop_sockd
rm "$work/policy.d/60-large.json"

# --- descriptors ---
under=(prlimit --nofile=40)
fails "too few descriptors" 'it may have 40 descriptors open, and needs 64' --listen "$work/run/other"
under=()
ip netns exec "$near" prlimit --nofile=64 "$work/bin/sockd" --listen "$socket" --policy "$work/policy.d" \
	--user "$broker_uid:$broker_uid" --audit "$audit" >"$work/few.log" 2>&1 &
broker_pid=$!
expect "the least that it starts with is enough to serve" wait_for 20 through "${open_one[@]}"
stop_sockd

# --- names ---
bad=$'\xff\e[2J'
echo '{ "rules": [] }' >"$work/policy.d/$bad.json"
fails "a policy file whose name no log can hold" 'the name of the file "\\xff\\x1b\[2J.json" is no UTF-8' \
	--listen "$work/run/other"
rm "$work/policy.d/$bad.json"
fails "such an audit trail" 'a path from /' --listen "$work/run/other" --audit $'/\xff'
cat >"$work/pass.py" <<'PYTHON'
import os, socket, sys
listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
listener.bind(sys.argv[1])
listener.listen()
os.dup2(listener.fileno(), 3)
os.set_inheritable(3, True)
os.environ["LISTEN_PID"] = str(os.getpid())
os.environ["LISTEN_FDS"] = sys.argv[2]
os.environb[b"LISTEN_FDNAMES"] = os.fsencode(sys.argv[3])
os.execv(sys.argv[4], sys.argv[4:])
PYTHON
under=(/usr/bin/python3 "$work/pass.py" "$work/run/passed" 1 $'a\xff')
fails "a passed listener with such a name" 'the name of a socket from systemd is no UTF-8'
under=(/usr/bin/python3 "$work/pass.py" "$work/run/passed2" x a)
fails "what is passed, but not as it should be" 'LISTEN_FDS and LISTEN_FDNAMES cannot be taken' --listen "$work/run/other"
under=()

# --- the policy's directory ---
chown "$client_uid" "$work/policy.d"
fails "a directory whose owner could take a deny rule away" "the directory belongs to user $client_uid" \
	--listen "$work/run/other"
chown 0 "$work/policy.d"
chmod 777 "$work/policy.d"
fails "a directory that others may write to" 'the directory is writable by others' --listen "$work/run/other"
chmod 755 "$work/policy.d"

# --- the audit trail ---
start_sockd
mv "$audit" "$audit.1"
mkdir "$audit"
kill -HUP "$broker_pid"
expect "a trail that cannot be opened anew is told of" \
	wait_for 10 grep -q 'audit.json cannot be opened anew: Is a directory; what was open until now is written on' "$work/sockd.log"
expect "sockd goes on" through "${open_one[@]}"
manage() { in_near "$work/bin/sockctl" --management="$management" "$@"; }
manage status >"$work/status"
contains "status says why" "$work/status" '^ *Audit error: Is a directory$'
manage reload >"$work/reload" 2>&1
contains "so does the answer to a reload" "$work/reload" '^sockctl: the audit trail .*: Is a directory$'
contains "which has been done" "$work/reload" '^Policy reloaded: '
rmdir "$audit"
expect "it is opened anew" manage reload
manage status >"$work/status"
counted "nothing is wrong with it any more" 0 "$work/status" 'Audit error'
stop_sockd

# --- namespaces ---
# Nobody has made one since the machine was started: /run/netns is not there.
broker_at+=(unshare --mount sh -c 'mount -t tmpfs none /run && exec "$@"' -)
start_sockd
policy 60-named.json <<'JSON'
{ "rules": [ { "name": "elsewhere", "effect": "deny", "peers": "any", "family": "inet", "netns": "elsewhere" } ] }
JSON
if grep -q 'fenced in by .*Landlock;' "$work/sockd.log"; then
	manage reload >"$work/reload" 2>&1 && fail "a namespace that sockd could not see if it were made is refused"
	contains "a reload refuses it in words" "$work/reload" 'which sockd may not look for; restart'
else
	expect "without a fence it is taken" manage reload
fi
stop_sockd
start_sockd
expect "sockd that knew it from the start takes it again" manage reload
stop_sockd
