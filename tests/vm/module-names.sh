#!/bin/bash
# A name of an interface that is not there, from a client: sockd may load modules (CAP_NET_ADMIN), the client may not.
. "$(dirname "$0")/can-lib.sh"
begin_can

policy <<'JSON'
{
  "rules": [
    { "name": "capture", "peers": { "uid": 65534 }, "family": "packet" },
    { "name": "bus", "peers": { "uid": 65534 }, "family": "can", "type": "raw", "protocol": "raw", "interfaces": ["vcan0", "canby0"],
      "mark": 9 },
    { "name": "buffers", "peers": { "uid": 65534 }, "family": "inet", "type": "dgram", "protocol": "udp",
      "options": { "SO_RCVBUFFORCE": "any" } }
  ]
}
JSON

# What the kernel asks for goes into a file; what modprobe(8) says of it is no matter here.
cat >"$work/helper" <<SCRIPT
#!/bin/sh
echo "\$@" >>"$work/asked"
SCRIPT
chmod 755 "$work/helper"
: >"$work/asked"
was=$(cat /proc/sys/kernel/modprobe)
echo "$work/helper" >/proc/sys/kernel/modprobe
trap 'echo "$was" >/proc/sys/kernel/modprobe; finish' EXIT

start_sockd
contains "sockd may load modules" "$work/sockd.log" 'cap_net_admin'
ip netns exec "$near" python3 -c 'import socket; socket.if_nametoindex("byroot0")' 2>/dev/null
contains "the kernel asks for a name that is not there" "$work/asked" 'netdev-byroot0'
refused "a packet socket by such a name" 'No such device' \
	asking "$near" 65534 --netns=broker --bind=bypacket0 packet raw -- true
refused "a CAN socket" 'No such device' asking "$near" 65534 --netns=broker --bind=canby0 can raw raw -- true
audited "sockd was asked for the one" '"steps":"bind bypacket0".*"errno":19'
audited "and the other" '"steps":"bind canby0".*"errno":19'
counted "for neither did the kernel look for a module" 0 "$work/asked" 'netdev-(bypacket|canby)'
