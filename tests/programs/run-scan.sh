#!/bin/bash
# nmap -sS: raw sockets, packet sockets and netlink in one program, one that looks at its uid before it tries.
. "$(dirname "$0")/../lib.sh"
begin nmap tcpdump /usr/bin/python3
copy_program nmap

policy <<'JSON'
{
  "rules": [
    {
      "name": "raw",
      "peers": { "uid": 65534 },
      "family": "inet", "type": "raw", "protocol": ["raw", "icmp"]
    },
    {
      "name": "frames",
      "peers": { "uid": 65534 },
      "family": "packet", "type": ["raw", "dgram"]
    }
  ]
}
JSON

cat >"$work/serve.py" <<'PYTHON'
import socket, time
held = [socket.create_server(("10.99.0.2", port)) for port in (22, 8080)]
time.sleep(120)
PYTHON
in_far_exec /usr/bin/python3 "$work/serve.py" &
remember
wait_for 10 in_far sh -c "ss -Hltn 'sport = :8080' | grep -q ." || die "the other end listens"
scan=("$work/bin/nmap" -n -sS --send-eth -p 21,22,8080 --max-retries 1 10.99.0.2)
cannot='requires root privileges|not permitted|dnet: Failed|Operation not permitted'
refused "nmap -sS needs root's rights" "$cannot" without "${scan[@]}"
refused "nmap -sS that believes in them needs sockd" "$cannot" without "${scan[@]}" --privileged

start_sockd
# found NAME: the ports are as they are.
found() {
	contains "$1: an open port" "$work/nmap" '^8080/tcp +open'
	contains "$1: another" "$work/nmap" '^22/tcp +open'
	contains "$1: a closed port" "$work/nmap" '^21/tcp +closed'
}
watch_far 'tcp'
run --mode=seccomp -- timeout 60 "${scan[@]}" --privileged >"$work/nmap" 2>&1
found "nmap --privileged"
seen_far
contains "the other end saw a SYN" "$work/far.txt" '10\.99\.0\.1\.[0-9]+ > 10\.99\.0\.2\.8080: Flags \[S\]'
contains "and no connection: it was torn down" "$work/far.txt" '10\.99\.0\.1\.[0-9]+ > 10\.99\.0\.2\.8080: Flags \[R\]'
if user_namespaces "sockd-run --map-root nmap"; then
	run --mode=seccomp --map-root -- timeout 60 "${scan[@]}" >"$work/nmap" 2>&1
	found "sockd-run --map-root nmap"
	run --mode=seccomp --map-root -- timeout 60 "$work/bin/nmap" -n -sS --send-ip -p 21,22,8080 --max-retries 1 \
		10.99.0.2 >"$work/nmap" 2>&1
	found "nmap by raw IP"
fi
# It says so and goes on without an answer, exit status 0 and all.
run --mode=seccomp -- timeout 60 "$work/bin/nmap" -6 -n -sS --send-ip --privileged -p 22 fd99::2 >"$work/nmap" 2>&1
contains "nmap over IPv6, which no rule names, has the kernel's error" "$work/nmap" 'socket: Operation not permitted'
counted "and finds nothing" 0 "$work/nmap" '^22/tcp'
