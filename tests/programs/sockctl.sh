#!/bin/bash
# sockctl open with a server that takes its sockets by LISTEN_FDS, and what sockctl says when it goes wrong.
. "$(dirname "$0")/../lib.sh"
begin /usr/bin/python3
[ -x "$work/bin/sockctl" ] || die "sockctl is built"

policy <<'JSON'
{
  "rules": [
    {
      "name": "web",
      "peers": { "uid": 65534 },
      "family": "inet", "type": "stream", "ports": [80]
    },
    {
      "name": "frames",
      "peers": { "uid": 65534 },
      "family": "packet", "type": "raw"
    },
    {
      "name": "links",
      "peers": { "uid": 65534 },
      "family": "netlink", "protocol": "route",
      "messages": ["RTM_NEWLINK", "RTM_NEWADDR", "RTM_NEWROUTE", "RTM_NEWNEIGH"], "interfaces": ["eth0"]
    },
    {
      "name": "tables",
      "peers": { "uid": 65534 },
      "family": "netlink", "protocol": "netfilter",
      "messages": ["NFT_MSG_NEWTABLE"]
    },
    {
      "name": "metrics",
      "peers": { "uid": 65534 },
      "family": "netlink", "protocol": "generic",
      "messages": ["TCP_METRICS_CMD_DEL"]
    },
    {
      "name": "crowd",
      "effect": "deny",
      "peers": { "gid": 70299 },
      "family": "inet"
    }
  ]
}
JSON

cat >"$work/server.py" <<'PYTHON'
import os, socket

assert int(os.environ["LISTEN_PID"]) == os.getpid()
n = int(os.environ["LISTEN_FDS"])
print(n, "of", os.environ["LISTEN_FDNAMES"], flush=True)
sockets = [socket.socket(fileno=3 + i) for i in range(n)]
if sockets[0].family == socket.AF_INET:
    connection, _ = sockets[0].accept()
    connection.sendall(b"through descriptor 3\n")
PYTHON

as_nobody() {
	in_near "${powerless[@]}" env SOCKD_SOCKET="$socket" SOCKD_MANAGEMENT="$management" \
		ASAN_OPTIONS="$sanitizer_options" "$work/bin/sockctl" "$@"
}

as_root() {
	in_near env SOCKD_MANAGEMENT="$management" "$work/bin/sockctl" "$@"
}

# What it says is one line that begins with its name.
says() {
	local name=$1 status_wanted=$2 pattern=$3 status=0
	shift 3
	as_nobody "$@" >"$work/said" 2>&1 || status=$?
	if [ "$status" -ne "$status_wanted" ] || [ "$(wc -l <"$work/said")" -ne 1 ] ||
		! grep -qE -- "^sockctl: .*$pattern" "$work/said"; then
		fail "$name (status $status)"
		cat "$work/said"
	else
		ok "$name"
	fi
}

answered() {
	in_far /usr/bin/python3 -c '
import socket
print(socket.create_connection(("10.99.0.1", 80), 5).recv(99).decode(), end="")' >"$work/answer" 2>&1
}

