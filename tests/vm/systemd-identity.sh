#!/bin/bash
# Who a peer is to systemd: system services, scopes, user services, and control groups that a service has made below
# its own, under names that are not its to have.
. "$(dirname "$0")/units.sh"
begin_systemd python3 setpriv

policy <<'JSON'
{ "rules": [
  { "name": "unit", "peers": "any", "unit": "good.service", "family": "inet", "type": "raw", "protocol": "icmp" },
  { "name": "scope", "peers": "any", "unit": "good.scope", "family": "inet", "type": "raw", "protocol": "icmp" },
  { "name": "template", "peers": "any", "unit": "good@*.service", "family": "inet", "type": "raw", "protocol": "icmp" },
  { "name": "slice", "peers": "any", "slice": "plant.slice", "family": "inet", "type": "raw", "protocol": "igmp" },
  { "name": "user-unit", "peers": { "uid": 1000 }, "user-unit": "good.service", "family": "inet", "type": "raw", "protocol": "udp" },
  { "name": "user-slice", "peers": "any", "slice": "user.slice", "family": "inet6", "type": "raw", "protocol": "icmpv6" },
  { "name": "never", "peers": "any", "unit": "bad.service", "effect": "deny", "family": "inet", "type": "raw" }
] }
JSON
systemctl start sockd.service

# granted NAME RULE UNIT: the newest record of the trail says so.
granted() {
	local entry
	journalctl --sync
	entry=$(journalctl --no-pager -n 1 -o json SOCKD_EVENT=grant)
	if [[ $entry == *"\"SOCKD_RULE\":\"$2\""* && $entry == *"\"SOCKD_UNIT\":\"$3\""* ]]; then
		ok "$1"
	else
		fail "$1 ($entry)"
	fi
}

expect "a system service" service good -- "${raw_icmp[@]}"
granted "is known by its unit" unit good.service
expect "an instance" service good@one -- "${raw_icmp[@]}"
granted "is known by its template" template good@one.service
expect "a scope" systemd-run --quiet --scope --unit=good setpriv --reuid=65534 --regid=65534 --clear-groups \
	--bounding-set=-all "${raw_icmp[@]}"
granted "is known by its unit" scope good.scope
expect "a slice holds its own" service any Slice=plant.slice -- sockctl open inet raw igmp
expect "and what lies in a slice within it" service any Slice=plant-hall-one.slice -- sockctl open inet raw igmp
refused "but not another that begins alike" 'another slice, such as plant.slice, not for plants.slice' \
	service any Slice=plants.slice -- sockctl open inet raw igmp
refused "nor another unit" 'another unit' service goods -- "${raw_icmp[@]}"
refused "what is denied to a unit is denied" 'rule never denies it' service bad -- "${raw_icmp[@]}"

# Below its own control group a service that was delegated it makes what it likes.
cat >"$work/nest.py" <<'PYTHON'
"""nest.py PATH COMMAND...: runs the command in a control group of this path below our own."""
import os, sys

own = open("/proc/self/cgroup").read().split("0::", 1)[1].strip()
path = "/sys/fs/cgroup" + own + "/" + sys.argv[1]
os.makedirs(path)
with open(path + "/cgroup.procs", "w") as procs:
    procs.write(str(os.getpid()))
now = open("/proc/self/cgroup").read().split("0::", 1)[1].strip()
assert now == own + "/" + sys.argv[1], now
os.execvp(sys.argv[2], sys.argv[2:])
PYTHON
for path in good.service system.slice/good.service plant.slice/good.service _good.service good.scope \
	user.slice/user-1000.slice/user@1000.service/good.service; do
	refused "a control group that a service names $path is not that unit" \
		'such as good|another unit|another slice' \
		service evil Delegate=yes -- python3 "$work/nest.py" "$path" "${raw_icmp[@]}"
	refused "nor in that slice ($path)" 'another slice, such as plant.slice, not for system.slice' \
		service evil Delegate=yes -- python3 "$work/nest.py" "$path" sockctl open inet raw igmp
done
expect "what is the unit's own stays so below it" \
	service good Delegate=yes -- python3 "$work/nest.py" payload/evil.service "${raw_icmp[@]}"
granted "under the outermost name" unit good.service
refused "nor does a deny rule lose it there" 'rule never denies it' \
	service bad Delegate=yes -- python3 "$work/nest.py" good.service "${raw_icmp[@]}"

# The services of a user's own manager.
grep -q '^worker:' /etc/passwd || useradd -u 1000 -m worker 2>/dev/null || true
if ! systemctl start user@1000.service; then
	fail "a user's manager starts"
else
	as_user() {
		setpriv --reuid=1000 --regid="$(id -g 1000)" --init-groups env XDG_RUNTIME_DIR=/run/user/1000 \
			DBUS_SESSION_BUS_ADDRESS=unix:path=/run/user/1000/bus "$@"
	}
	# user_service NAME [PROPERTY=VALUE...] -- COMMAND...
	user_service() {
		local name=$1 properties=()
		shift
		while [ "$1" != -- ]; do
			properties+=(-p "$1")
			shift
		done
		shift
		as_user systemd-run --user --quiet --wait --pipe --collect --unit="$name" "${properties[@]}" -- "$@"
	}
	expect "a user's service" user_service good -- sockctl open inet raw udp
	granted "is known by its name there, and to the system by its manager's" user-unit user@1000.service
	refused "another of the same user is not it" 'another user unit, such as good.service, not for other.service' \
		user_service other -- sockctl open inet raw udp
	refused "a user's service is not the system's of that name" 'another unit.*not for user@1000.service' \
		user_service good -- "${raw_icmp[@]}"
	refused "nor is a slice of the user's the system's" 'another slice, such as plant.slice, not for user-1000.slice' \
		user_service good Slice=plant.slice -- sockctl open inet raw igmp
	expect "its slice lies in user.slice" user_service good -- sockctl open inet6 raw icmpv6
fi

# sockctl check answers for a unit, and list names it.
refused "check without a unit" 'Refused' sockctl check --uid=65534 inet raw icmp
expect "check with one" sockctl check --uid=65534 --unit=good.service inet raw icmp
expect "check with a slice" sockctl check --uid=65534 --slice=plant-b.slice inet raw igmp
expect "check with a user's unit" sockctl check --uid=1000 --unit=user@1000.service --user-unit=good.service inet raw udp
systemd-run --quiet --collect --unit=good -p User=nobody sockctl open inet raw icmp -- sleep 30
lists_it() {
	sockctl list | grep -q ' good\.service '
}
wait_for 20 lists_it
sockctl list >"$work/list"
cat "$work/list"
contains "list names the unit" "$work/list" ' good\.service .*inet/raw/icmp'
systemctl stop good.service 2>/dev/null
systemctl stop user@1000.service 2>/dev/null
true
