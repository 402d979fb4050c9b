#!/bin/bash
# BIRD: a routing daemon that changes routes, listens on the port of BGP, and speaks RIP and OSPF.
. "$(dirname "$0")/../lib.sh"
begin bird birdc
copy_program bird

policy <<'JSON'
{
  "rules": [
    {
      "name": "routes",
      "peers": { "uid": 65534 },
      "family": "netlink", "protocol": "route",
      "messages": ["RTM_NEWROUTE", "RTM_DELROUTE"]
    },
    {
      "name": "bgp",
      "peers": { "uid": 65534 },
      "family": "inet", "type": "stream", "protocol": "tcp", "ports": [179]
    },
    {
      "name": "rip",
      "peers": { "uid": 65534 },
      "family": "inet", "type": "dgram", "protocol": "udp", "ports": [520],
      "options": { "SO_PRIORITY": 7 }
    },
    {
      "name": "ospf",
      "peers": { "uid": 65534 },
      "family": "inet", "type": "raw", "protocol": 89,
      "options": { "SO_PRIORITY": 7 }
    }
  ]
}
JSON

cat >"$work/near.conf" <<'CONF'
log stderr all;
router id 10.99.0.1;
protocol device {}
protocol kernel { ipv4 { export all; }; }
protocol static { ipv4; route 10.77.0.0/16 via "lo"; }
protocol ospf v2 ospf1 { ipv4 { export none; }; area 0 { interface "eth0" { hello 1; wait 2; }; }; }
protocol rip rip1 { ipv4 { export none; }; interface "eth0"; }
protocol bgp bgp1 {
	local 10.99.0.1 as 64501;
	neighbor 10.99.0.2 as 64502;
	connect delay time 1;
	ipv4 { import all; export where source = RTS_STATIC; };
}
CONF
cat >"$work/far.conf" <<'CONF'
log stderr all;
router id 10.99.0.2;
protocol device {}
protocol static static1 { ipv4; route 10.78.0.0/16 via "lo"; }
protocol static static2 { ipv4; route 10.79.0.0/16 via "lo"; }
protocol ospf v2 { ipv4; area 0 { interface "eth0" { hello 1; wait 2; }; }; }
protocol rip { ipv4 { export where proto = "static2"; }; interface "eth0" { update time 2; }; }
protocol bgp {
	local 10.99.0.2 as 64502;
	neighbor 10.99.0.1 as 64501;
	passive on;
	ipv4 { import all; export where proto = "static1"; };
}
CONF

bird_near() {
	through_exec "$work/bin/bird" -f -c "$work/near.conf" -s "$work/home/bird.ctl" -P "$work/home/bird.pid"
}

route_exists() {
	ip -n "$near" route show proto bird | grep -q "^$1 "
}

route_gone() {
	! route_exists "$1"
}

neighbour_is_full() {
	in_near birdc -s "$work/home/bird.ctl" show ospf neighbors ospf1 | grep -q '10\.99\.0\.2.*Full'
}

bgp_is_up() {
	in_near birdc -s "$work/home/bird.ctl" show protocols bgp1 | grep -q Established
}

in_near "${powerless[@]}" timeout 3 "$work/bin/bird" -f -c "$work/near.conf" -s "$work/home/bird.ctl" \
	-P "$work/home/bird.pid" >"$work/refused" 2>&1
contains "BIRD needs sockd" "$work/refused" 'not permitted|Permission denied'

start_sockd
in_far_exec bird -f -c "$work/far.conf" -s "$work/far.ctl" -P "$work/far.pid" >"$work/bird-far.log" 2>&1 &
remember
bird_near >"$work/bird.log" 2>&1 &
bird=$!
remember
expect "its own route is in the kernel" wait_for 10 route_exists 10.77.0.0/16
expect "BGP is established" wait_for 20 bgp_is_up
expect "the route by BGP is in the kernel" wait_for 10 route_exists 10.78.0.0/16
expect "the route by RIP is in the kernel" wait_for 15 route_exists 10.79.0.0/16
expect "OSPF has its neighbour" wait_for 20 neighbour_is_full
end_child "$bird"
expect "its routes are gone with it" wait_for 5 route_gone 10.77.0.0/16
counted "nothing was refused to it" 0 "$work/bird.log" 'not permitted|Permission denied'
[ "$failures" -eq 0 ] || tail -n 20 "$work/bird.log"
