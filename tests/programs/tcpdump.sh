#!/bin/bash
# tcpdump: a live capture with libpcap's memory-mapped ring, and its own way of giving up privileges.
. "$(dirname "$0")/../lib.sh"
begin tcpdump ping
copy_program tcpdump

policy <<'JSON'
{
  "rules": [
    {
      "name": "capture",
      "peers": { "uid": 65534 },
      "family": "packet", "type": ["raw", "dgram"]
    }
  ]
}
JSON

refused "tcpdump needs sockd" 'permission to (capture|perform)|not permitted' \
	without "$work/bin/tcpdump" -i eth0 -c 1 -n

start_sockd

# capture NAME OPTION...: what it wrote must hold the four requests and the four answers.
capture() {
	local name=$1
	shift
	through_exec "$work/bin/tcpdump" -i eth0 -n -U --immediate-mode -c 8 -w "$work/home/$name.pcap" "$@" icmp \
		>"$work/$name.log" 2>&1 &
	remember
	wait_for 10 grep -q 'listening on' "$work/$name.log" || {
		cat "$work/$name.log"
		fail "$name: tcpdump listens"
		return
	}
	in_near ping -c 4 -i 0.2 -W 2 10.99.0.2 >/dev/null || die "the root user's ping works"
	if ! wait_for 10 sh -c "! kill -0 $! 2>/dev/null"; then
		cat "$work/$name.log"
		fail "$name: tcpdump ends after eight packets"
		return
	fi
	tcpdump -n -r "$work/home/$name.pcap" >"$work/$name.txt" 2>/dev/null
	counted "$name: four requests captured" 4 "$work/$name.txt" '10\.99\.0\.1 > 10\.99\.0\.2: ICMP echo request'
	counted "$name: four answers captured" 4 "$work/$name.txt" '10\.99\.0\.2 > 10\.99\.0\.1: ICMP echo reply'
	contains "$name: the kernel dropped nothing" "$work/$name.log" '^0 packets dropped by kernel'
}

capture plain
capture with-Z -Z nobody
capture not-promiscuous -p
capture any-interface -i any
