#!/bin/bash
# The units as they are installed: started by a client's request, fenced in, reloaded, watched over, and what they leave
# in the journal.
. "$(dirname "$0")/units.sh"
begin_systemd python3 systemd-analyze
systemd=$(systemctl --version | sed -n '1s/systemd \([0-9]*\).*/\1/p')
units=$(systemctl show -P FragmentPath sockd.service)
units=${units%/*}

systemd-analyze verify --man=no "$units"/sockd.service "$units"/sockd.socket "$units"/sockd-management.socket \
	"$units/sockd@tenant.socket" >"$work/verify" 2>&1
status=$?
cat "$work/verify"
# It reads what belongs to the same targets too, and says what it thinks of that.
grep -v '^/[^ ]*\.[a-z]*:[0-9]*: ' "$work/verify" >"$work/verify.ours"
grep '^[^ ]*/sockd[^ /]*: ' "$work/verify" >>"$work/verify.ours"
expect "systemd-analyze verify takes the units (status $status)" test "$status" -eq 0 -a ! -s "$work/verify.ours"
systemctl preset sockd.socket sockd-management.socket >/dev/null 2>&1
expect "the preset enables the sockets" test "$(systemctl is-enabled sockd.socket)" = enabled
expect "and not the listeners of tenants" test "$(systemctl is-enabled sockd@tenant.socket)" != enabled
exposure=$(systemd-analyze security --no-pager sockd.service | sed -n 's/.*exposure level.*: \([0-9.]*\) .*/\1/p')
echo "systemd-analyze security: $exposure"
expect "its exposure is under 3.5" python3 -c "import sys; sys.exit(not 0 < float('$exposure') < 3.5)"

policy <<'JSON'
{ "rules": [ { "name": "echo", "peers": { "user": "nobody" }, "unit": "asker.service",
               "family": "inet", "type": "raw", "protocol": "icmp" } ] }
JSON
expect "nothing runs before somebody asks" test "$(systemctl is-active sockd.service)" = inactive
expect "the first request starts sockd, and is answered" service asker -- "${raw_icmp[@]}"
expect "sockd runs" systemctl -q is-active sockd.service
expect "it says so itself" test -n "$(systemctl show -P StatusText sockd.service)"
refused "another unit of the same user has nothing" 'another unit, such as asker.service, not for other.service' \
	service other -- "${raw_icmp[@]}"

pid=$(main_pid)
grep -E '^(Uid|Cap(Prm|Eff|Bnd|Amb)|NoNewPrivs|Seccomp):' "/proc/$pid/status" >"$work/status"
cat "$work/status"
expect "sockd is its own user" test "$(awk '/^Uid/ {print $2}' "$work/status")" = "$(id -u sockd)"
contains "it holds CAP_NET_RAW and nothing else" "$work/status" '^CapPrm:.0000000000002000$'
contains "and can get nothing" "$work/status" '^CapBnd:.0000000000000000$'
systemctl show -P SystemCallFilter sockd.service >"$work/calls"
for call in sched_setaffinity setns; do
	expect "its threads may call $call" grep -qw "$call" "$work/calls"
done

cat >"$policies/60-bad.json" <<'JSON'
{ "rules": [
  { "name": "bad", "peers": "any", "family": "inet", "pots": 80 } ] }
JSON
refused "a reload with a bad policy fails" 'Job for sockd.service failed' systemctl reload sockd.service
journalctl --no-pager -o cat _SYSTEMD_UNIT=sockd.service >"$work/journal"
contains "its errors are in the unit's journal" "$work/journal" '60-bad.json:2:.*unknown key "pots"'
expect "the old policy stays" service asker -- "${raw_icmp[@]}"
expect "the unit stays active" systemctl -q is-active sockd.service
rm "$policies/60-bad.json"
cat >"$policies/60-more.json" <<'JSON'
{ "rules": [ { "name": "low", "peers": "any", "family": "inet", "type": "stream", "ports": [80] } ] }
JSON
refused "so does one that needs what sockd gave up at its start" 'Job for sockd.service failed' \
	systemctl reload sockd.service
rm "$policies/60-more.json"
policy <<'JSON'
{ "rules": [ { "name": "echo", "peers": { "user": "nobody" }, "unit": ["asker.service", "other.service"],
               "family": "inet", "type": "raw", "protocol": "icmp" } ] }
JSON
expect "a good one takes effect" service other -- "${raw_icmp[@]}"
expect "in the same process" test "$(main_pid)" = "$pid"

# journal FIELD=VALUE...: the newest entry that has them all, in JSON.
journal() {
	journalctl --no-pager -n 1 -o json "$@"
}
journalctl --sync
journal SOCKD_EVENT=grant SOCKD_UNIT=other.service >"$work/grant.json"
cat "$work/grant.json"
expect "a grant is in the journal with its fields" python3 - "$work/grant.json" "$(id -u nobody)" "$(id -g nobody)" "$pid" <<'PYTHON'
import json, sys

entry = json.load(open(sys.argv[1]))
wanted = {
    "SYSLOG_IDENTIFIER": "sockd", "_SYSTEMD_UNIT": "sockd.service", "_PID": sys.argv[4], "PRIORITY": "6",
    "SOCKD_EVENT": "grant", "SOCKD_UID": sys.argv[2], "SOCKD_GID": sys.argv[3], "SOCKD_FAMILY": "inet",
    "SOCKD_TYPE": "raw", "SOCKD_PROTOCOL": "icmp", "SOCKD_RULE": "echo", "SOCKD_VERB": "open",
    "SOCKD_LISTENER": "default", "SOCKD_UNIT": "other.service", "SOCKD_COUNT": "1",
}
wrong = {key: entry.get(key) for key, value in wanted.items() if entry.get(key) != value}
missing = [key for key in ("SOCKD_PID", "SOCKD_GRANT", "SOCKD_TIME", "MESSAGE") if not entry.get(key)]
print(wrong, missing)
sys.exit(bool(wrong or missing))
PYTHON
journal SOCKD_EVENT=refusal SOCKD_UNIT=other.service >"$work/refusal.json"
contains "so is a refusal, with its reason and errno" "$work/refusal.json" '"SOCKD_REASON" ?: ?"[^"]*another unit, such as asker'
contains "at its priority" "$work/refusal.json" '"PRIORITY" ?: ?"5"'
contains "so is a reload that failed" <(journal SOCKD_EVENT=reload PRIORITY=3) 'the old one stays'

mkdir -p /run/systemd/system/sockd.service.d
printf '[Service]\nWatchdogSec=2s\n' >/run/systemd/system/sockd.service.d/watchdog.conf
systemctl daemon-reload
systemctl restart sockd.service
pid=$(main_pid)
kill -STOP "$pid"
expect "a stopped sockd is ended by the watchdog, and its client is served by the next" \
	service asker -- timeout 60 "${raw_icmp[@]}"
expect "which is another process" test "$(main_pid)" != "$pid"
expect "the unit knows why" grep -q . <(journalctl --no-pager -u sockd.service -g 'Watchdog timeout|watchdog')
rm -r /run/systemd/system/sockd.service.d
systemctl daemon-reload
systemctl restart sockd.service

# A namespace that is made while sockd runs is seen inside its sandbox.
cat >"$policies/50-test.json" <<'JSON'
{ "rules": [ { "name": "blue", "peers": "any", "family": "inet", "type": "raw", "protocol": "icmp", "netns": "blue" } ] }
JSON
systemctl restart sockd.service
expect "sockd is up" sockctl status
ip netns add blue
expect "a socket in a namespace by name, made after sockd started" service asker -- "${raw_icmp[@]}"
ip netns delete blue
echo "systemd $systemd, Linux $(uname -r)"
