#!/bin/bash
# systemd-networkd: makes a bridge, sets addresses, a route and a rule, and gets a lease by DHCP.
. "$(dirname "$0")/../lib.sh"
networkd=/lib/systemd/systemd-networkd
begin "$networkd" dnsmasq unshare
prefer_plain_preload "$networkd" --version

policy <<'JSON'
{
  "rules": [
    {
      "name": "links",
      "peers": { "uid": 65534 },
      "family": "netlink", "protocol": "route",
      "messages": ["RTM_NEWLINK", "RTM_SETLINK", "RTM_NEWADDR", "RTM_DELADDR", "RTM_NEWROUTE", "RTM_DELROUTE",
        "RTM_NEWRULE", "RTM_DELRULE"],
      "options": { "SO_RCVBUFFORCE": "any" }
    },
    {
      "name": "generic",
      "peers": { "uid": 65534 },
      "family": "netlink", "protocol": "generic",
      "options": { "SO_RCVBUFFORCE": "any" }
    },
    {
      "name": "dhcp",
      "peers": { "uid": 65534 },
      "family": "inet", "type": "dgram", "protocol": "udp", "ports": [68],
      "options": { "SO_BINDTODEVICE": "any" }
    },
    {
      "name": "frames",
      "peers": { "uid": 65534 },
      "family": "packet", "type": ["raw", "dgram"]
    }
  ]
}
JSON

install -d -o "$client_uid" -g "$client_uid" "$work/home/systemd" "$work/home/systemd/netif"
install -d -o "$client_uid" -g "$client_uid" "$work"/home/systemd/netif/{links,leases,lldp}
install -d "$work/home/systemd/network"
cat >"$work/home/systemd/network/10-eth0.network" <<'CONF'
[Match]
Name=eth0
[Network]
Address=10.99.0.1/24
Address=fd99::1/64
DHCP=ipv4
IPv6AcceptRA=no
LLDP=no
[Route]
Destination=10.77.0.0/16
Gateway=10.99.0.2
[RoutingPolicyRule]
From=10.5.0.0/16
Table=77
CONF
cat >"$work/home/systemd/network/20-bridge.netdev" <<'CONF'
[NetDev]
Name=bridge7
Kind=bridge
MTUBytes=1400
CONF
cat >"$work/home/systemd/network/20-bridge.network" <<'CONF'
[Match]
Name=bridge7
[Network]
Address=10.88.0.1/24
ConfigureWithoutCarrier=yes
CONF
chmod 644 "$work"/home/systemd/network/*

# started COMMAND...: networkd, as COMMAND brings it. Where /sys cannot be written it waits for no udev, as in a
# container.
started() {
	# shellcheck disable=SC2016
	exec ip netns exec "$near" unshare --mount sh -c '
		mount -o remount,bind,ro /sys && mount -t tmpfs run /run && mkdir /run/systemd && mount --bind "$1" /run/systemd && shift && exec "$@"' \
		sh "$work/home/systemd" "$@" "$networkd"
}

has() {
	local pattern=$1
	shift
	ip -n "$near" "$@" | grep -qE "$pattern"
}

# It goes round and round with an address that is there already, with sockd or without.
ip -n "$near" address flush dev eth0

# In some containers it waits for udev all the same.
started >"$work/by_root" 2>&1 &
networkd_pid=$!
remember
wait_for 10 has '10\.88\.0\.1/24' address show bridge7 || skip_all "networkd sets nothing up here, as root neither"
end_child "$networkd_pid"
ip -n "$near" link delete bridge7
ip -n "$near" rule delete table 77
ip -n "$near" address flush dev eth0

(started "${powerless[@]}" timeout 2) >"$work/refused" 2>&1
contains "networkd needs sockd" "$work/refused" 'Operation not permitted'

start_sockd
in_far_exec dnsmasq --no-daemon --conf-file=/dev/null --user=root --port=0 --interface=eth0 --no-ping \
	--dhcp-range=10.99.0.100,10.99.0.100,1h --dhcp-leasefile="$work/leases" >"$work/dnsmasq.log" 2>&1 &
remember
bring
started "${powerless[@]}" "${brought[@]}" >"$work/networkd.log" 2>&1 &
networkd_pid=$!
remember
expect "the bridge is there" wait_for 10 has 'mtu 1400' link show bridge7
expect "its address is set" wait_for 10 has '10\.88\.0\.1/24' address show bridge7
expect "the route is there" wait_for 10 has 'via 10\.99\.0\.2 dev eth0 proto static' route show 10.77.0.0/16
expect "the rule is there" wait_for 10 has 'from 10\.5\.0\.0/16 lookup 77' rule show
expect "it has got an address by DHCP" wait_for 15 has '10\.99\.0\.100/24 .*dynamic' address show eth0
expect "and a route" wait_for 5 has 'default via 10\.99\.0\.2 .*proto dhcp' route show
listens u 68 && ok "it listens for what DHCP has to say" || fail "it listens for what DHCP has to say"
end_child "$networkd_pid"
expect "it gives up the lease" wait_for 5 eval '! has "10\.99\.0\.100" address show eth0'
counted "nothing was refused to it" 0 "$work/networkd.log" 'Operation not permitted'
[ "$failures" -eq 0 ] || tail -n 20 "$work/networkd.log"
