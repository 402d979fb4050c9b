#!/bin/bash
# keepalived: takes over an address by VRRP, with a raw socket, netlink and gratuitous ARP, and gives it back.
. "$(dirname "$0")/../lib.sh"
begin keepalived tcpdump
copy_program keepalived

policy <<'JSON'
{
  "rules": [
    {
      "name": "vrrp",
      "peers": { "uid": 65534 },
      "family": "inet", "type": "raw", "protocol": 112,
      "options": { "SO_BINDTODEVICE": "any", "SO_PRIORITY": "any" }
    },
    {
      "name": "arp",
      "peers": { "uid": 65534 },
      "family": "packet", "type": ["raw", "dgram"]
    },
    {
      "name": "neighbours",
      "peers": { "uid": 65534 },
      "family": "inet6", "type": "raw", "protocol": "ipv6-icmp"
    },
    {
      "name": "address",
      "peers": { "uid": 65534 },
      "family": "netlink", "protocol": "route",
      "messages": ["RTM_NEWADDR", "RTM_DELADDR"], "interfaces": ["eth0"],
      "options": { "SO_RCVBUFFORCE": "any" }
    }
  ]
}
JSON

cat >"$work/keepalived.conf" <<'CONF'
global_defs {
	router_id test
	script_user nobody
}
vrrp_instance test {
	state MASTER
	interface eth0
	virtual_router_id 51
	priority 200
	advert_int 1
	virtual_ipaddress {
		10.99.0.50/24
	}
}
CONF

keepalived=("$work/bin/keepalived" -n -l -D -f "$work/keepalived.conf" -p "$work/home/main.pid" -r "$work/home/vrrp.pid")

has_address() {
	ip -n "$near" -o address show dev eth0 | grep -q '10\.99\.0\.50/24'
}

has_no_address() {
	! has_address
}

without timeout 3 "${keepalived[@]}" >"$work/refused" 2>&1
contains "keepalived needs sockd" "$work/refused" 'not permitted|Permission denied|cannot open'
rm -f "$work"/home/*.pid

start_sockd
watch_far 'ip proto 112 or arp'
through_exec "${keepalived[@]}" >"$work/keepalived.log" 2>&1 &
keepalived_pid=$!
remember
expect "it takes the address" wait_for 15 has_address
expect "the other end reaches the address" in_far ping -c 1 -W 2 10.99.0.50
end_child "$keepalived_pid"
expect "it gives the address back" wait_for 5 has_no_address
seen_far
contains "the other end saw its advertisements" "$work/far.txt" '10\.99\.0\.1 > 224\.0\.0\.18: VRRPv2, Advertisement'
contains "the other end saw its gratuitous ARP" "$work/far.txt" 'who-has 10\.99\.0\.50 .*tell 10\.99\.0\.50'
[ "$failures" -eq 0 ] || tail -n 30 "$work/keepalived.log"
