#!/bin/bash
# arping: a packet socket that speaks ARP. There are two of this name, with words of their own.
. "$(dirname "$0")/../lib.sh"
begin arping tcpdump
copy_program arping

policy <<'JSON'
{
  "rules": [
    {
      "name": "arp",
      "peers": { "uid": 65534 },
      "family": "packet", "type": ["dgram", "raw"]
    }
  ]
}
JSON

refused "arping needs sockd" 'not permitted|Permission denied|CAP_NET_RAW required' without "$work/bin/arping" -c 1 -w 2 -I eth0 10.99.0.2

start_sockd
watch_far arp
through "$work/bin/arping" -c 2 -w 5 -I eth0 10.99.0.2 >"$work/arping" 2>&1
mac=$(ip -n "$far" -br link show eth0 | awk '{ print $3 }')
contains "the answer names the other end's hardware address" "$work/arping" \
	"(reply from 10\.99\.0\.2 \[${mac^^}\]|from $mac \(10\.99\.0\.2\))"
contains "both were answered" "$work/arping" 'Received 2 response|2 packets received'
seen_far
counted "the other end saw two requests" 2 "$work/far.txt" 'Request who-has 10\.99\.0\.2 .*tell 10\.99\.0\.1'
