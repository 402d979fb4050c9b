#!/bin/bash
# Static programs: one of musl that makes its system calls itself, with and without descriptors, one of 32 bits, one
# that asks for an io_uring, and busybox with its own ping, web server and ip.
. "$(dirname "$0")/../lib.sh"
begin musl-gcc gcc tcpdump
samples=$SOCKD_SOURCE/tests/samples

policy <<'JSON'
{
  "rules": [
    {
      "name": "web",
      "peers": { "uid": 65534 },
      "family": ["inet", "inet6"], "type": "stream", "protocol": "tcp", "ports": [80, 90]
    },
    {
      "name": "echo",
      "peers": { "uid": 65534 },
      "family": "inet", "type": "raw", "protocol": "icmp"
    },
    {
      "name": "mark",
      "peers": { "uid": 65534 },
      "family": "inet", "type": "dgram", "protocol": "udp", "options": { "SO_MARK": 7 }
    },
    {
      "name": "frames",
      "peers": { "uid": 65534 },
      "family": "packet", "type": ["raw", "dgram"]
    },
    {
      "name": "own-link",
      "peers": { "uid": 65534 },
      "family": "netlink", "protocol": "route",
      "messages": ["RTM_NEWLINK", "RTM_NEWADDR"], "interfaces": ["test0"]
    }
  ]
}
JSON

for name in direct uring; do
	musl-gcc -static -O2 -o "$work/bin/$name" "$samples/$name.c" || die "$name.c compiles"
done

fetch() {
	in_far /usr/bin/python3 -c '
import sys, urllib.request
opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
sys.stdout.write(opener.open(sys.argv[1], timeout=10).read().decode())' "$1"
}

by_run() {
	run --mode=seccomp -- "$@"
}

refused "a raw socket needs sockd" 'socket: Operation not permitted' without "$work/bin/direct" echo 10.99.0.2
refused "port 80 needs sockd" 'bind: Permission denied' without "$work/bin/direct" serve 80
refused "SO_MARK needs sockd" 'setsockopt: Operation not permitted' without "$work/bin/direct" mark 7

start_sockd
watch_far icmp
by_run "$work/bin/direct" echo 10.99.0.2 >"$work/direct.log" 2>&1
contains "direct calls: a raw socket" "$work/direct.log" '^answered 10\.99\.0\.2 on descriptor 3$'
expect "one that has closed every descriptor" \
	by_run "$work/bin/direct" closed "$work/home/said" echo 10.99.0.2
contains "its socket has the lowest number that is free" "$work/home/said" '^answered 10\.99\.0\.2 on descriptor 0$'
seen_far
counted "the other end saw their two echoes" 2 "$work/far.txt" '10\.99\.0\.1 > 10\.99\.0\.2: ICMP echo request'

for how in '' "closed $work/home/said"; do
	# shellcheck disable=SC2086
	run_exec --mode=seccomp -- "$work/bin/direct" $how serve 80 >"$work/direct.log" 2>&1 &
	remember
	wait_for 10 listens t 80 || { cat "$work/direct.log"; fail "direct calls: it listens"; }
	expect "direct calls${how:+, all closed}: port 80" [ "$(fetch http://10.99.0.1/)" = 'served by direct calls' ]
	wait "$!"
done
by_run "$work/bin/direct" mark 7 >"$work/direct.log" 2>&1
contains "direct calls: SO_MARK" "$work/direct.log" '^the mark is 7$'
refused "a port that no rule names stays refused" 'bind: Permission denied' by_run "$work/bin/direct" serve 81
refused "a mark that the rule does not name stays refused" 'setsockopt: Operation not permitted' \
	by_run "$work/bin/direct" mark 8

