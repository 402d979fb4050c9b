#!/bin/bash
# Every family of a real kernel that a build machine lacks: opened, bound and used by nobody, who is barred from it by
# a seccomp filter. Needs the modules of a distribution's kernel.
. "$(dirname "$0")/../lib.sh"
begin /usr/bin/python3 tcpdump modprobe
copy_program tcpdump
cp -L --no-preserve=all /usr/bin/python3 "$work/bin/python3" && chmod 755 "$work/bin/python3"
cp "$SOCKD_SOURCE/tests/vm/families.py" "$SOCKD_SOURCE/tests/barred.py" "$work/"
install -m 755 "$SOCKD_BUILD/lib/.libs/libsockd.so" "$work/lib/" || die "the library is built"
prefer_plain_preload "$work/bin/python3" -V
island=sockd-$$-island
# QIPCRTR is only in the first namespace, where sockd is not here.
first=sockd-$$-first
ip netns attach "$first" 1 || die "name the first namespace"
finish_here() {
	local status=$?
	ip netns delete "$first"
	ip netns delete "$island" 2>/dev/null
	(exit "$status")
	finish
}
trap finish_here EXIT

policy <<JSON
{
  "rules": [
    { "name": "tipc", "peers": { "uid": 65534 }, "family": "tipc", "type": ["rdm", "seqpacket"] },
    { "name": "rds-any", "peers": { "uid": 65534 }, "listener": "default", "family": "rds" },
    { "name": "rds-one", "peers": { "uid": 65533 }, "family": "rds", "ports": 4000, "addresses": "127.0.0.0/8" },
    { "name": "sctp", "peers": { "uid": 65534 }, "family": "inet", "type": ["stream", "seqpacket"], "protocol": "sctp" },
    { "name": "sctp-80", "peers": { "uid": 65534 }, "family": "inet", "type": "stream", "protocol": "sctp", "ports": 80 },
    { "name": "dccp", "peers": { "uid": 65534 }, "family": "inet", "type": "dccp", "protocol": "dccp" },
    { "name": "udplite", "peers": { "uid": 65534 }, "family": "inet", "type": "dgram", "protocol": "udplite" },
    { "name": "alg", "peers": { "uid": 65534 }, "family": "alg" },
    { "name": "qipcrtr", "peers": { "uid": 65534 }, "family": "qipcrtr", "ports": 100, "netns": "$first" },
    { "name": "xdp", "peers": { "uid": 65534 }, "family": "xdp" },
    { "name": "key", "peers": { "uid": 65534 }, "family": "key" },
    { "name": "smc", "peers": { "uid": 65534 }, "family": "smc" },
    { "name": "smc-80", "peers": { "uid": 65534 }, "family": "smc", "ports": 80 },
    { "name": "vsock", "peers": { "uid": 65534 }, "family": "vsock" },
    { "name": "vsock-80", "peers": { "uid": 65534 }, "family": "vsock", "ports": 80 },
    { "name": "vsock-local", "peers": { "uid": 65533 }, "family": "vsock", "ports": "80-90", "addresses": "local" },
    { "name": "not-vsock-90", "effect": "deny", "peers": "any", "family": "vsock", "ports": 90 },
    { "name": "not-appletalk", "effect": "deny", "peers": "any", "family": "appletalk" },
    { "name": "island", "peers": { "uid": 65532 }, "family": ["tipc", "alg"], "netns": "$island" }
  ]
}
JSON

# barred_as UID COMMAND...: through sockd, barred from every family but AF_UNIX; in $where.
where=$near
barred_as() {
	local uid=$1
	shift
	ip netns exec "$where" setpriv --reuid="$uid" --regid="$uid" --clear-groups --bounding-set=-all --inh-caps=-all \
		--ambient-caps=-all --no-new-privs env SOCKD_SOCKET="$socket" FOR_PROGRAM="LD_PRELOAD=$preload
ASAN_OPTIONS=$sanitizer_options:detect_leaks=0" /usr/bin/python3 "$work/barred.py" "$@"
}

uses() {
	barred_as "$client_uid" "$work/bin/python3" "$work/families.py" "$@"
}

# The same without sockd.
alone() {
	without /usr/bin/python3 "$work/barred.py" "$work/bin/python3" "$work/families.py" "$@"
}

held_as() {
	local uid=$1
	shift
	barred_as "$uid" "$work/bin/sockctl" open "$@"
}

