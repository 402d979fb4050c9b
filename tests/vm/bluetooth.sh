#!/bin/bash
# Bluetooth: two virtual controllers that hear each other, and clients without privileges that are barred from the
# family by a seccomp filter, or live in another network namespace, where the kernel has no Bluetooth at all.
. "$(dirname "$0")/../lib.sh"
begin /usr/bin/python3 btvirt btmon btmgmt hcitool hciconfig l2ping script nm
modprobe -q hci_vhci 2>/dev/null
[ -e /dev/vhci ] || skip_all "the kernel has no virtual Bluetooth controllers"
copy_program btmon btmgmt hcitool l2ping
prefer_plain_preload "$work/bin/hcitool" dev
cp -L --no-preserve=all /usr/bin/python3 "$work/bin/python3" && chmod 755 "$work/bin/python3"
cp "$(dirname "$0")/bluetooth-client.py" "$work/client.py"
install -m 755 "$SOCKD_BUILD/lib/.libs/libsockd.so.0" "$work/lib/libsockd.so" || die "libsockd is built"

# Bluetooth is only where the machine began, so sockd runs here and not in $near.
broker_at=()

environment=(LIBSOCKD="$work/lib/libsockd.so" SOCKD_SOCKET="$socket" HOME="$work/home" TERM=dumb
	ASAN_OPTIONS="$sanitizer_options:detect_leaks=0" UBSAN_OPTIONS="$sanitizer_options")

# as UID [here|there] COMMAND...: without any privilege, by the preload; there: in a namespace of its own.
as() {
	local uid=$1 where=$2
	shift 2
	plainly_as "$uid" "$where" env LD_PRELOAD="$preload" "${environment[@]}" "$@"
}

# The same by sockd-run.
supervised_as() {
	local uid=$1 where=$2
	shift 2
	plainly_as "$uid" "$where" env "${environment[@]}" "$work/bin/sockd-run" --mode=seccomp -- "$@"
}

plainly_as() {
	local uid=$1 where=$2 enter=()
	shift 2
	[ "$where" = here ] || enter=(ip netns exec "$near")
	timeout 120 "${enter[@]}" setpriv --reuid="$uid" --regid="$uid" --clear-groups --bounding-set=-all --inh-caps=-all \
		--ambient-caps=-all --no-new-privs "$@"
}

client() {
	as 65534 here env BARRED=1 "$work/bin/python3" "$work/client.py" "$@"
}

client_there() {
	as 65534 there env BARRED=1 "$work/bin/python3" "$work/client.py" "$@"
}

# says NAME PATTERN COMMAND...: what the command prints matches, whatever its status.
says() {
	local name=$1 pattern=$2
	shift 2
	"$@" >"$work/said" 2>&1
	cat "$work/said"
	contains "$name" "$work/said" "$pattern"
}

address_of() {
	hciconfig "$1" | sed -n 's/.*BD Address: \([0-9A-F:]*\).*/\1/p'
}

# The first command to a new controller may be lost while btvirt still makes it; the kernel never sets that one up.
start_controllers() {
	local try
	for try in 1 2 3 4; do
		btvirt -l2 >"$work/btvirt.log" 2>&1 &
		btvirt_pid=$!
		remember
		wait_for 30 [ -e /sys/class/bluetooth/hci1 ] || die "btvirt makes two controllers"
		"$work/bin/python3" "$work/client.py" prepare 0 1 && break
		[ "$try" -lt 4 ] || die "the controllers come up"
		end_child "$btvirt_pid"
		wait_for 30 [ ! -e /sys/class/bluetooth/hci0 ]
	done
	first=$(address_of hci0)
	second=$(address_of hci1)
}

