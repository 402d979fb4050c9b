#!/bin/bash
# What sockd keeps outlives it: it is restarted and killed with kill -9 while clients share, take, store and fetch
# sockets. Listeners, a connection in the middle of a transfer, and tickets are good after.
. "$(dirname "$0")/units.sh"
begin_systemd python3
turns=4
[ -z "${SOCKD_VM_SHORT:-}" ] || turns=2
library=$(readlink -f "${preload%/*}/libsockd.so.0")
cp "$SOCKD_SOURCE/tests/keep.py" "$work/"

policy <<'JSON'
{ "rules": [
  { "name": "hand-on", "peers": { "user": "nobody" }, "family": ["inet", "unix"], "actions": ["share", "receive"] },
  { "name": "keep", "peers": { "user": "nobody" }, "family": ["inet", "unix"], "actions": ["store", "fetch"] } ] }
JSON

# as_nobody COMMAND...
as_nobody() {
	SOCKD_LIBRARY=$library PYTHONPATH=$work PYTHONDONTWRITEBYTECODE=1 setpriv --reuid=65534 --regid=65534 --clear-groups \
		--bounding-set=-all --inh-caps=-all --no-new-privs "$@"
}

in_store() {
	systemctl show -P NFileDescriptorStore sockd.service
}

store_is() {
	[ "$(in_store)" = "$1" ]
}

main_is_another_than() {
	[ "$(main_pid)" != "$1" ] && systemctl -q is-active sockd.service
}

kill_it() {
	local pid
	pid=$(main_pid)
	[ "$pid" -gt 0 ] && kill -KILL "$pid"
	wait_for 20 main_is_another_than "$pid"
}

# One program stores, shares and ends; what comes after it is another one.
cat >"$work/before.py" <<'PYTHON'
import os, socket, sys, keep
where = sys.argv[1]
listener = socket.create_server(("127.0.0.1", 7001))
keep.store(listener, "web")
# The client of a transfer lives on; the server ends in its middle.
client = socket.create_connection(("127.0.0.1", 7001))
server = listener.accept()[0]
server.sendall(b"first half, ")
keep.store(server, "transfer")
one, two = socket.socketpair()
two.sendall(b"by pair")
tickets = [keep.share(listener, seconds=600), keep.share(one, keep.USER, 65534, 600), keep.share(listener, keep.GROUP, 65534, 600),
           keep.share(listener, seconds=1.5)]
waiting = os.fork()
if waiting == 0:  # the taker of a ticket for one process
    import time
    path = where + "/for-process"
    while not os.path.exists(path + ".go"):
        time.sleep(0.05)
    try:
        sock = keep.fromshare(open(path).read())
        answer = "taken by %d: %s" % (os.getpid(), sock.getsockname())
    except OSError as error:
        answer = "error: %s" % error
    with open(path + ".new", "w") as file:
        file.write(answer)
    os.rename(path + ".new", path + ".taken")
    os._exit(0)
with open(where + "/for-process", "w") as file:
    file.write(keep.share(listener, keep.PROCESS, waiting, 600))
with open(where + "/tickets", "w") as file:
    file.write("\n".join(tickets))
listener.close()
server.close()
one.close()
if os.fork() == 0:  # the client of the transfer
    got = b""
    while not got.endswith(b"."):
        part = client.recv(100)
        if not part:
            break
        got += part
    with open(where + "/got", "w") as file:
        file.write(got.decode())
    os._exit(0)
print("ok stored:", " ".join(keep.stored()))
PYTHON
cat >"$work/after.py" <<'PYTHON'
import errno, os, socket, sys, time, keep
where = sys.argv[1]

def check(name, condition):
    print("ok" if condition else "FAIL", name, flush=True)

def refused(name, error, function, *arguments):
    try:
        function(*arguments)
    except OSError as e:
        check(name, e.errno == error)
        return
    check(name + " (it was not refused)", False)

check("both names are there", keep.stored() == ["transfer", "web"])
listener = keep.fetch("web")
check("the stored listener still listens", listener.getsockname() == ("127.0.0.1", 7001))
with socket.create_connection(("127.0.0.1", 7001), 5) as client, listener.accept()[0] as server:
    server.sendall(b"x")
    check("and takes connections", client.recv(1) == b"x")
with keep.fetch("transfer", keep.TAKE) as server:
    server.sendall(b"second half.")
    server.shutdown(socket.SHUT_WR)
for i in range(100):
    if os.path.exists(where + "/got") and os.path.getsize(where + "/got") > 0:
        break
    time.sleep(0.1)
