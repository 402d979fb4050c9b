#!/bin/bash
# Under sockd-run: descriptor numbers that change hands while a call is judged, the window of numbers for netlink
# sockets, and limits of descriptors, in the program and in the supervisor.
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/../targets/common.sh"
begin_run numbers
ulimit -Sn 1024 || skip_all "a process may have less than 1024 descriptors here"

policy <<'JSON'
{ "rules": [
  { "name": "web", "peers": { "uid": 65534 }, "family": "inet", "type": "stream", "ports": [80], "options": { "SO_MARK": [7] } },
  { "name": "ping", "peers": { "uid": 65534 }, "family": "inet", "type": "raw", "protocol": "icmp" },
  { "name": "links", "peers": { "uid": 65534 }, "family": "netlink", "protocol": "route", "messages": ["RTM_DELLINK"] } ] }
JSON
start_sockd

judged "swapped numbers" supervised -- "$work/bin/numbers" swap
judged "own numbers in the window" supervised -- "$work/bin/numbers" dup
judged "a program that grows into the window" supervised -- "$work/bin/numbers" grow
judged "many descriptors" supervised -- "$work/bin/numbers" many
judged "few descriptors" supervised -- "$work/bin/numbers" few
judged "numbers of netlink sockets" supervised -- "$work/bin/numbers" unbound
judged "netlink sockets one after the other" supervised -- "$work/bin/numbers" again
judged "numbers of netlink sockets that are bound" supervised -- "$work/bin/numbers" bind
