#!/bin/bash
# Who a program is to sockd once it has changed: its groups, and a child that has become another user.
. "$(dirname "$0")/../lib.sh"
begin setpriv
copy_program python3

policy <<'JSON'
{ "rules": [
  { "name": "group", "peers": { "gid": 41000 }, "family": "inet", "type": "raw" },
  { "name": "user", "peers": { "uid": 0 }, "family": "inet", "type": "stream", "ports": [80] } ] }
JSON
start_sockd
# With some right to change, but none to sockets.
changing() {
	in_near setpriv --bounding-set=-all,+setuid,+setgid --inh-caps=-all --no-new-privs env SOCKD_SOCKET="$socket" \
		LD_PRELOAD="$preload" ASAN_OPTIONS="$sanitizer_options:detect_leaks=0" "$work/bin/python3" "$@" 2>&1
}

cat >"$work/groups.py" <<'PYTHON'
import os, socket
def ask(what):
    try: print(what, socket.socket(socket.AF_INET, socket.SOCK_RAW, 1) and "given")
    except OSError as error: print(what, error.strerror)
for n in 10, 64, 65, 1000:
    os.setgroups(range(41000, 41000 + n))
    ask("%d groups:" % n)
    os.setgroups(range(41001, 41001 + n))
    ask("%d others:" % n)
PYTHON
changing "$work/groups.py" >"$work/groups"
counted "a group gives, be it one of many" 4 "$work/groups" 'groups: given'
counted "and no more when it was left, for as many others" 4 "$work/groups" 'others: Operation not permitted'
