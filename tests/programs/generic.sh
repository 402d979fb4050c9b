#!/bin/bash
# Generic netlink, whose families have another number each time: ethtool and ip under rules that name commands.
. "$(dirname "$0")/../lib.sh"
begin ip ethtool python3
copy_program ip ethtool python3

policy <<'JSON'
{
  "rules": [
    {
      "name": "offload",
      "peers": { "uid": 65534 },
      "family": "netlink", "protocol": "generic",
      "messages": ["ETHTOOL_MSG_FEATURES_SET", "ETHTOOL_MSG_WOL_GET"], "interfaces": ["eth0", "tap*"]
    },
    {
      "name": "metrics",
      "peers": { "uid": 65534 },
      "family": "netlink", "protocol": "generic",
      "messages": ["TCP_METRICS_CMD_DEL", "MPTCP_PM_CMD_ADD_ADDR"]
    },
    {
      "name": "low-port-of-another",
      "peers": { "uid": 12345 },
      "family": "inet", "type": "stream", "ports": [443]
    }
  ]
}
JSON

feature() {
	ip netns exec "$near" ethtool -k "$1" >"$work/features" && grep -E "^\s*$2:" "$work/features"
}
has_feature() { feature "$1" "$2" | grep -qE ": $3( |\$)"; }
has_family() { [ -n "$(generic_number "$1")" ]; }

refused "ethtool -K needs sockd" 'not permitted' without "$work/bin/ethtool" -K eth0 tx-tcp-segmentation off

start_sockd
if has_family ethtool; then
	expect "ethtool -K on the interface of the rule" \
		through "$work/bin/ethtool" -K eth0 tx-tcp-segmentation off
	expect "the feature is off" has_feature eth0 tx-tcp-segmentation off
	audited "by the rule, which is told by the command's name" \
		'"verb":"apply".*"steps":"send ETHTOOL_MSG_FEATURES_SET".*"rule":"offload"'
	refused "ethtool -K on another interface" 'not permitted' \
		through "$work/bin/ethtool" -K lo tx-tcp-segmentation off
	expect "the other interface is as it was" has_feature lo tx-tcp-segmentation on
	audited "and why" '"event":"refusal".*interface lo is not in the rule'
	ip -n "$near" link property add dev lo altname other0
	refused "another interface by its other name" 'not permitted' \
		through "$work/bin/ethtool" -K other0 tx-tcp-segmentation off
	ip -n "$near" link property del dev lo altname other0
	ip -n "$near" link property add dev lo altname tap0:x
	refused "another interface by a name that ends early elsewhere" 'not permitted' \
		through "$work/bin/ethtool" -K tap0:x tx-tcp-segmentation off
	ip -n "$near" link property del dev lo altname tap0:x
	refused "a command that no rule names" 'not permitted' \
		through "$work/bin/ethtool" -s eth0 speed 10 duplex full autoneg off
	audited "is told by its name too" '"event":"refusal".*ETHTOOL_MSG_LINKMODES_SET'
	audit_settles
	refusals=$(grep -c '"event":"refusal"' "$audit")
	expect "reading needs no rule" through "$work/bin/ethtool" -k eth0
	audit_settles
	counted "and sockd is not asked" "$refusals" "$audit" '"event":"refusal"'
else
	echo "SKIP this kernel has no netlink for ethtool"
fi

# A family that no rule can name, of which everybody may read.
if has_family netdev; then
	cat >"$work/devices.py" <<'PYTHON'
import socket, struct, sys
s = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 16)
s.settimeout(5)
s.send(struct.pack("=IHHIIBBH", 20, int(sys.argv[1]), 0x301, 1, 0, 1, 1, 0))
print("type", struct.unpack_from("=H", s.recv(1 << 16), 4)[0])
PYTHON
	refusals=$(grep -c '"event":"refusal"' "$audit")
	through "$work/bin/python3" "$work/devices.py" "$(generic_number netdev)" >"$work/devices" 2>&1
	contains "devices are read by generic netlink" "$work/devices" "^type $(generic_number netdev)\$"
	audit_settles
	counted "without asking sockd" "$refusals" "$audit" '"event":"refusal"'
fi

if has_family tcp_metrics; then
	refused "ip tcp_metrics flush needs sockd" 'not permitted' \
		without "$work/bin/ip" tcp_metrics delete 10.99.0.2
	# There is none of this address: the kernel says so to who may ask.
	refused "ip tcp_metrics delete comes to its end" 'No such process' \
		through "$work/bin/ip" tcp_metrics delete 10.99.0.2
	audited "by the rule" '"steps":"send TCP_METRICS_CMD_DEL".*"rule":"metrics"'
else
	echo "SKIP this kernel has no tcp_metrics"
fi

