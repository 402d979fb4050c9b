#!/bin/bash
# Another project's tests of sockets: those of Python's own module (test.test_socket), as nobody by itself, under sockd-run
# with a broker that allows nothing, and with one that allows raw sockets and low ports: the verdict of every test is the same.
. "$(dirname "$0")/../lib.sh"
begin /usr/bin/python3
/usr/bin/python3 -c 'import test.test_socket' 2>/dev/null ||
	skip_all "the tests of /usr/bin/python3 are not installed (libpython3.*-testsuite)"
cp "$SOCKD_SOURCE/tests/vm/python-socket.py" "$work/" && chmod 644 "$work/python-socket.py"

policy <<'JSON'
{
  "rules": [
    { "name": "raw", "peers": { "uid": 65534 }, "family": ["inet", "inet6"], "type": "raw" },
    { "name": "low", "peers": { "uid": 65534 }, "family": ["inet", "inet6"], "type": ["stream", "dgram"], "ports": "1-1023" },
    { "name": "frames", "peers": { "uid": 65534 }, "family": "packet" },
    { "name": "options", "peers": { "uid": 65534 }, "family": ["inet", "inet6"], "type": ["stream", "dgram"],
      "options": { "SO_MARK": "any", "SO_PRIORITY": "any", "SO_BINDTODEVICE": "any" } }
  ]
}
JSON

# Names and ports are a namespace's own: each of the three has one, and they run side by side, for they mostly wait.
alone=sockd-$$-alone
ip netns add "$alone" && ip -n "$alone" link set lo up || die "make a network namespace"
trap 'ip netns delete "$alone" 2>/dev/null; finish' EXIT
mkdir "$work/empty.d"
ip netns exec "$far" "$work/bin/sockd" --listen "$work/run/empty" --management "$work/run/empty-management" \
	--policy "$work/empty.d" --user "$broker_uid:$broker_uid" --audit "$work/audit/empty.json" >"$work/empty.log" 2>&1 &
remember
start_sockd
wait_for 10 [ -S "$work/run/empty" ] || { cat "$work/empty.log"; die "a second sockd starts"; }

# verdicts NAME NAMESPACE COMMAND...: the verdict of every test, in $work/NAME.
verdicts() {
	local name=$1 netns=$2
	shift 2
	install -d -o "$client_uid" -g "$client_uid" "$work/home/$name"
	cd "$work/home/$name" || return 1
	ip netns exec "$netns" "${powerless[@]}" env HOME="$work/home/$name" PYTHONDONTWRITEBYTECODE=1 "$@" \
		/usr/bin/python3 "$work/python-socket.py" >"$work/$name" 2>"$work/$name.why"
}

with_broker() {
	local name=$1 netns=$2 socket=$3
	verdicts "$name" "$netns" env SOCKD_SOCKET="$socket" ASAN_OPTIONS="$sanitizer_options" UBSAN_OPTIONS="$sanitizer_options" \
		"$work/bin/sockd-run" --mode=seccomp --
}

verdicts plain "$alone" env &
plain=$!
with_broker empty "$far" "$work/run/empty" &
empty=$!
with_broker policy "$near" "$socket" &
policy=$!
for name in plain empty policy; do
	wait "${!name}" || fail "$name: the tests come to their end ($(tail -n 1 "$work/$name.why"))"
	echo "# $name: $(grep -c ' ok$' "$work/$name") ok, $(grep -c ' skipped: ' "$work/$name") skipped," \
		"$(grep -cvE ' ok$| skipped: ' "$work/$name") failed"
done

# same NAME WORDS: the verdicts are those without sockd-run, and skips have the same reason.
same() {
	if diff "$work/plain" "$work/$1" >"$work/difference"; then
		ok "$2: the verdicts of $(wc -l <"$work/$1") tests are those without sockd-run"
	else
		fail "$2: the verdicts are those without sockd-run ($(grep -c '^>' "$work/difference") are not)"
		cat "$work/difference"
		tail -n 60 "$work/$1.why"
	fi
}

expect "tests were found" [ "$(grep -c ' ok$' "$work/plain")" -ge 300 ]
same empty "under sockd-run, where no rule allows anything"
same policy "under sockd-run with a policy"
