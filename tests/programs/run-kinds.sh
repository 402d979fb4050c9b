#!/bin/bash
# Under sockd-run: calls by other ways than the usual one, filters of the program's own, set-user-ID programs, and
# threads that move between namespaces.
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/../targets/common.sh"
begin_run abi moves

policy <<'JSON'
{ "rules": [
  { "name": "web", "peers": { "uid": 65534 }, "family": "inet", "type": "stream", "ports": [80], "options": { "SO_MARK": [7] } },
  { "name": "datagrams", "peers": { "uid": 65534 }, "family": "inet", "type": "dgram",
    "options": { "SO_MARK": [7], "SO_BINDTODEVICE": ["eth0"] } },
  { "name": "ping", "peers": { "uid": [0, 65534] }, "family": "inet", "type": "raw", "protocol": "icmp" },
  { "name": "sends-are-looked-at", "peers": "any", "family": "netlink", "protocol": "route", "messages": ["RTM_SETNEIGHTBL"] } ] }
JSON
start_sockd

echo "--- ways to call"
judged "ways to call" supervised -- "$work/bin/abi"
SOCKD_BY=preload judged "values with the library" through "$work/bin/abi" values

echo "--- set-user-ID programs"
install -m 4755 /usr/bin/id "$work/bin/id"
supervised -- "$work/bin/id" -u >"$work/id" 2>&1
contains "a set-user-ID program gains nothing" "$work/id" "^$client_uid\$"

echo "--- speculation"
without grep Specul /proc/self/status >"$work/plain"
supervised -- grep Specul /proc/self/status >"$work/supervised"
expect "the processor speculates as it does without" diff "$work/plain" "$work/supervised"

echo "--- namespaces"
judged "threads of root" in_near "${sockd_run[@]}" -- "$work/bin/moves" threads "/run/netns/$far"
# As it is for containers: all that a process may do in namespaces that it has made.
user_namespaces "a process" && judged "a process" supervised -- "$work/bin/moves" process
user_namespaces "a user" && judged "a user" supervised -- "$work/bin/moves" user
# give_numbers: each that is asked for becomes the next one; or the broker stops, or goes on.
give_numbers() {
	local asked
	while read -r asked; do
		case $asked in
		stop | cont) kill "-${asked^^}" "$broker_pid" ;;
		*) echo $((asked - 1)) >/proc/sys/kernel/ns_last_pid ;;
		esac
		echo
	done <"$work/asked" >"$work/given"
}
# reuse_numbers WHAT
reuse_numbers() {
	rm -f "$work/asked" "$work/given"
	mkfifo "$work/asked" "$work/given"
	give_numbers &
	remember
	supervised -- "$work/bin/moves" "$1" 3>"$work/asked" <"$work/given"
}
if ! [ -w /proc/sys/kernel/ns_last_pid ]; then
	echo "SKIP a number that comes round: the kernel has no way to choose the next process number"
else
	user_namespaces "a number that comes round" &&
		judged "a number that comes round" reuse_numbers reused
	judged "one that asks is succeeded" reuse_numbers succeeded
	kill -CONT "$broker_pid"
fi
judged "pid and mount namespaces" in_near "${sockd_run[@]}" -- "$work/bin/moves" otherwise