endpoints() { ip -n "$near" mptcp endpoint show >"$work/endpoints"; }
if has_family mptcp_pm; then
	expect "ip mptcp endpoint add" through "$work/bin/ip" mptcp endpoint add 10.99.0.1 id 7 signal
	endpoints
	contains "the endpoint is there" "$work/endpoints" '^10\.99\.0\.1 id 7 '
	refused "ip mptcp endpoint delete, which no rule names" 'not permitted' \
		through "$work/bin/ip" mptcp endpoint delete id 7
	endpoints
	contains "the endpoint is still there" "$work/endpoints" '^10\.99\.0\.1 id 7 '
	ip -n "$near" mptcp endpoint flush
	# The kernel binds it at once, and asks who sends.
	refused "a low port, which no rule gives" 'listen socket error|denied' \
		through "$work/bin/ip" mptcp endpoint add 10.99.0.1 port 80 signal
	expect "an ordinary port" through "$work/bin/ip" mptcp endpoint add 10.99.0.1 port 8080 signal
else
	echo "SKIP this kernel has no MPTCP"
fi

# What tells the interface twice, or not at all, is not judged by halves.
cat >"$work/hostile.py" <<'PYTHON'
import errno, socket, struct, sys

WOL_GET, FEATURES_SET = 9, 12
family = int(sys.argv[1])
s = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 16)
s.settimeout(5)

def attribute(kind, data):
    size = 4 + len(data)
    return struct.pack("=HH", size, kind) + data + b"\0" * (-size % 4)

def ask(kind, command, data, flags=5):
    body = struct.pack("=BBH", command, 1, 0) + data
    s.send(struct.pack("=IHHII", 16 + len(body), kind, flags, 1, 0) + body)
    while True:
        reply = s.recv(1 << 16)
        if struct.unpack_from("=H", reply, 4)[0] == 2:
            return reply

def error(reply):
    return errno.errorcode.get(-struct.unpack_from("=i", reply, 16)[0], "none")

bits = attribute(0x8003, attribute(0x8003, attribute(
    0x8001, attribute(2, b"tx-tcp-segmentation\0"))))
def set_features(header):
    return error(ask(family, FEATURES_SET, header + bits))

name, index = attribute(2, b"eth0\0"), attribute(1, struct.pack("=I", socket.if_nametoindex("lo")))
for words, header, wanted in (
        ("the interface of the rule", attribute(0x8001, name), "none"),
        ("the name of one and the index of another", attribute(0x8001, name + index), "EPERM"),
        ("two names", attribute(0x8001, name + attribute(2, b"lo\0")), "EPERM"),
        ("two headers", attribute(0x8001, name) + attribute(0x8001, attribute(2, b"lo\0")), "EPERM"),
        ("a header that is cut short", attribute(0x8001, name[:7]), "EPERM"),
        ("an interface that is not there", attribute(0x8001, attribute(2, b"tap9\0")), "EPERM"),
        ("no interface", attribute(0x8001, b""), "EPERM"),
        ("no header", b"", "EPERM")):
    got = set_features(header)
    print("ok" if got == wanted else "FAIL", f"hostile: {words}: {got}", flush=True)
# The kernel then answers for every interface.
got = error(ask(family, WOL_GET, attribute(0x8001, name), 0x305))
print("ok" if got == "EPERM" else "FAIL", f"hostile: a dump: {got}", flush=True)
got = error(ask(family + 1000, FEATURES_SET, b""))
print("ok" if got == "ENOENT" else "FAIL", f"hostile: a family that is not there: {got}", flush=True)
PYTHON
if has_family ethtool; then
	expect "hostile messages come to their end" eval \
		'through "$work/bin/python3" "$work/hostile.py" "$(generic_number ethtool)" >"$work/hostile"'
	cat "$work/hostile"
	counted "none did what it should not" 0 "$work/hostile" '^FAIL'
	counted "and each was tried" 10 "$work/hostile" '^ok'
	expect "the other interface is as it was after that" has_feature lo tx-tcp-segmentation on
fi

if [ "$SOCKD_BY" = seccomp ] && has_family ethtool; then
	install -d -m 755 -o "$client_uid" -g "$client_uid" "$work/learnt"
	refused "nothing is given while it is learnt from" 'not permitted' \
		run --learn "$work/learnt/policy.json" --quiet -- "$work/bin/ethtool" -K lo tx-tcp-segmentation off
	contains "the command is learnt" "$work/learnt/policy.json" 'ETHTOOL_MSG_FEATURES_SET'
	counted "and the interface" 1 "$work/learnt/policy.json" '"interfaces"'
	run --learn "$work/learnt/read.json" --quiet -- "$work/bin/ethtool" -k eth0 >/dev/null 2>&1
	counted "what everybody may read needs no rule for it" 0 "$work/learnt/read.json" '"messages"'
	counted "nor is it refused for good" 0 "$work/learnt/read.json" 'no rule can name'
	install -m 644 "$work/learnt/policy.json" "$work/policy.d/60-learnt.json"
	kill -HUP "$broker_pid"
	expect "what was learnt is enough" wait_for 10 \
		through "$work/bin/ethtool" -K lo tx-tcp-segmentation off
fi