policy <<'JSON'
{
  "rules": [
    { "name": "hci", "peers": { "uid": [65534, 65533] }, "family": "bluetooth", "protocol": "hci",
      "netns": "broker" },
    { "name": "monitor", "peers": { "uid": 65534 }, "family": "bluetooth", "protocol": "hci",
      "channels": "monitor", "netns": "broker" },
    { "name": "control", "peers": { "uid": 65534 }, "family": "bluetooth", "protocol": "hci",
      "channels": "control", "netns": "broker" },
    { "name": "user", "peers": { "uid": 65534 }, "family": "bluetooth", "protocol": "hci",
      "channels": "user", "netns": "broker" },
    { "name": "filter", "peers": { "uid": 65534 }, "family": "bluetooth", "protocol": "hci",
      "options": { "HCI_FILTER": "any" }, "netns": "broker" },
    { "name": "events", "peers": { "uid": 65533 }, "family": "bluetooth", "protocol": "hci",
      "events": "0x3e", "netns": "broker" },
    { "name": "commands", "peers": { "uid": 65534 }, "family": "bluetooth", "protocol": "hci",
      "devices": "hci0", "opcodes": ["HCI_OP_WRITE_PG_TIMEOUT", "HCI_OP_LE_SET_SCAN_PARAM",
      "HCI_OP_LE_SET_SCAN_ENABLE"], "netns": "broker" },
    { "name": "l2cap", "peers": { "uid": 65534 }, "family": "bluetooth", "protocol": "l2cap",
      "type": ["seqpacket", "stream", "dgram"], "netns": "broker" },
    { "name": "low", "peers": { "uid": 65534 }, "family": "bluetooth", "protocol": "l2cap",
      "type": ["seqpacket", "stream"], "psms": [25, "0x25"], "netns": "broker" },
    { "name": "low-le", "peers": { "uid": 65534 }, "family": "bluetooth", "protocol": "l2cap",
      "type": "seqpacket", "psms": "0x26-0x29", "transports": "le", "netns": "broker" },
    { "name": "not-27", "effect": "deny", "peers": "any", "family": "bluetooth", "protocol": "l2cap",
      "type": "seqpacket", "psms": "0x27" },
    { "name": "ping", "peers": { "uid": 65534 }, "family": "bluetooth", "protocol": "l2cap", "type": "raw" },
    { "name": "rfcomm", "peers": { "uid": 65534 }, "family": "bluetooth", "protocol": ["rfcomm", "sco"],
      "netns": "broker" },
    { "name": "other", "peers": { "uid": 65534 }, "family": "bluetooth",
      "protocol": ["bnep", "cmtp", "hidp", "iso"] },
    { "name": "at-home", "peers": { "uid": 65532 }, "family": "bluetooth",
      "options": { "HCI_FILTER": "any" } },
    { "name": "at-home-channels", "peers": { "uid": 65532 }, "family": "bluetooth", "protocol": "hci",
      "channels": ["raw", "user", "monitor", "control", "logging"], "netns": "peer" }
  ]
}
JSON

start_controllers
start_sockd

descriptors() {
	find "/proc/$broker_pid/fd" -mindepth 1 2>/dev/null | wc -l
}

# Twice the same number: workers that close what is left have ended.
settled() {
	local now
	now=$(descriptors)
	sleep 0.3
	[ "$now" = "$(descriptors)" ]
}

echo "--- what is refused without sockd"
without_here() {
	SOCKD_SOCKET=/nonexistent as 65534 here env SOCKD_SOCKET="$work/none" "$work/bin/python3" "$work/client.py" "$@"
}
refused "a low service number, without sockd" 'EACCES' without_here bind-l2cap 25
refused "the monitor channel, without sockd" 'EPERM' without_here bind-hci 0xffff 2
says "the control channel is not trusted, without sockd" '^status 20$' without_here trusted
refused "barred from the family, without sockd" 'EAFNOSUPPORT' \
	as 65534 here env BARRED=1 SOCKD_SOCKET="$work/none" "$work/bin/python3" "$work/client.py" bind-l2cap 0x1001

echo "--- connections between two barred clients"
# exchange NAME SERVER... -- CLIENT...
exchange() {
	local name=$1 server=()
	shift
	while [ "$1" != -- ]; do
		server+=("$1")
		shift
	done
	shift
	rm -f "$work/home/ready"
	client "${server[@]}" "$work/home/ready" >"$work/server.log" 2>&1 &
	local server_pid=$!
	wait_for 60 [ -e "$work/home/ready" ] || {
		cat "$work/server.log"
		fail "$name: the server listens"
		return
	}
	says "$name" '^heard: FROM ONE CONTROLLER' client "$@"
	wait "$server_pid"
	cat "$work/server.log"
}
exchange "l2cap over a low service number" serve-l2cap "$second" 25 0 -- talk-l2cap "$first" "$second" 25 0
exchange "l2cap over a free service number" serve-l2cap "$second" 0x1003 0 -- talk-l2cap "$first" "$second" 0x1003 0
exchange "rfcomm" serve-rfcomm "$second" 5 -- talk-rfcomm "$first" "$second" 5
exchange "l2cap by LE over a low service number" serve-l2cap "$second" 0x25 1 -- talk-l2cap "$first" "$second" 0x25 1
batch() {
	"$@" >"$work/said" 2>&1
	cat "$work/said"
}
batch client sco + bind-l2cap 27 + bind-l2cap 0x29 + bind-l2cap 0x29 1 + bind-l2cap 0x27 1 + bind-l2cap 0 1 4 + \
	names 4 6 8
