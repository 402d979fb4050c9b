#!/bin/bash
# fping, mtr and arp-scan: raw sockets of IPv4 and IPv6, in a helper process of its own, and libpcap
# that sends frames.
. "$(dirname "$0")/../lib.sh"
begin fping mtr arp-scan tcpdump
copy_program fping mtr mtr-packet arp-scan

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
    },
    {
      "name": "raw",
      "peers": { "uid": 65534 },
      "family": ["inet", "inet6"], "type": "raw", "protocol": ["raw", "udp"],
      "options": { "SO_MARK": 5 }
    },
    {
      "name": "frames",
      "peers": { "uid": 65534 },
      "family": "packet", "type": "raw"
    }
  ]
}
JSON

export MTR_PACKET=$work/bin/mtr-packet
cannot="not permitted|must run as root|Permission denied|permission to"
refused "fping needs sockd" "$cannot" without "$work/bin/fping" -c 1 10.99.0.2
refused "mtr needs sockd" "$cannot" without "$work/bin/mtr" -n -r -c 1 -G 1 -Z 1 10.99.0.2
# Some releases are killed by the C library's check for overflows, whoever calls them.
mtr_crashes=
in_near "$work/bin/mtr" -n -r -c 1 -G 1 -Z 1 127.0.0.1 >/dev/null 2>&1
if [ $? -ge 128 ]; then
	mtr_crashes=yes
	echo "SKIP mtr: the program crashes by itself, without sockd"
fi
refused "arp-scan needs sockd" "$cannot" without "$work/bin/arp-scan" -I eth0 10.99.0.2

start_sockd
watch_far 'arp or icmp or icmp6 or udp'
through "$work/bin/fping" -c 2 -p 50 10.99.0.2 >"$work/fping" 2>&1
contains "fping has its answers" "$work/fping" 'xmt/rcv/%loss = 2/2/0%'
through "$work/bin/fping" -c 1 -g 10.99.0.1 10.99.0.2 >"$work/fping" 2>&1
contains "fping reaches several hosts" "$work/fping" '10\.99\.0\.2 : xmt/rcv/%loss = 1/1/0%'
if [ -z "$mtr_crashes" ]; then
	through "$work/bin/mtr" -n -r -c 1 -G 1 -Z 1 10.99.0.2 >"$work/mtr" 2>&1
	contains "mtr by ICMP" "$work/mtr" '1\.\|-- 10\.99\.0\.2 +0\.0%'
	through "$work/bin/mtr" -n -6 -r -c 1 -G 1 -Z 1 fd99::2 >"$work/mtr" 2>&1
	contains "mtr by ICMPv6" "$work/mtr" '1\.\|-- fd99::2 +0\.0%'
	through "$work/bin/mtr" -n -u -r -c 1 -G 1 -Z 1 10.99.0.2 >"$work/mtr" 2>&1
	contains "mtr by UDP" "$work/mtr" '1\.\|-- 10\.99\.0\.2 +0\.0%'
fi
through "$work/bin/arp-scan" -I eth0 10.99.0.2 >"$work/arp" 2>&1
contains "arp-scan finds the other end" "$work/arp" '1 responded'
seen_far
contains "the other end saw the echoes" "$work/far.txt" '10\.99\.0\.1 > 10\.99\.0\.2: ICMP echo request'
[ -n "$mtr_crashes" ] ||
	contains "the other end saw mtr's datagrams" "$work/far.txt" '10\.99\.0\.1\.[0-9]+ > 10\.99\.0\.2\.[0-9]+: UDP'
contains "the other end saw the ARP request" "$work/far.txt" 'Request who-has 10\.99\.0\.2 .*tell 10\.99\.0\.1'
