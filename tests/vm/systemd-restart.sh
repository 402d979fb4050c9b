#!/bin/bash
# Clients at work while sockd is restarted and killed: the listening socket is systemd's, so that requests wait there,
# and no client sees an error.
. "$(dirname "$0")/units.sh"
begin_systemd python3
turns=6
[ -z "${SOCKD_VM_SHORT:-}" ] || turns=3

policy <<'JSON'
{ "rules": [
  { "name": "echo", "peers": { "user": "nobody" }, "family": "inet", "type": "raw", "protocol": "icmp" },
  { "name": "low", "peers": { "user": "nobody" }, "family": "inet", "type": "stream", "ports": "100-999" } ] }
JSON
cat >"$work/load.py" <<'PYTHON'
"""Opens sockets, and binds its own, until the file is there; counts, and tells of every error."""
import os, socket, sys, time

stop, number = sys.argv[1], int(sys.argv[2])
opened = bound = errors = 0
longest = 0.0
while not os.path.exists(stop):
    begin = time.monotonic()
    try:
        with socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP):
            opened += 1
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as s:
            s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            s.bind(("127.0.0.1", 100 + number))
            bound += 1
    except OSError as error:
        errors += 1
        print("error:", error, flush=True)
    longest = max(longest, time.monotonic() - begin)
print("worker %d: %d opened, %d bound, %d errors, longest %.2f s" % (number, opened, bound, errors, longest), flush=True)
sys.exit(errors > 0 or opened == 0)
PYTHON

# load NAME COMMAND...: the command, while four clients are at work.
load() {
	local name=$1 i status=0 workers=()
	shift
	rm -f "$work/stop" "$work"/worker.*
	for i in 1 2 3 4; do
		LD_PRELOAD=$preload setpriv --reuid=65534 --regid=65534 --clear-groups --bounding-set=-all --inh-caps=-all \
			--no-new-privs python3 "$work/load.py" "$work/stop" "$i" >"$work/worker.$i" 2>&1 &
		workers+=("$!")
		remember
	done
	sleep 2
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

kill_it() {
	local pid
	pid=$(main_pid)
	[ "$pid" -gt 0 ] && kill -KILL "$pid"
	wait_for 20 another_than "$pid"
}

another_than() {
	[ "$(main_pid)" != "$1" ] && systemctl -q is-active sockd.service
}

# The next is killed while it starts.
kill_twice() {
	kill_it && kill_it
}

systemctl start sockd.service
load "systemctl restart" systemctl restart sockd.service
load "kill -9" kill_it
load "kill -9 of the one that has just started" kill_twice
load "stop, then a request starts it again" sh -c 'systemctl stop sockd.service; sleep 1; systemctl -q is-active sockd.service'
load "reload" systemctl reload sockd.service
expect "the listening socket was never lost" systemctl -q is-active sockd.socket