families() {
	in_near env SOCKD_MANAGEMENT="$management" "$work/bin/sockctl" families "$@"
}

descriptors() {
	find "/proc/$broker_pid/fd" -mindepth 1 | wc -l
}

same_descriptors() {
	[ "$(descriptors)" -eq "$1" ]
}

start_sockd

# What the kernel has is found out without loading anything.
cut -d' ' -f1 /proc/modules | sort >"$work/modules.before"
families >"$work/families" 2>&1
cut -d' ' -f1 /proc/modules | sort >"$work/modules.after"
expect "sockctl families loads no module" cmp "$work/modules.before" "$work/modules.after"
contains "it knows what the kernel has" "$work/families" '^inet +yes +4 allow +ports'
contains "it knows a denial" "$work/families" '^appletalk +[a-z ]+ +1 deny '
contains "it knows what the policy says nothing of" "$work/families" '^packet +[a-z]+ +- +'
contains "it knows what is loaded on use" "$work/families" '^alg +(on use|yes) +2 allow '
if grep -qx tipc "$work/modules.before"; then
	echo "SKIP missing-module: the kernel has no family whose module must be asked for, TIPC is loaded"
elif grep -qsE '^alias net-pf-30 ' "/lib/modules/$(uname -r)/modules.alias"; then
	echo "SKIP missing-module: the kernel has no family whose module must be asked for, TIPC loads itself"
else
	contains "it knows what must be loaded by hand" "$work/families" '^tipc +modprobe tipc +2 allow '
	refused "a module that is missing: the kernel's errno and the family" 'Errno 97.*not supported' uses open 30 4 0
	audited "and the audit trail says so" 'the kernel refused socket'
fi
families --json=pretty >"$work/families.json"
expect "sockctl families prints JSON" /usr/bin/python3 -c '
import json, sys
rows = {row["family"]: row for row in json.load(open(sys.argv[1]))}
assert rows["smc"]["policy"] == {"allow": 2, "deny": 0}, rows["smc"]
assert {"can", "bluetooth", "tipc", "xdp", "key"} <= set(rows)
assert all(row["adds"] and row["kernel"] in ("yes", "no", "on-use", "modprobe") for row in rows.values())
' "$work/families.json"
in_near "${powerless[@]}" env SOCKD_MANAGEMENT="$management" "$work/bin/sockctl" families >"$work/families" 2>"$work/said"
contains "without the management socket the kernel's part is told" "$work/families" '^inet +yes +\? +ports'
contains "and what is missing is said" "$work/said" 'no answer from the management socket'

for module in tipc rds rds_tcp sctp dccp dccp_ipv4 af_alg algif_hash qrtr af_key smc vsock vsock_loopback; do
	modprobe -q "$module"
done
families >"$work/families"
ip -n "$near" xfrm state add src 10.99.0.1 dst 10.99.0.2 proto esp spi 0xabc1 mode transport \
	enc 'cbc(aes)' 0x00112233445566778899aabbccddeeff auth 'hmac(sha1)' 0x000102030405060708090a0b0c0d0e0f10111213 ||
	die "make a security association"

has() {
	/usr/bin/python3 "$work/families.py" has "$1" 2>/dev/null && return 0
	echo "SKIP $1: the kernel has no ${1^^}"
	return 1
}

# try NAME [ARGUMENT...]: barred it cannot, with sockd it can.
try() {
	has "$1" || return 1
	refused "$1: the filter bars the family" 'Errno 97' alone "$@"
	uses "$@" >"$work/used" 2>&1
	contains "$1: a client that is barred uses it" "$work/used" "^$1 works$"
}

# One turn, so that what is made once (workers, sets) has been made.
has tipc && uses open 30 4 0 >/dev/null 2>&1
uses open 38 5 0 >/dev/null 2>&1
sleep 1
before=$(descriptors)

if try tipc; then
	contains "sockctl families sees it" "$work/families" '^tipc +yes +2 allow '
	refused "tipc: another type than the rule's" 'no rule for user' held_as "$client_uid" tipc stream
	held_as "$client_uid" --bind=range:20000:1-5/node tipc rdm >"$work/used" 2>&1
	contains "tipc: bound by the broker" "$work/used" 'tipc'
