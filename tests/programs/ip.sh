#!/bin/bash
# ip under a rule that allows two message types on one interface, under one for the routes of another, and ip monitor.
. "$(dirname "$0")/../lib.sh"
begin ip
copy_program ip

policy <<'JSON'
{
  "rules": [
    {
      "name": "own-bridge",
      "peers": { "uid": 65534 },
      "family": "netlink", "protocol": "route",
      "messages": ["RTM_NEWLINK", "RTM_NEWADDR"], "interfaces": ["test0"]
    },
    {
      "name": "own-routes",
      "peers": { "uid": 65534 },
      "family": "netlink", "protocol": "route",
      "messages": ["RTM_NEWROUTE", "RTM_DELROUTE"], "interfaces": ["routes0"]
    }
  ]
}
JSON

link_exists() {
	ip -n "$near" link show "$1" >/dev/null 2>&1
}

refused "ip link add needs sockd" 'Operation not permitted' without "$work/bin/ip" link add test0 type bridge

start_sockd
expect "ip link add on the interface of the rule" through "$work/bin/ip" link add test0 type bridge
expect "the interface is there" link_exists test0
refused "ip link add on another interface" 'Operation not permitted' \
	through "$work/bin/ip" link add other0 type bridge
expect "the other interface is not there" eval '! link_exists other0'
expect "ip address add on the interface of the rule" \
	through "$work/bin/ip" address add 10.97.0.1/24 dev test0
ip -n "$near" -o address show dev test0 >"$work/addresses" 2>&1
contains "the address is there" "$work/addresses" 'inet 10\.97\.0\.1/24'
expect "ip -6 address add on the interface of the rule" \
	through "$work/bin/ip" address add fd97::1/64 dev test0
refused "ip address add on another interface" 'Operation not permitted' \
	through "$work/bin/ip" address add 10.96.0.1/24 dev eth0
ip -n "$near" -o address show dev eth0 >"$work/addresses" 2>&1
counted "the other interface has no new address" 0 "$work/addresses" '10\.96\.0\.1'
refused "a message type that the rule does not name" 'Operation not permitted' \
	through "$work/bin/ip" link delete test0
expect "the interface is still there" link_exists test0
refused "a route, which the rule does not name" 'Operation not permitted' \
	through "$work/bin/ip" route add 10.95.0.0/24 dev test0
expect "reading needs no rule" through "$work/bin/ip" -o link show eth0

ip -n "$near" link add routes0 type veth peer name routes1
ip -n "$near" link set routes0 up
ip -n "$near" link set routes1 up
ip -n "$near" address add 10.94.0.1/24 dev routes0
ip -n "$near" -6 address add fd94::1/64 dev routes0 nodad
ip -n "$near" -6 route add fd93::/64 via fd99::2 dev eth0 metric 500
route_of_eth0='^fd93::/64 via fd99::2 dev eth0'
other=("fd93::/64" via "fd94::2" dev routes0 metric)
expect "ip -6 route add on the interface of the rule" through "$work/bin/ip" -6 route add "${other[@]}" 400
expect "ip route add on the interface of the rule" through "$work/bin/ip" route add 10.93.0.0/24 dev routes0
expect "ip route delete" through "$work/bin/ip" route delete 10.93.0.0/24 dev routes0
# The kernel does not compare the interface of a route by a next hop object.
ip -n "$near" nexthop add id 5 via fd99::3 dev eth0
ip -n "$near" -6 route add fd92::/64 nhid 5
refused "ip -6 route delete" 'Operation not permitted' \
	through "$work/bin/ip" -6 route delete fd92::/64 dev routes0
ip -n "$near" -6 route show fd92::/64 >"$work/routes" 2>&1
contains "the other interface's route by a next hop object is there" "$work/routes" '^fd92::/64 nhid 5'
refused "a second way of another interface's route" 'File exists' \
	through "$work/bin/ip" -6 route add "${other[@]}" 500
for how in append prepend replace change; do
	refused "ip -6 route $how beside another interface's" 'Operation not permitted' \
		through "$work/bin/ip" -6 route "$how" "${other[@]}" 500
done
ip -n "$near" -6 route show fd93::/64 >"$work/routes" 2>&1
counted "the other interface's route is as it was" 1 "$work/routes" "$route_of_eth0"
refused "a route before the address of another interface" 'Operation not permitted' \
	through "$work/bin/ip" route add 10.99.0.1/32 dev routes0 tos 4 table local
ip -n "$near" route get 10.99.0.1 tos 4 >"$work/routes" 2>&1
contains "the address is still its own" "$work/routes" '^local 10\.99\.0\.1'

through_exec stdbuf -oL "$work/bin/ip" monitor link >"$work/monitor" 2>&1 &
remember
# The monitor does not say when it has begun: an interface more each time.
interface=0
add_interface() {
	interface=$((interface + 1))
	ip -n "$near" link add "seen$interface" type bridge
	grep -q 'seen' "$work/monitor"
}
expect "ip monitor prints a new interface" wait_for 10 add_interface