contains "sco is opened, bound and listens" "$work/said" '^1: bound 0$'
contains "a low service number that no rule names" "$work/said" '^2: failed: EACCES'
contains "an LE number by the other transport" "$work/said" '^3: failed: EACCES'
contains "an LE number by LE" "$work/said" '^4: bound$'
contains "a service number that a rule denies" "$work/said" '^5: failed: EACCES'
contains "the fixed channel of attributes" "$work/said" '^6: bound$'
contains "the sockets of profiles open" "$work/said" '^7: protocol 4 opens'

# One that is bound and no more is at what the kernel makes of that connect.
batch client stays "$first" 25 + stays "$first" 25 listen
contains "a socket that listens stays at its service number" "$work/said" '^2: connect EBADFD service number 0x19$'

echo "--- programs"
says "l2ping" '1 received' as 65534 here "$work/bin/l2ping" -c 1 "$second"
says "hcitool lists the controllers" "hci1.*$second" as 65534 here "$work/bin/hcitool" dev
hciconfig hci1 name second
says "hcitool asks a name" 'second' as 65534 here "$work/bin/hcitool" name "$second"
# It writes when it ends.
as 65534 here timeout 15 "$work/bin/btmon" >"$work/btmon.txt" 2>&1 &
monitor_pid=$!
sleep 5
as 65534 here "$work/bin/l2ping" -c 1 "$second" >/dev/null 2>&1
wait "$monitor_pid"
contains "btmon sees the controllers" "$work/btmon.txt" 'New Index: 00:AA:01'
contains "btmon sees what goes on" "$work/btmon.txt" 'ACL Data|HCI Command'
says "the control channel is trusted" '^status 0$' client trusted
hciconfig hci0 name >"$work/name" 2>&1
contains "and did its work" "$work/name" "Name: 'sockd'"
# Typed in: a newer one that is given the command as its argument runs it before it has chosen the controller.
named() {
	hciconfig hci1 name | grep -q "Name: '$1'"
}
mkfifo "$work/typed"
as 65534 here script -qec "$work/bin/btmgmt --index 1" /dev/null <"$work/typed" &
manager_pid=$!
exec 8>"$work/typed"
sleep 2
echo 'name by-btmgmt' >&8
wait_for 20 named by-btmgmt
echo quit >&8
exec 8>&-
wait "$manager_pid"
hciconfig hci1 name >"$work/name" 2>&1
contains "and btmgmt's name is there" "$work/name" "Name: 'by-btmgmt'"

echo "--- programs under sockd-run"
says "l2ping by sockd-run" '1 received' supervised_as 65534 here "$work/bin/l2ping" -c 1 "$second"
hciconfig hci1 name third
says "hcitool asks a name, by commands that it sends itself" 'third' supervised_as 65534 here "$work/bin/hcitool" name "$second"
supervised_as 65534 there timeout 10 "$work/bin/btmon" >"$work/btmon.txt" 2>&1
contains "btmon there, by sockd-run" "$work/btmon.txt" 'New Index: 00:AA:01'

echo "--- another network namespace"
says "nothing of Bluetooth is there" 'EAFNOSUPPORT' ip netns exec "$near" "${powerless[@]}" \
	"$work/bin/python3" "$work/client.py" bind-hci 0 0
batch client_there bind-hci 0 0 + bind-hci 0xffff 2 + trusted + bind-l2cap 25
contains "an HCI socket there" "$work/said" '^1: bound$'
contains "the monitor channel there" "$work/said" '^2: bound$'
contains "the control channel there is trusted" "$work/said" '^3: status 0$'
contains "a low service number there" "$work/said" '^4: bound$'
as 65534 there timeout 5 "$work/bin/btmon" >"$work/btmon.txt" 2>&1
contains "btmon there" "$work/btmon.txt" 'New Index: 00:AA:01'