# Of 32 bits: each call is handled or refused as by the kernel, whichever way in it takes (x86 has two).
case $(uname -m) in
aarch64) bits32=(arm-linux-gnueabihf-gcc -mcpu=cortex-a15) kinds=('') ;;
*) bits32=(gcc -m32 -march=i686) kinds=('' 'socketcall ') ;;
esac
if "${bits32[@]}" -static -nostdlib -ffreestanding -fno-stack-protector -fno-pie -no-pie -O2 \
	-o "$work/bin/bits32" "$samples/bits32.c" >"$work/compile.log" 2>&1 && in_near "$work/bin/bits32" >"$work/root" 2>&1; then
	counted "32 bits: all is root's" 0 "$work/root" error
	without "$work/bin/bits32" >"$work/without" 2>&1
	by_run "$work/bin/bits32" >"$work/bits32" 2>&1
	cat "$work/bits32"
	counted "32 bits: every call comes back" "$(wc -l <"$work/root")" "$work/bits32" ': (ok|error [0-9]+)$'
	for call in 'socket tcp' "${kinds[@]/%/bind any}"; do
		contains "32 bits: $call, which needs no sockd" "$work/bits32" "^$call: ok$"
	done
	for kind in "${kinds[@]}"; do
		name=${kind:-socket }
		contains "32 bits: ${name}unix, which needs no sockd" "$work/bits32" "^${name}unix: ok$"
		contains "32 bits: ${name}raw, which sockd gives" "$work/bits32" "^${name}raw: ok$"
	done
	contains "32 bits: bind low, which sockd does" "$work/bits32" '^bind low: ok$'
	contains "32 bits: setsockopt mark of datagrams, too" "$work/bits32" '^setsockopt mark of datagrams: ok$'
	counted "32 bits: setsockopt mark, which no rule allows" 1 "$work/bits32" '^setsockopt mark: error'
	counted "32 bits: without sockd none of these" 3 "$work/without" \
		'^(socket raw|bind low|setsockopt mark of datagrams): error'
	if [ ${#kinds[@]} -gt 1 ]; then
		contains "32 bits: socketcall udp, which needs no sockd" "$work/bits32" '^socketcall udp: ok$'
		counted "32 bits: socketcall bind low, which no rule allows" 1 "$work/bits32" '^socketcall bind low: error'
	fi
else
	cat "$work/compile.log"
	echo "SKIP 32 bits: the kernel has no way to run such programs, or gcc none to make them"
fi

# What goes round every filter.
without "$work/bin/uring" >"$work/uring" 2>&1
if grep -q 'descriptor' "$work/uring"; then
	refused "io_uring is refused as if there were none" 'Function not implemented' by_run "$work/bin/uring"
	run --mode=seccomp --allow-io-uring -- "$work/bin/uring" >"$work/uring" 2>&1
	contains "io_uring, where it is allowed" "$work/uring" '^io_uring: descriptor [0-9]+$'
else
	echo "SKIP io_uring: the kernel has no io_uring for ordinary users"
fi

# busybox: many programs in one static file.
if command -v busybox >/dev/null; then
	copy_program busybox
	refused "busybox: ping needs sockd" 'denied|not permitted' without "$work/bin/busybox" ping -c 1 -W 2 10.99.0.2
	by_run "$work/bin/busybox" ping -c 2 -W 2 10.99.0.2 >"$work/ping" 2>&1
	contains "busybox: ping" "$work/ping" '2 packets received'
	by_run "$work/bin/busybox" arping -c 1 -w 3 -I eth0 10.99.0.2 >"$work/arping" 2>&1
	contains "busybox: arping" "$work/arping" 'Received 1 (reply|response)'
	mkdir -p "$work/html"
	echo 'served by busybox' >"$work/html/index.html"
	run_exec --mode=seccomp -- "$work/bin/busybox" httpd -f -p 80 -h "$work/html" >"$work/httpd.log" 2>&1 &
	httpd=$!
	remember
	wait_for 10 listens t 80 || cat "$work/httpd.log"
	expect "busybox: httpd" [ "$(fetch http://10.99.0.1/)" = 'served by busybox' ]
	end_child "$httpd"
	refused "busybox: ip needs sockd" 'not permitted' without "$work/bin/busybox" ip link add test0 type bridge
	expect "busybox: ip link add" by_run "$work/bin/busybox" ip link add test0 type bridge
	expect "busybox: ip address add" by_run "$work/bin/busybox" ip address add 10.97.0.1/24 dev test0
	ip -n "$near" -o address show dev test0 >"$work/addresses" 2>&1
	contains "the interface has its address" "$work/addresses" 'inet 10\.97\.0\.1/24'
	refused "busybox: ip, on another interface" 'not permitted' by_run "$work/bin/busybox" ip link add other0 type bridge
else
	echo "SKIP busybox: the program busybox is not installed"
fi
expect "the supervisors are gone with their programs" wait_for 5 no_runners
