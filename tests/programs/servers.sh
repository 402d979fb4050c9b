#!/bin/bash
# haproxy and unbound on their own ports: options that need a right, a low source port, many threads.
. "$(dirname "$0")/../lib.sh"
begin haproxy unbound /usr/bin/python3
copy_program haproxy unbound
# Some releases of haproxy insist on coming back to where they were started.
cd "$work" || exit 1

policy <<'JSON'
{
  "rules": [
    {
      "name": "web",
      "peers": { "uid": 65534 },
      "family": ["inet", "inet6"], "type": "stream", "protocol": "tcp", "ports": [80, 53, 900]
    },
    {
      "name": "dns",
      "peers": { "uid": 65534 },
      "family": ["inet", "inet6"], "type": "dgram", "protocol": "udp", "ports": [53]
    },
    {
      "name": "options",
      "peers": { "uid": 65534 },
      "family": ["inet", "inet6"], "type": ["stream", "dgram"],
      "options": { "IP_TRANSPARENT": 1, "IPV6_TRANSPARENT": 1,
        "SO_RCVBUFFORCE": "0-8388608", "SO_SNDBUFFORCE": "0-8388608" }
    }
  ]
}
JSON

cat >"$work/haproxy.cfg" <<'CONF'
global
	maxconn 100
defaults
	mode http
	timeout connect 2s
	timeout client 5s
	timeout server 5s
frontend front
	bind 0.0.0.0:80 interface eth0
	default_backend back
frontend front6
	bind :::80 v6only
	default_backend plain
backend back
	server other 10.99.0.2:8080 source 10.99.0.1:900
backend plain
	server other 10.99.0.2:8080
CONF
cat >"$work/unbound.conf" <<CONF
server:
	interface: 0.0.0.0
	interface: ::0
	username: ""
	chroot: ""
	directory: "$work/home"
	pidfile: "$work/home/unbound.pid"
	use-syslog: no
	num-threads: 2
	so-reuseport: yes
	so-rcvbuf: 4m
	ip-transparent: yes
	access-control: 10.99.0.0/24 allow
	local-data: "name.test. A 192.0.2.7"
remote-control:
	control-enable: no
CONF
cat >"$work/back.py" <<'PYTHON'
import http.server

class Answer(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"asked from port %d\n" % self.client_address[1])

http.server.HTTPServer(("10.99.0.2", 8080), Answer).serve_forever()
PYTHON
cat >"$work/ask.py" <<'PYTHON'
import socket, struct, sys

query = struct.pack("!6H", 7, 0x100, 1, 0, 0, 0) + b"\4name\4test\0" + struct.pack("!2H", 1, 1)
if sys.argv[1] == "udp":
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.settimeout(5)
    s.sendto(query, ("10.99.0.1", 53))
    answer = s.recv(512)
else:
    s = socket.create_connection(("10.99.0.1", 53), 5)
    s.sendall(struct.pack("!H", len(query)) + query)
    answer = s.recv(514)
print("answer:", ".".join(str(byte) for byte in answer[-4:]))
PYTHON

fetch() {
	in_far /usr/bin/python3 -c '
import sys, urllib.request
opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
sys.stdout.write(opener.open(sys.argv[1], timeout=5).read().decode())' "$1"
}

refused "haproxy needs sockd" 'Permission denied' without timeout 5 "$work/bin/haproxy" -db -f "$work/haproxy.cfg"
refused "unbound needs sockd" 'Permission denied' without timeout 5 "$work/bin/unbound" -d -c "$work/unbound.conf"

start_sockd
in_far_exec /usr/bin/python3 "$work/back.py" >"$work/back.log" 2>&1 &
remember
through_exec "$work/bin/haproxy" -db -f "$work/haproxy.cfg" >"$work/haproxy.log" 2>&1 &
remember
wait_for 10 listens t 80 || { cat "$work/haproxy.log"; die "haproxy listens on port 80"; }
fetched() {
	fetch http://10.99.0.1/ >"$work/fetched" 2>&1
}
wait_for 10 fetched
contains "haproxy serves, and asks from its low port" "$work/fetched" '^asked from port 900$'
fetch 'http://[fd99::1]/' >"$work/fetched6" 2>&1
contains "haproxy serves IPv6" "$work/fetched6" '^asked from port [0-9]{4,}$'

through_exec "$work/bin/unbound" -d -c "$work/unbound.conf" >"$work/unbound.log" 2>&1 &
remember
wait_for 10 listens u 53 || { cat "$work/unbound.log"; die "unbound listens on port 53"; }
in_far /usr/bin/python3 "$work/ask.py" udp >"$work/answer" 2>&1
contains "unbound answers by UDP" "$work/answer" '^answer: 192\.0\.2\.7$'
in_far /usr/bin/python3 "$work/ask.py" tcp >"$work/answer" 2>&1
contains "unbound answers by TCP" "$work/answer" '^answer: 192\.0\.2\.7$'
in_near ss -Hlnum 'sport = :53' >"$work/sockets"
contains "its buffer is as large as it asked for" "$work/sockets" 'rb8388608'
counted "it complained of nothing" 0 "$work/unbound.log" 'denied|not permitted'
