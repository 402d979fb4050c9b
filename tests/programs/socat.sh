#!/bin/bash
# socat on ports under 1024: the broker binds the program's own sockets.
. "$(dirname "$0")/../lib.sh"
begin socat
copy_program socat

policy <<'JSON'
{
  "rules": [
    {
      "name": "web",
      "peers": { "uid": 65534 },
      "family": ["inet", "inet6"], "type": "stream", "ports": [80]
    },
    {
      "name": "dns",
      "peers": { "uid": 65534 },
      "family": ["inet", "inet6"], "type": "dgram", "ports": [53]
    }
  ]
}
JSON

refused "TCP port 80 needs sockd" 'Permission denied' without "$work/bin/socat" TCP-LISTEN:80 -
refused "UDP port 53 needs sockd" 'Permission denied' without "$work/bin/socat" UDP4-LISTEN:53 -

start_sockd

through_exec "$work/bin/socat" TCP-LISTEN:80,reuseaddr PIPE >"$work/tcp.log" 2>&1 &
remember
wait_for 10 listens t 80 || { cat "$work/tcp.log"; fail "socat listens on TCP port 80"; }
answer=$(echo "over TCP" | in_far timeout 10 socat -t 2 - TCP:10.99.0.1:80 2>&1)
expect "TCP port 80 answers: '$answer'" [ "$answer" = "over TCP" ]

through_exec "$work/bin/socat" TCP6-LISTEN:80,reuseaddr PIPE >"$work/tcp6.log" 2>&1 &
remember
wait_for 10 listens t 80 || { cat "$work/tcp6.log"; fail "socat listens on TCP port 80, IPv6"; }
answer=$(echo "over IPv6" | in_far timeout 10 socat -t 2 - 'TCP6:[fd99::1]:80' 2>&1)
expect "TCP port 80 answers over IPv6: '$answer'" [ "$answer" = "over IPv6" ]

through_exec "$work/bin/socat" UDP4-LISTEN:53,reuseaddr PIPE >"$work/udp.log" 2>&1 &
remember
wait_for 10 listens u 53 || { cat "$work/udp.log"; fail "socat listens on UDP port 53"; }
answer=$(echo "over UDP" | in_far timeout 10 socat -t 2 - UDP4:10.99.0.1:53 2>&1)
expect "UDP port 53 answers: '$answer'" [ "$answer" = "over UDP" ]

refused "a port that no rule names stays refused" 'Permission denied' \
	through timeout 10 "$work/bin/socat" TCP-LISTEN:81 -
refused "a protocol that the rule does not name stays refused" 'Permission denied' \
	through timeout 10 "$work/bin/socat" UDP4-LISTEN:80 -
