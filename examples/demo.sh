#!/bin/bash
# sockd at work: real programs, run by nobody, get their sockets through it. "sudo ./bootstrap demo" runs this.
#
# All of it happens in two network namespaces that are made here and removed at the end. The policy is
# that of policy.d beside this file.
. "$(dirname "$0")/../tests/lib.sh"
[ "$(id -u)" -eq 0 ] || {
	echo "The demo makes network namespaces and needs root: sudo ./bootstrap demo" >&2
	exit 1
}
begin /usr/bin/python3 tcpdump
copy_program ping tcpdump socat
cp -L --no-preserve=all /usr/bin/python3 "$work/bin/python3" && chmod 755 "$work/bin/python3"
cp "$SOCKD_SOURCE"/examples/policy.d/*.json "$work/policy.d/"

title() {
	printf '\n== %s\n' "$*"
}

shown=0
# What the broker has recorded since the last time: what was asked for, and by which rule it was given.
decisions() {
	wait_for 5 eval '[ "$(wc -l <"$audit")" -gt "$shown" ]'
	sleep 0.2
	tail -n "+$((shown + 1))" "$audit" >"$work/new"
	shown=$(wc -l <"$audit")
	/usr/bin/python3 - "$work/new" <<'PYTHON'
import json, sys

for line in open(sys.argv[1]):
    record = json.loads(line)
    if record["event"] not in ("grant", "refusal"):
        continue
    what = " ".join(record[key] for key in ("family", "type", "protocol", "steps") if record.get(key))
    if record["event"] == "grant":
        print(f'   sockd: uid {record["uid"]} got {what}: rule "{record["rule"]}"')
    else:
        print(f'   sockd: uid {record["uid"]} was refused {what}: {record.get("reason", record.get("text", ""))}')
PYTHON
}

# step NAME EXPECTED COMMAND...: shows the last lines of what the command printed; EXPECTED must be in it.
step() {
	local name=$1 expected=$2 status=0
	shift 2
	"$@" >"$work/output" 2>&1 || status=$?
	grep -v '^$' "$work/output" | tail -n 4 | sed 's/^/   | /'
	decisions
	if [ "$status" -eq 0 ] && grep -qE -- "$expected" "$work/output"; then
		ok "$name"
	else
		cat "$work/output"
		fail "$name (exit status $status)"
	fi
}

title "Without sockd: nobody may not ping, nor listen on port 80"
refused "ping is refused by the kernel" 'not permitted|missing cap_net_raw' \
	without "$work/bin/ping" -4 -c 1 -W 2 10.99.0.2
refused "port 80 is refused by the kernel" 'Permission denied' without "$work/bin/socat" TCP-LISTEN:80 -

title "sockd starts"
start_sockd
sed 's/^/   | /' "$work/sockd.log"

title "ping, by nobody, without capabilities"
step "ping over IPv4" '3 received' through "$work/bin/ping" -4 -c 3 -i 0.2 -W 2 10.99.0.2
step "ping over IPv6" '3 received' through "$work/bin/ping" -6 -c 3 -i 0.2 -W 2 fd99::2

title "python3 with a raw socket"
cat >"$work/raw.py" <<'PYTHON'
import socket

s = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)
s.settimeout(5)
s.sendto(b"\x08\x00\xf7\xfd\x00\x01\x00\x01", ("10.99.0.2", 0))
while True:
    packet, sender = s.recvfrom(2048)
    if packet[20] == 0:
        break
print("echo reply from", sender[0], "on a", s.type.name, "socket")
PYTHON
step "python3 sends and receives ICMP" 'echo reply from 10\.99\.0\.2' through "$work/bin/python3" "$work/raw.py"

title "tcpdump captures live"
through_exec "$work/bin/tcpdump" -i eth0 -n -U --immediate-mode -c 4 icmp >"$work/capture" 2>&1 &
capture=$!
remember
wait_for 10 grep -q 'listening on' "$work/capture"
in_near ping -c 2 -i 0.2 10.99.0.2 >/dev/null
wait_for 10 sh -c "! kill -0 $capture 2>/dev/null"
step "tcpdump saw the echo requests" 'ICMP echo request' cat "$work/capture"

title "A server on port 80"
through_exec "$work/bin/socat" TCP-LISTEN:80,reuseaddr,fork \
	SYSTEM:'echo HTTP/1.0 200 OK; echo; echo served by uid $(id -u)' >"$work/server" 2>&1 &
remember
wait_for 10 listens t 80
step "the other end fetches a page" "served by uid $client_uid" in_far /usr/bin/python3 -c '
import socket
with socket.create_connection(("10.99.0.1", 80), timeout=5) as s:
    s.sendall(b"GET / HTTP/1.0\r\n\r\n")
    print(s.makefile().read())'

title "What is in use now (sockctl list)"
step "the grant is listed with its rule" 'web' in_near "$work/bin/sockctl" --management="$management" --no-pager list

title "A refusal, and why"
through "$work/bin/sockctl" open inet raw udp -- true >"$work/output" 2>&1 && fail "a raw UDP socket was given"
sed 's/^/   | /' "$work/output"
contains "the refusal says what no rule allows" "$work/output" 'rule'
decisions

title "The end"
stop_sockd
refused "without the broker the kernel refuses again" 'not permitted|missing cap_net_raw' \
	through "$work/bin/ping" -4 -c 1 -W 2 10.99.0.2
if [ "$failures" -eq 0 ]; then
	printf '\nEvery step did what it should.\n'
else
	printf '\n%d steps did not do what they should.\n' "$failures"
fi