# Of who sockd becomes, while it is still root.
chown "$broker_uid" "$work"/policy.d/*.json
start_sockd
as_nobody open --bind='*:80' --listen inet stream -- /usr/bin/python3 "$work/server.py" >"$work/server.log" 2>&1 &
remember
wait_for 10 grep -q '^1 of sockd$' "$work/server.log" || { cat "$work/server.log"; die "the server has its socket"; }
as_root list >"$work/list"
contains "list shows the server's socket" "$work/list" '^[0-9]+ +nobody .* inet/stream/tcp .* web +bind \*:80 listen'
answered
contains "the server answers on descriptor 3" "$work/answer" '^through descriptor 3$'
as_nobody open --count=3 packet raw arp -- /usr/bin/python3 "$work/server.py" >"$work/server.log" 2>&1
contains "as many as were asked for" "$work/server.log" '^3 of sockd:sockd:sockd$'
as_nobody open --bind=eth0 packet raw arp >"$work/said"
contains "a bound packet socket tells its interface" "$work/said" 'bound to eth0/arp, grant'

says "an address that is none, with how to write one" 2 'write 127\.0\.0\.1:80' open --bind=80 inet stream
says "an unknown interface" 2 'no such interface' open --bind=nosuch/arp packet raw
as_root check --uid=1 --bind=0x2 can raw raw >"$work/said"
contains "an interface by its number in hexadecimal" "$work/said" '^Refused: can raw raw, bind 2: '
says "an unknown option of a socket" 2 'such as SO_MARK' open --option=SO_MARC=7 inet dgram
says "a missing value" 2 'a value is missing after --bind; see sockctl --help' open --bind
says "an unknown option of its own" 2 'option --binx=3; see sockctl --help' open --binx=3 inet stream
says "an action that there is not" 2 '--action takes share, receive, store or fetch, not' check --action=send inet stream
says "steps for a socket that is there" 2 'leave out the steps' check --action=share --bind='*:80' inet stream
says "a number that is a large negative one" 2 'from 1 to 253, not' open --count=-18446744073709551613 inet stream
says "nor a user's" 2 'there is no user' check --uid=' -18446744073709551615' --gid=1 inet stream
says "nor a group's" 2 'there is no group "nosuch"' check --groups=root,nosuch inet stream
as_root check --uid=65534 --gid=65534 --groups=root,70299 --bind='*:80' inet stream >"$work/said"
contains "other groups than the user's entries say" "$work/said" '^  rule: crowd '
as_root check --uid=65534 --gid=65534 --groups= --bind='*:80' inet stream >"$work/said"
contains "or none" "$work/said" '^Allowed by rule web '
as_nobody_of_the_crowd() {
	in_near "${powerless[@]/#--clear-groups/--groups=70000,70299}" env SOCKD_SOCKET="$socket" \
		ASAN_OPTIONS="$sanitizer_options" "$work/bin/sockctl" "$@"
}
as_nobody_of_the_crowd open --dry-run --bind='*:80' inet stream >"$work/said"
contains "a refusal's command has the group that it is by" "$work/said" 'rule crowd denies it; see why: .* --groups=70299 '
command=$(sed -n 's/.*see why: sockctl //p' "$work/said")
eval "as_root $command" >"$work/said"
contains "and comes to the same" "$work/said" '^  rule: crowd '
says "a name without the store" 2 'go with --action=store or' check --name=x inet stream
says "common names without the store" 2 'go with --action=store or' check --action=share --common inet stream
says "the store without a name" 2 '--name is missing beside' check --action=store inet stream
says "an option without a value that has one" 2 'takes no value: --apply=1' check --apply=1 inet stream
says "the kernel's own refusal, with what was asked" 1 \
	'"inet stream --bind=10\.98\.0\.1:80": Cannot assign requested address' open --bind=10.98.0.1:80 inet stream
says "the broker's refusal, with its reason" 1 'port 81 is not in .*sockctl check --uid=65534' open --bind='*:81' inet stream
as_nobody open --dry-run --option=IP_OPTIONS=82040000 inet stream >"$work/said"
contains "a refusal's command has the bytes of an option" "$work/said" 'see why: sockctl check .* --option=IP_OPTIONS=82040000$'
as_nobody open --dry-run --bind='*:80' inet stream >"$work/said"
contains "a dry run names the rule" "$work/said" '^Would be allowed by rule web$'
as_nobody open --dry-run --bind='*:81' inet stream >"$work/said"
contains "a dry run has the broker's reason" "$work/said" '^Would be refused: .*port 81 is not in '
as_nobody open --dry-run --json packet raw >"$work/said"
contains "a dry run as JSON" "$work/said" '"rule": ?"frames"'
as_root list >"$work/list"
counted "a dry run opens nothing" 0 "$work/list" '^[0-9]+ +nobody .* packet/'
expect "a dry run is in the audit trail" wait_for 10 grep -q '"event":"question".*"rule":"frames"' "$audit"
says "a dry run has nothing for a command" 2 'opens nothing' open --dry-run inet stream -- true
says "a command that is not there" 1 '/no/such cannot be run' open inet stream -- /no/such
says "the administrators' socket is not for all" 1 'only administrators' list
chmod 666 "$management"
says "whatever its mode" 1 'only administrators.*not user 65534' list
expect "sockd's own user is one" in_near setpriv --reuid="$broker_uid" --regid="$broker_uid" --clear-groups \
	"$work/bin/sockctl" --management="$management" list >/dev/null
chmod 600 "$management"

as_root families >"$work/families"
contains "families: what the kernel has, the policy says and a broker adds" "$work/families" \
	'^packet +(yes|on use) +1 allow +sockets without CAP_NET_RAW'
contains "families: one that no rule speaks of" "$work/families" '^inet6 +[a-z ]+ +- +ports under 1024'
as_nobody families >"$work/families" 2>"$work/said"
contains "families: for all, but for the policy" "$work/families" '^inet +yes +\? +ports under 1024'
contains "families: and why" "$work/said" 'only administrators'
as_root families --json=short >"$work/families"
expect "families as JSON" /usr/bin/python3 -c '
import json, sys
rows = {row["family"]: row for row in json.load(open(sys.argv[1]))}
assert rows["packet"]["policy"] == {"allow": 1, "deny": 0} and rows["inet"]["kernel"] == "yes"
' "$work/families"
says "families takes no words" 2 'too many words after families' families inet

echo '{ "rules": [ { "name": "broken" ' | policy 60-broken.json
as_root reload >"$work/said" 2>&1 && fail "a broken policy is refused"
contains "reload names file and line" "$work/said" '60-broken\.json:[0-9]+:[0-9]+: '
counted "reload ends its message once" 0 "$work/said" '^$'
rm "$work/policy.d/60-broken.json"
expect "reload after the mend" as_root reload
policy 60-owned.json <<'JSON'
{ "rules": [ { "name": "owned", "peers": { "uid": 65534 }, "family": "inet", "type": "dgram", "owner": "peer" } ] }
JSON
as_root reload >"$work/said" 2>&1 && fail "a policy for which sockd lacks a capability is refused"
contains "reload names the capability" "$work/said" 'needs cap_setuid, which sockd does not hold; restart'
audited "so does the audit" '"event":"reload".*needs cap_setuid'
rm "$work/policy.d/60-owned.json"
expect "a policy without it is taken" as_root reload

policy 60-named.json <<'JSON'
{ "rules": [ { "name": "elsewhere", "effect": "deny", "peers": "any", "family": "inet", "netns": "elsewhere" } ] }
JSON
if grep -q 'fenced in by .*Landlock;' "$work/sockd.log"; then
	as_root reload >"$work/said" 2>&1 && fail "a policy whose namespace sockd may not look for is refused"
	contains "reload says why" "$work/said" 'names a network namespace, which sockd may not look for; restart'
	as_root check --uid=65534 --bind='*:80' inet stream >"$work/said"
	contains "the old policy stays" "$work/said" '^Allowed by rule web'
else
	expect "without a fence a policy with a namespace is taken" as_root reload
fi
rm "$work/policy.d/60-named.json"
as_root check --uid=65534 --bind='*:80' inet stream >"$work/said"
contains "check" "$work/said" '^Allowed by rule web'
as_root check --uid=65534 --listen --bind='*:80' inet stream >"$work/said" 2>&1
contains "check: what no request may hold is not allowed" "$work/said" '^sockctl: a bind step comes after .* listen step$'

# in_groups FIRST LAST: asks for nobody, were it in all these groups and its own.
in_groups() {
	{
		getent group "$(id -g nobody)"
		seq "$1" "$2" | sed 's/.*/g&:x:&:nobody/'
	} >"$work/group"
	in_near unshare --mount sh -c 'mount --bind "$1" /etc/group && shift && exec "$@"' sh "$work/group" \
		"$work/bin/sockctl" --management="$management" check --user=nobody --bind='*:80' inet stream >"$work/said" 2>&1
}
expect "check: the rule is for who is in 299 groups" in_groups 70000 70298
in_groups 70000 70299
contains "check: none of many groups is left out" "$work/said" '^Refused: .*rule crowd denies it'
in_groups 69277 70299
contains "check: not the last that a peer may have" "$work/said" '^Refused: .*rule crowd denies it'
in_groups 69276 70299
contains "check: who is in more is said to be refused" "$work/said" '^sockctl: nobody is in more than 1024 groups: sockd refuses'
checks() {
	local name=$1 pattern=$2
	shift 2
	as_root check --uid=65534 netlink raw "$@" >"$work/said" 2>&1
	contains "check --message: $name" "$work/said" "$pattern"
}
checks "a link by its name" '^Allowed by rule links' route --message=RTM_NEWLINK/eth0
checks "of another interface" '^Refused: .*interface lo is not in the rule' route --message=RTM_NEWLINK/lo
checks "an address by the interface's number" '^Allowed by rule links' route --message=RTM_NEWADDR/eth0
checks "of another interface's number" '^Refused: .*interface lo is not in the rule' route --message=RTM_NEWADDR/lo
checks "a route" '^Allowed by rule links' route --message=RTM_NEWROUTE/eth0
checks "a neighbour of an interface that is not allowed" '^Refused: .*interface lo is not' route --message=RTM_NEWNEIGH/lo
checks "that names none" '^Refused: .*names no interface' route --message=RTM_NEWLINK
checks "of no rule" '^Refused: .*message 17 \(RTM_DELLINK\) is not in' route --message=RTM_DELLINK/eth0
checks "all of them" '^Refused: .*RTM_DELADDR' route --message=RTM_NEWLINK/eth0 --message=RTM_DELADDR/eth0
checks "by its number" '^Allowed by rule tables' netfilter --message=0xa00
checks "of everybody" '^Allowed by rule links' route --message=RTM_GETROUTE
checks "which is none" '^sockctl: "RTM_NEWLIN" is not a message of' route --message=RTM_NEWLIN
checks "of another protocol" '^sockctl: "RTM_NEWLINK" is not a message of' netfilter --message=RTM_NEWLINK
checks "an interface that is not there" '^sockctl: "eth9": there is no such interface' route --message=RTM_NEWADDR/eth9
checks "an interface where none can be told" '^sockctl: .*cannot|^sockctl: .*not behind RTM_NEWRULE' route --message=RTM_NEWRULE/eth0
checks "nor in another namespace" '^sockctl: .*cannot be told from here' --foreign route --message=RTM_NEWADDR/eth0
as_root check --uid=65534 inet stream --message=RTM_NEWLINK >"$work/said" 2>&1
contains "check --message: not of other families" "$work/said" '^sockctl: --message=RTM_NEWLINK: only on sockets of the family netlink'
says "check --message: not for open" 2 'this command has no option message' open netlink raw route --message=RTM_NEWLINK
if in_near ip tcp_metrics show >/dev/null 2>&1; then
	checks "a command of generic netlink" '^Allowed by rule metrics' generic --message=TCP_METRICS_CMD_DEL
	checks "another one" '^Refused: ' generic --message=ETHTOOL_MSG_RINGS_SET
else
	checks "of a family that the kernel does not have" '^sockctl: .*no such family' generic --message=TCP_METRICS_CMD_DEL
fi
as_root check --uid=65534 --netns=default --bind='*:80' inet stream >"$work/said"
contains "a namespace may be called default" "$work/said" '^Refused'
for name in sockd.kept.x management 'a b' ''; do
	in_near timeout 20 "$work/bin/sockd" --listen="$name=$work/other" --policy "$work/policy.d" >"$work/said" 2>&1
	contains "a listener cannot be called \"$name\"" "$work/said" '^sockd: --listen='
done
status=0
in_near "${powerless[@]}" "$work/bin/sockd" --listen "$work/other" --policy "$work/policy.d" --user 65533:65533 \
	>"$work/said" 2>&1 || status=$?
expect "who is not root becomes nobody else" [ "$status" -eq 1 ]
contains "and is told so" "$work/said" '^sockd: --user=65533:65533: only root can become another user$'