echo "--- a client in another namespace that no rule brings here"
batch as 65532 there "$work/bin/python3" "$work/client.py" bind-hci 0 0 + bind-hci 0 1 + bind-hci 0xffff 2 + \
	bind-hci 0xffff 3 + bind-hci 0xffff 4 + bind-l2cap 0x1001 + request 3 1 1f0000000000 broker + \
	request 3 1 1f0000000000 peer + request 3 1 1f0000000000 "$near" + request 5 0 1f00 broker
for i in 1 2 3 4 5 6 7 8 9 10; do
	contains "attempt $i gives nothing" "$work/said" "^$i: failed: (EAFNOSUPPORT|EPERM|EACCES)"
done
counted "none was opened" 0 "$work/said" 'bound|opened'

echo "--- commands"
batch client send 0 01180c020020 + send 0 01030c00 + send 1 01180c020020 + send 0 01180c02002000 + \
	send 0 01180c0200 + send 0 01180c + send 0 02180c020020 + send 0 01180c02002001030c00
contains "a command that the rule lists" "$work/said" '^1: event: 040e04..180c00'
contains "a command that it does not list" "$work/said" '^2: because:.*HCI_OP_RESET. is not in the rule'
contains "a controller that it does not list" "$work/said" '^3: failed: EACCES'
for i in 4 5 6 7 8; do
	contains "not exactly one command ($i)" "$work/said" "^$i: because:.*exactly one whole HCI command"
done
if nm -D "$SOCKD_BUILD/lib/.libs/libsockd-preload.so" | grep -qw writev; then
	batch client own-send 0 01180c020020 + own-send 0 01030c00 + own-send 1 01180c020020 + own-filter 0
	contains "a command on one's own socket" "$work/said" '^1: event: 040e04..180c00'
	contains "one that the rule does not list" "$work/said" '^2: failed: EPERM'
	contains "one on another controller" "$work/said" '^3: failed: EPERM'
	contains "a filter on one's own socket" "$work/said" '^4: filter: ffffffffffffffffffffffff'
	says "hcitool sends a command by sockd-run" 'Event: 0x0e' supervised_as 65534 here "$work/bin/hcitool" -i hci0 cmd 0x08 \
		0x000b 00 10 00 10 00 00 00
	says "hcitool sends a command" 'Event: 0x0e' as 65534 here "$work/bin/hcitool" -i hci0 cmd 0x08 0x000b 00 10 00 10 00 00 00
	as 65534 here "$work/bin/hcitool" -i hci0 cmd 0x03 0x0003 >"$work/said" 2>&1
	contains "hcitool sends none that the rule does not list" "$work/said" 'Operation not permitted'
else
	echo "--- this preload leaves write(2) alone"
fi

echo "--- filters"
rm -f "$work/home/ready"
client hear 0 ffffffffffffffffffffffff00000000 "$work/home/ready" >"$work/hear.txt" 2>&1 &
hear_pid=$!
wait_for 60 [ -e "$work/home/ready" ]
as 65534 here "$work/bin/l2ping" -c 2 "$second" >/dev/null 2>&1
wait "$hear_pid"
cat "$work/hear.txt"
contains "a wide filter is set whole" "$work/hear.txt" '^filter: ffffffffffffffffffffffff'
contains "it hears commands and data" "$work/hear.txt" '^wide: .*acl.*command'
contains "a plain one hears events" "$work/hear.txt" '^plain:.*event-'
counted "and no data" 0 "$work/hear.txt" '^plain: .*acl'
contains "its holder sets no wide one again" "$work/hear.txt" '^own: 10000000fed900100cb00000$'
batch as 65533 there "$work/bin/python3" "$work/client.py" hear 0 10000000fed900100cb0004000000000 "$work/none" + \
	hear 0 10000000ffffffffffffffff00000000 x + hear 0 14000000fed900100cb0004000000000 x
