#!/bin/bash
# sockd in a user namespace that lacks most users, as a container has it: to whom it gives what it has for nobody.
. "$(dirname "$0")/../lib.sh"
begin /usr/bin/python3 unshare nsenter
install -m 755 "$SOCKD_BUILD"/lib/.libs/libsockd.so.0.*.* "$work/lib/libsockd.so.0" || die "the library is built"
cp "$SOCKD_SOURCE/tests/keep.py" "$work/"
export PYTHONDONTWRITEBYTECODE=1

policy <<'JSON'
{ "rules": [
  { "name": "nobody", "peers": { "uid": 65534 }, "family": "inet", "type": "stream", "ports": [80] },
  { "name": "range", "peers": { "uid": "60000-65534" }, "family": "inet", "type": "stream", "ports": [81] },
  { "name": "nogroup", "peers": { "gid": 65534 }, "family": "inet", "type": "stream", "ports": [82] },
  { "name": "listed", "peers": { "uid": 7 }, "family": "inet", "type": "stream", "ports": [83] },
  { "name": "any", "peers": "any", "family": "inet", "type": "stream", "ports": [84] },
  { "name": "others", "peers": "any", "family": "inet", "type": "stream", "ports": [85] },
  { "name": "not-nobody", "effect": "deny", "peers": { "uid": 65534 }, "family": "inet", "type": "stream", "ports": [85] },
  { "name": "kept", "peers": "any", "family": "inet", "actions": ["store", "fetch", "share", "receive"] },
  { "name": "met", "peers": "any", "family": "inet", "actions": ["store", "fetch"], "names": "meeting", "common": true } ] }
JSON
# The container's users 0 to 65535 are 100000 to 165535 outside.
(exec ip netns exec "$near" unshare --user --net sleep 1000) &
remember
container=$!
is_container() {
	[ "$(readlink "/proc/$container/ns/user")" != "$(readlink /proc/self/ns/user)" ]
}
wait_for 10 is_container || die "make a container"
for map in uid_map gid_map; do
	echo '0 100000 65536' >"/proc/$container/$map" || die "map its users"
done
chown -R 100000:100000 "$work/run" "$work/policy.d"
chown "$((100000 + broker_uid)):$((100000 + broker_uid))" "$work/audit"
broker_at=(nsenter --target "$container" --user --net --setuid 0 --setgid 0)

"${broker_at[@]}" "$work/bin/sockd" --listen "$socket" --management "$management" --policy "$work/policy.d" \
	--user 65534:65534 --audit none >"$work/refused" 2>&1 &
remember
wait_for 10 grep -q . "$work/refused"
contains "sockd does not become whoever is not in its user namespace" "$work/refused" 'user 65534.*run as another'
end_child "${children[-1]}"
start_sockd

# binds UID GID [GROUP...]: as this user of the host's, what becomes of the ports, in $work/binds.
cat >"$work/binds.py" <<'PYTHON'
import socket
for port in range(80, 86):
    try: print(port, socket.socket().bind(("127.0.0.1", port)) or "bound")
    except OSError as error: print(port, error.strerror)
PYTHON
as() {
	local ids=(--reuid="$1" --regid="$2" --clear-groups)
	[ -z "$3" ] || ids=(--reuid="$1" --regid="$2" --groups="$3")
	shift 3
	nsenter --target "$container" --net setpriv "${ids[@]}" --bounding-set=-all --inh-caps=-all --no-new-privs \
		env "${with_library[@]}" SOCKD_SOCKET="$socket" SOCKD_LIBRARY="$work/lib/libsockd.so.0" PYTHONPATH="$work" "$@"
}
binds() {
	as "$1" "$2" "${3-}" env LD_PRELOAD="$preload" ASAN_OPTIONS="$sanitizer_options:detect_leaks=0" \
		/usr/bin/python3 "$work/binds.py" >"$work/binds" 2>&1
	cat "$work/binds"
}
# gets NAME PORTS: these and no others.
gets() {
	expect "$1" [ "$(grep -o '^.. bound' "$work/binds" | cut -c 1-2 | xargs)" = "$2" ]
}
binds 5555 5555
gets "a user of the host's is not taken for the container's nobody" 84
binds 100007 100007
gets "a user of the container's is known" "83 84 85"
binds 100007 5555
gets "a group of the host's is not taken for the container's nogroup" "83 84 85"
binds 100007 100007 100007,5556
gets "nor is a supplementary one" "83 84 85"
binds 165534 165534
gets "the container's nobody cannot be told from them" 84

cat >"$work/keeps.py" <<'PYTHON'
import keep, socket, sys
def tells(what, call, *arguments):
    try: print(what, call(*arguments) and "done" or "done")
    except OSError as error: print(what, error.strerror)
if sys.argv[1] == "gives":
    s = socket.socket()
    tells("stores", keep.store, s, "own")
    tells("meets", keep.store, s, "meeting", 0, keep.COMMON)
elif sys.argv[1] == "shares":
    s = socket.socket()
    print(keep.share(s, keep.USER, 65534), keep.share(s, keep.GROUP, 65534), keep.share(s, keep.USER, 8))
else:
    tells("fetches", keep.fetch, "own")
    tells("meets", keep.fetch, "meeting", keep.COMMON)
    for ticket in sys.argv[2:]: tells("receives", keep.fromshare, ticket)
PYTHON
as 5555 5555 "" /usr/bin/python3 "$work/keeps.py" gives >"$work/gives" 2>&1
contains "a user who is not known has no names of its own" "$work/gives" '^stores .*own'
contains "but can meet others" "$work/gives" '^meets done'
nsenter --target "$container" --user --net --setuid 7 --setgid 7 env "${with_library[@]}" SOCKD_SOCKET="$socket" \
	SOCKD_LIBRARY="$work/lib/libsockd.so.0" PYTHONPATH="$work" /usr/bin/python3 "$work/keeps.py" shares >"$work/tickets" 2>&1
read -r for_user for_group for_other <"$work/tickets"
as 5556 5556 "" /usr/bin/python3 "$work/keeps.py" takes "$for_user" "$for_group" >"$work/takes" 2>&1
contains "nobody fetches what another such user has stored" "$work/takes" '^fetches No such file'
contains "who meet by a common name do" "$work/takes" '^meets done'
counted "a ticket for nobody is for no such user, nor one for nogroup" 2 "$work/takes" '^receives No such file'
as 100008 100008 "" /usr/bin/python3 "$work/keeps.py" takes "$for_other" >"$work/takes" 2>&1
contains "one for a user who is known is" "$work/takes" '^receives done'
