#!/bin/bash
# traceroute -I over a router: ICMP with small TTLs, and the routers' error messages.
. "$(dirname "$0")/../lib.sh"
begin traceroute
copy_program traceroute

# A second hop behind the other end.
beyond=sockd-$$-beyond
trap 'ip netns delete "$beyond" 2>/dev/null; finish' EXIT
ip netns add "$beyond" && ip -n "$far" link add eth1 type veth peer name eth0 netns "$beyond" || die "add a hop"
ip -n "$far" address add 10.98.0.1/24 dev eth1
ip -n "$beyond" address add 10.98.0.2/24 dev eth0
ip -n "$far" link set eth1 up
ip -n "$beyond" link set eth0 up
ip -n "$beyond" route add default via 10.98.0.1
ip -n "$near" route add default via 10.99.0.2
in_far sh -c 'echo 1 >/proc/sys/net/ipv4/ip_forward; echo 0 >/proc/sys/net/ipv4/icmp_ratelimit'

policy <<'JSON'
{
  "rules": [
    {
      "name": "trace",
      "peers": { "uid": 65534 },
      "family": "inet", "type": "raw", "protocol": "icmp"
    }
  ]
}
JSON

refused "traceroute -I needs sockd" 'not permitted|Permission denied|enough privileges' \
	without "$work/bin/traceroute" -n -I -q 1 -w 2 10.98.0.2

start_sockd
through "$work/bin/traceroute" -n -I -q 1 -w 2 10.98.0.2 >"$work/trace" 2>&1
contains "the first hop answers" "$work/trace" '^ 1  10\.99\.0\.2 .* ms'
contains "the second hop is the target" "$work/trace" '^ 2  10\.98\.0\.2 .* ms'
