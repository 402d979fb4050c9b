#!/bin/bash
# Generic netlink's families that are modules: they come and go, each time with another number.
. "$(dirname "$0")/../lib.sh"
begin ip modprobe wg
copy_program ip wg

policy <<'JSON'
{
  "rules": [
    { "name": "tunnel", "peers": { "uid": 65534 }, "family": "netlink", "protocol": "generic",
      "messages": ["WG_CMD_SET_DEVICE", "WG_CMD_GET_DEVICE"], "interfaces": "wg0" },
    { "name": "secure", "peers": { "uid": 65534 }, "family": "netlink", "protocol": "generic",
      "messages": "MACSEC_CMD_ADD_TXSA", "interfaces": "macsec0" }
  ]
}
JSON

# number_of FAMILY: as the kernel has it now.
number_of() {
	python3 - "$1" <<'PYTHON'
import socket, struct, sys
s = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 16)
s.settimeout(20)
name = sys.argv[1].encode() + b"\0"
body = struct.pack("=BBH", 3, 1, 0) + struct.pack("=HH", 4 + len(name), 2) + name + b"\0" * (-len(name) % 4)
s.send(struct.pack("=IHHII", 16 + len(body), 16, 1, 1, 0) + body)
reply = s.recv(1 << 16)
at = 20
while struct.unpack_from("=H", reply, 4)[0] == 16 and at < len(reply):
    size, kind = struct.unpack_from("=HH", reply, at)
    if kind == 1:
        print(struct.unpack_from("=H", reply, at + 4)[0])
    at += (size + 3) & ~3
PYTHON
}

port_of() { ip netns exec "$near" "$work/bin/wg" show "$1" listen-port; }
has_port() { [ "$(port_of "$1")" = "$2" ]; }
make_tunnels() {
	ip -n "$near" link add wg0 type wireguard && ip -n "$near" link add wg1 type wireguard
}

start_sockd
if make_tunnels; then
	first=$(number_of wireguard)
	refused "wg set needs sockd" 'not permitted' without "$work/bin/wg" set wg0 listen-port 5001
	expect "wg set, of a family that came after sockd had begun" \
		through "$work/bin/wg" set wg0 listen-port 5001
	expect "the port is set" has_port wg0 5001
	refused "wg set on another interface" 'not permitted' through "$work/bin/wg" set wg1 listen-port 5002
	expect "the other port is not set" eval '! has_port wg1 5002'
	expect "wg show" eval 'through "$work/bin/wg" show wg0 listen-port | grep -qx 5001'
	refused "wg show of another interface" 'not permitted' through "$work/bin/wg" show wg1

	ip -n "$near" link del wg0
	ip -n "$near" link del wg1
	modprobe -r wireguard
	expect "the module comes and goes" eval 'make_tunnels && ip -n "$near" link del wg1'
	expect "and its family has another number" eval '[ "$(number_of wireguard)" != "$first" ]'
	expect "wg set once more" through "$work/bin/wg" set wg0 listen-port 5003
	expect "the port is set again" has_port wg0 5003
	audited "as the same command" '"steps":"send WG_CMD_SET_DEVICE".*"rule":"tunnel"'
else
	echo "SKIP wireguard: the kernel has no such tunnels"
fi

key='00112233445566778899aabbccddeeff'
if ip -n "$near" link add link eth0 name macsec0 type macsec && ip -n "$near" link add link eth0 name macsec1 type macsec port 2; then
	refused "ip macsec add needs sockd" 'not permitted' \
		without "$work/bin/ip" macsec add macsec0 tx sa 0 pn 1 on key 01 "$key"
	expect "ip macsec add on the interface of the rule" \
		through "$work/bin/ip" macsec add macsec0 tx sa 0 pn 1 on key 01 "$key"
	ip -n "$near" macsec show macsec0 >"$work/macsec"
	contains "the key is there" "$work/macsec" '0: PN 1, state on, key 01'
	refused "ip macsec add on another interface" 'not permitted' \
		through "$work/bin/ip" macsec add macsec1 tx sa 0 pn 1 on key 01 "$key"
else
	echo "SKIP macsec: the kernel has no such interfaces"
fi
