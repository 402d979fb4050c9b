#!/bin/bash
# dnsmasq on port 53, UDP and TCP.
. "$(dirname "$0")/../lib.sh"
begin dnsmasq
copy_program dnsmasq
prefer_plain_preload "$work/bin/dnsmasq" --version

policy <<'JSON'
{
  "rules": [
    {
      "name": "dns",
      "peers": { "uid": 65534 },
      "family": ["inet", "inet6"], "type": ["stream", "dgram"], "ports": [53]
    }
  ]
}
JSON

# ask udp|tcp: prints the address in the answer to "host.test. A".
ask() {
	in_far /usr/bin/python3 - "$1" <<'PYTHON'
import socket, struct, sys

query = struct.pack("!6H", 4711, 0x0100, 1, 0, 0, 0) + b"\4host\4test\0" + struct.pack("!2H", 1, 1)
if sys.argv[1] == "udp":
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.settimeout(5)
        s.sendto(query, ("10.99.0.1", 53))
        answer = s.recv(512)
else:
    with socket.create_connection(("10.99.0.1", 53), timeout=5) as s:
        s.sendall(struct.pack("!H", len(query)) + query)
        f = s.makefile("rb")
        answer = f.read(struct.unpack("!H", f.read(2))[0])
assert answer[:2] == query[:2] and answer[3] & 15 == 0, answer
print(socket.inet_ntoa(answer[-4:]))
PYTHON
}

options=(--keep-in-foreground --conf-file=/dev/null --pid-file= --no-resolv --no-hosts --no-daemon
	--address=/host.test/10.1.2.3 --interface=eth0 --bind-interfaces)
refused "dnsmasq needs sockd" 'Permission denied' without timeout 10 "$work/bin/dnsmasq" "${options[@]}"

start_sockd
through_exec "$work/bin/dnsmasq" "${options[@]}" >"$work/dnsmasq.log" 2>&1 &
remember
wait_for 10 listens u 53 || { cat "$work/dnsmasq.log"; fail "dnsmasq listens"; }
expect "an answer over UDP" [ "$(ask udp)" = 10.1.2.3 ]
expect "an answer over TCP" [ "$(ask tcp)" = 10.1.2.3 ]