fi
if try rds; then
	held_as 65533 --bind=127.0.0.1:4000 rds seqpacket -- "$work/bin/python3" "$work/families.py" rds-held \
		>"$work/used" 2>&1
	contains "rds: bound by the broker, it stays so" "$work/used" '^rds-held works$'
	refused "rds: another port" 'port 4001 is not in the rule' \
		held_as 65533 --bind=127.0.0.1:4001 rds seqpacket
	refused "rds: another address" 'not in the rule.s "addresses"' \
		held_as 65533 --bind=10.99.0.1:4000 rds seqpacket
	refused "rds: unbound" 'ask for it with a bind step' held_as 65533 rds seqpacket
fi
if try sctp; then
	held_as "$client_uid" --bind=127.0.0.1:80 inet stream sctp -- "$work/bin/python3" "$work/families.py" \
		sctp-held >"$work/used" 2>&1
	contains "sctp: a privileged port, and no other by bindx" "$work/used" '^sctp-held works$'
	refused "sctp: another privileged port" 'port 81 is' \
		held_as "$client_uid" --bind=127.0.0.1:81 inet stream sctp
fi
try dccp
try udplite
if try alg "$work/families.py"; then
	sum=$(sha256sum "$work/families.py")
	contains "alg: the same sum as sha256sum's" "$work/used" "^sha256 ${sum%% *}$"
	in_near "${powerless[@]}" env SOCKD_SOCKET="$socket" /usr/bin/python3 "$work/barred.py" \
		"$work/bin/python3" "$work/families.py" alg-library "$work/lib/libsockd.so" >"$work/used" 2>&1
	contains "alg: by the library" "$work/used" '^alg-library works$'
fi
if try qipcrtr; then
	held_as "$client_uid" --bind=1:100 qipcrtr dgram -- "$work/bin/python3" "$work/families.py" qipcrtr-held \
		>"$work/used" 2>&1
	contains "qipcrtr: the port of the rule and no other privileged one" "$work/used" '^qipcrtr-held works$'
	refused "qipcrtr: a privileged port that is not the rule's" 'port 101 needs a privilege' \
		held_as "$client_uid" --bind=1:101 qipcrtr dgram
fi
if has xdp; then
	watch_far 'ether proto 0x88b5'
	limit=$(ulimit -S -l)
	ulimit -S -l 64 # KiB: the client's memory is within it
	try xdp eth0
	ulimit -S -l "$limit"
	seen_far
	counted "xdp: the frame reached the other end" 1 "$work/far.txt" '> ff:ff:ff:ff:ff:ff.*0x88b5'
fi
if try key; then
	contains "key: it reads the security associations" "$work/used" '^associations .*0xabc1'
fi
try smc
if try vsock; then
	held_as 65533 --bind=local:80 vsock stream -- "$work/bin/python3" "$work/families.py" vsock-held \
		>"$work/used" 2>&1
	contains "vsock: bound by the broker, it stays so" "$work/used" '^vsock-held works$'
	refused "vsock: another port" 'port 91 is not in the rule' held_as 65533 --bind=local:91 vsock stream
	refused "vsock: another context" 'identifier 4294967295 is not in the rule' \
		held_as 65533 --bind=any:80 vsock stream
	refused "vsock: a port that is denied" 'rule not-vsock-90 denies' held_as 65533 --bind=local:90 vsock stream
	refused "vsock: unbound" 'ask for it with a bind step' held_as 65533 vsock stream
fi

# In a namespace that dies.
ip netns add "$island" || die "make a namespace"
mkfifo "$work/hold"
barred_as 65532 "$work/bin/sockctl" open alg seqpacket -- "$work/bin/python3" "$work/families.py" hold \
	<"$work/hold" >"$work/held" 2>&1 &
holder=$!
remember
exec 9>"$work/hold"
if wait_for 10 grep -q holding "$work/held"; then
	ok "a socket of a named namespace"
	where=$island
	refused "from another namespace, by a rule that speaks of none" 'says nothing of "netns"' \
		held_as "$client_uid" alg seqpacket
	where=$near
	ip netns delete "$island"
	refused "a namespace that is gone" 'namespace cannot be reached' held_as 65532 alg seqpacket
else
	fail "a socket of a named namespace"
	cat "$work/held"
fi
exec 9>&-
wait "$holder"

open_grants() {
	in_near env SOCKD_MANAGEMENT="$management" "$work/bin/sockctl" list | grep -q '^0 grants'
}
expect "all grants end" wait_for 20 open_grants
if wait_for 10 same_descriptors "$before"; then
	ok "sockd has as many descriptors as before"
else
	fail "sockd has as many descriptors as before ($before, now $(descriptors))"
	ls -l "/proc/$broker_pid/fd"
fi
