#!/bin/bash
# ping over IPv4 and IPv6: raw ICMP sockets.
. "$(dirname "$0")/../lib.sh"
begin ping tcpdump
copy_program ping

policy <<'JSON'
{
  "rules": [
    {
      "name": "echo",
      "peers": { "uid": 65534 },
      "family": "inet", "type": "raw", "protocol": "icmp"
    },
    {
      "name": "echo6",
      "peers": { "uid": 65534 },
      "family": "inet6", "type": "raw", "protocol": "ipv6-icmp"
    }
  ]
}
JSON

cannot='not permitted|missing cap_net_raw|Permission denied'
refused "IPv4 needs sockd" "$cannot" without "$work/bin/ping" -4 -c 1 -W 2 10.99.0.2
refused "IPv6 needs sockd" "$cannot" without "$work/bin/ping" -6 -c 1 -W 2 fd99::2

start_sockd
says_its_fence
watch_far 'icmp or icmp6'
through "$work/bin/ping" -4 -c 3 -i 0.2 -W 2 10.99.0.2 >"$work/ping4" 2>&1
contains "IPv4 echoes come back" "$work/ping4" '3 received, 0% packet loss'
through "$work/bin/ping" -6 -c 3 -i 0.2 -W 2 fd99::2 >"$work/ping6" 2>&1
contains "IPv6 echoes come back" "$work/ping6" '3 received, 0% packet loss'
seen_far
counted "the other end saw three IPv4 requests" 3 "$work/far.txt" '10\.99\.0\.1 > 10\.99\.0\.2: ICMP echo request'
counted "the other end saw three IPv6 requests" 3 "$work/far.txt" 'fd99::1 > fd99::2: ICMP6, echo request'
audited "the audit names the rule" '"echo"'
through "$work/bin/ping" -4 -c 1 -W 2 10.99.0.2 >/dev/null 2>&1 || fail "ping works a second time"

stop_sockd
refused "without a broker the kernel's own refusal is back" "$cannot" \
	through "$work/bin/ping" -4 -c 1 -W 2 10.99.0.2
