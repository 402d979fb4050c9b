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

port_of() { ip netns exec "$near" "$work/bin/wg" show "$1" listen-port; }
has_port() { [ "$(port_of "$1")" = "$2" ]; }
make_tunnels() {
	ip -n "$near" link add wg0 type wireguard && ip -n "$near" link add wg1 type wireguard
}

start_sockd
if make_tunnels; then
	first=$(generic_number wireguard)
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
	expect "and its family has another number" eval '[ "$(generic_number wireguard)" != "$first" ]'
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