check("the transfer came whole", open(where + "/got").read() == "first half, second half.")
tickets = open(where + "/tickets").read().split()
check("a ticket made before is good after", keep.fromshare(tickets[0]).getsockname() == ("127.0.0.1", 7001))
refused("but only once", errno.ENOENT, keep.fromshare, tickets[0])
with keep.fromshare(tickets[1]) as pair:
    check("so is one for a user", pair.recv(100) == b"by pair")
check("so is one for a group", keep.fromshare(tickets[2]).getsockname() == ("127.0.0.1", 7001))
refused("one whose time is over is not", errno.ENOENT, keep.fromshare, tickets[3])
text = open(where + "/for-process").read()
refused("one for a process is not for another", errno.ENOENT, keep.fromshare, text)
open(where + "/for-process.go", "w").close()
for i in range(100):
    if os.path.exists(where + "/for-process.taken"):
        break
    time.sleep(0.1)
answer = open(where + "/for-process.taken").read()
print("#", answer)
check("one for a process is good for that", answer.startswith("taken by"))
keep.forget("web")
check("nothing is stored at the end", keep.stored() == [])
PYTHON

# survives NAME COMMAND...
survives() {
	local name=$1 place=$work/place.$RANDOM
	shift
	install -d -o nobody "$place"
	as_nobody python3 "$work/before.py" "$place" || fail "$name: before"
	echo "# $(in_store) descriptors in the manager's store"
	expect "$name: the manager has them" test "$(in_store)" -ge 8
	"$@" || fail "$name: the broker is there again"
	sleep 2 # and one ticket expires meanwhile
	as_nobody python3 "$work/after.py" "$place" >"$work/after" 2>&1 || fail "$name: after"
	sed "s/^ok /ok $name: /; s/^FAIL /FAIL $name: /" "$work/after"
	failures=$((failures + $(grep -c '^FAIL' "$work/after")))
	expect "$name: the manager's store is empty again" wait_for 10 store_is 0
}

kill_twice() {
	kill_it && kill_it
}

systemctl start sockd.service
survives "restart" systemctl restart sockd.service
survives "kill -9" kill_it
survives "kill -9 twice" kill_twice
expect "what expired is reported" sh -c "journalctl -u sockd -o cat | grep -q 'the ticket was not used in time'"
refused "no ticket is in the journal" 'nothing' sh -c "journalctl --no-pager | grep -E 'sockd-[0-9a-f]{64}' || { echo nothing; exit 1; }"

# The same under load: no client sees an error.
cat >"$work/load.py" <<'PYTHON'
import os, socket, sys, time, keep
stop, number = sys.argv[1:3]
shared = kept = errors = 0
longest = 0.0
name = "load-" + number
listener = socket.create_server(("127.0.0.1", 0))
while not os.path.exists(stop):
    begin = time.monotonic()
    try:
        with keep.fromshare(keep.share(listener)) as sock:
            errors += sock.getsockname() != listener.getsockname()
        shared += 1
        keep.store(listener, name, 600)
        with keep.fetch(name) as sock:
            errors += sock.getsockname() != listener.getsockname()
        kept += 1
    except OSError as error:
        errors += 1
        print("error:", error, flush=True)
    longest = max(longest, time.monotonic() - begin)
keep.forget(name)
print("# worker %s: %d shared, %d stored, %d errors, longest %.2f s" % (number, shared, kept, errors, longest), flush=True)
sys.exit(errors > 0 or kept == 0)
PYTHON

# Of a processor, in percent: for process 1 all this is one user's doing.
ticks_of_manager() {
	awk '{ print $14 + $15 + $16 + $17 }' /proc/1/stat
}
share_of_manager() {
	local before percent
	before=$(ticks_of_manager)
	sleep 5
	percent=$((($(ticks_of_manager) - before) * 100 / 5 / $(getconf CLK_TCK)))
	echo "# process 1 takes $percent % of a processor"
	expect "$1: the manager has time for others" test $percent -le 45
}

load() {
	local name=$1 i status=0 workers=()
	shift
	rm -f "$work/stop" "$work"/worker.*
	for i in 1 2 3; do
		as_nobody python3 "$work/load.py" "$work/stop" "$i" >"$work/worker.$i" 2>&1 &
		workers+=("$!")
		remember
	done
	sleep 2
	share_of_manager "$name"
	for ((i = 0; i < turns; i++)); do
		"$@" || fail "$name: the broker is there (turn $i)"
		sleep 1
	done
	touch "$work/stop"
	for i in "${workers[@]}"; do
		wait "$i" || status=1
	done
	cat "$work"/worker.*
	expect "$name: no client saw an error" test "$status" -eq 0
}

load "restart under load" systemctl restart sockd.service
load "kill -9 under load" kill_it
# Tickets of shares that were put again, because a broker died before it could answer, end by themselves.
expect "the manager's store is empty in the end" wait_for 45 store_is 0