contains "a filter by events" "$work/said" '^1: filter: 10000000fed900100cb00040'
contains "more events than the rule lists" "$work/said" '^2: failed: EACCES'
contains "data where the rule lists events" "$work/said" '^3: failed: EACCES'
# Of this user's sends none is looked at.
batch supervised_as 65533 here "$work/bin/python3" "$work/client.py" own-filter 0 10000000fed900100cb0004000000000 + own-filter 0
contains "a filter by events, by sockd-run" "$work/said" '^1: filter: 10000000fed900100cb00040'
contains "and no wider one" "$work/said" '^2: filter: 10000000fed900100cb00000|^2: failed: EACCES|^2: failed: EPERM'

echo "--- the user channel"
mkdir "$work/user"
cat >"$work/user/50-user.json" <<'JSON'
{ "rules": [ { "name": "u", "peers": "any", "family": "bluetooth", "protocol": "hci", "channels": "user", "devices": "hci1" } ] }
JSON
refused "of a controller that is up" 'EBUSY' client user 1
hciconfig hci1 down
says "of one that is down" '^event: 040e04..030c00' client user 1
refused "a rule has the channel user of no single controller" 'control channel and manage all others' \
	"$work/bin/sockd" --check-policy "$work/user"

echo "--- what is wrong"
batch client request 3 1 1f0001100000000000000000000000 + request 3 1 020000000000 + request 5 0 1f + \
	request 3 1 1f0009000000
contains "an address of l2cap for HCI" "$work/said" '^1: because:.*are not an address of such a Bluetooth socket'
contains "an address of another family" "$work/said" '^2: because:.*not an address of a Bluetooth socket'
contains "half a family is no address" "$work/said" '^3: failed: (EINVAL|EACCES)'
contains "a controller that there is not" "$work/said" '^4: failed: ENODEV'
modprobe -r rfcomm 2>/dev/null
mkdir -p /etc/modprobe.d
echo 'blacklist rfcomm' >/etc/modprobe.d/sockd-test.conf
if grep -qw '^rfcomm' /proc/modules; then
	fail "the module rfcomm is unloaded"
else
	says "a protocol whose module is missing" 'protocol 3 EPROTONOSUPPORT' client names 3
fi
rm -f /etc/modprobe.d/sockd-test.conf

echo "--- a controller that is unplugged"
wait_for 30 settled
rm -f "$work/home/ready" "$work/home/ready-to-move" "$work/home/gone" "$work/home/again"
client moved-on 0 0 "$work/home/ready-to-move" \
	"$work/home/gone" "$work/home/again" >"$work/moved.txt" 2>&1 &
moved_pid=$!
wait_for 60 [ -e "$work/home/ready-to-move" ] || fail "another client holds the controller"
client unplugged 0 "$work/home/ready" "$work/home/gone" 0 >"$work/unplugged.txt" 2>&1 &
unplugged_pid=$!
wait_for 60 [ -e "$work/home/ready" ] || fail "a client holds the controller"
end_child "$btvirt_pid"
no_controllers() {
	! hciconfig hci0 2>/dev/null | grep -q hci0
}
wait_for 30 no_controllers || echo "the controller is still there"
: >"$work/home/gone"
wait "$unplugged_pid"
# Only now: the number of a controller is not free while somebody holds it.
start_controllers
: >"$work/home/again"
wait "$moved_pid"
cat "$work/unplugged.txt" "$work/moved.txt"
contains "its holder is told" "$work/unplugged.txt" '^send: (EPIPE|ENODEV|EBADFD|ENXIO|ENETDOWN)$'
contains "moved to the control channel it is not trusted" "$work/moved.txt" '^status 20$'
says "and sockd serves the new one" '^bound$' client bind-hci 0 0

echo "--- nothing is left"
wait_for 30 settled
before=$(descriptors)
for _ in 1 2 3; do
	client bind-hci 0 0 + bind-l2cap 25 + bind-l2cap 27 + send 0 01030c00 + request 3 1 1f0009000000 >/dev/null 2>&1
	client_there bind-hci 0xffff 2 + bind-hci 0 0 + request 3 1 020000000000 >/dev/null 2>&1
done
no_more() {
	[ "$(descriptors)" -le "$before" ]
}
wait_for 30 no_more && ok "sockd holds no more descriptors than before" ||
	fail "sockd holds $(descriptors) descriptors, before $before"
audited "the audit names commands" 'HCI_OP_WRITE_PG_TIMEOUT'
