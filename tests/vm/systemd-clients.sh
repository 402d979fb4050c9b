#!/bin/bash
# Services that may open nothing but AF_UNIX, in a network of their own and without capabilities, read a CAN bus and
# ping through sockd; a tenant and a container reach it by their own listener and by nothing else.
. "$(dirname "$0")/units.sh"
begin_systemd python3 ping ip candump bwrap
library=${preload%/*}/libsockd.so.0
copy_program ping candump
modprobe vcan 2>/dev/null
ip link add vcan0 type vcan && ip link set vcan0 up || skip_all "the kernel has no vcan"
ip link add outside type dummy 2>/dev/null || { modprobe dummy && ip link add outside type dummy; } || die "make an interface"
ip address add 10.99.0.1/24 dev outside && ip link set outside up

policy <<'JSON'
{ "rules": [
  { "name": "bus", "peers": "any", "unit": "reader*.service", "family": "can", "type": "raw", "netns": "broker" },
  { "name": "echo", "peers": "any", "unit": "reader*.service", "family": "inet", "type": ["raw", "dgram"],
    "protocol": ["icmp", "udp"], "netns": "broker" },
  { "name": "tenant", "peers": "any", "listener": "blue", "family": "inet", "type": "raw", "protocol": ["icmp", 47],
    "netns": "broker" },
  { "name": "others", "peers": "any", "listener": "default", "family": "inet", "type": "raw", "protocol": "igmp", "netns": "broker" }
] }
JSON

# As a unit would be written.
reader() {
	local name=$1
	shift
	systemd-run --quiet --wait --pipe --collect --unit="$name" -p DynamicUser=yes -p CapabilityBoundingSet= \
		-p RestrictAddressFamilies=AF_UNIX -p PrivateNetwork=yes -p NoNewPrivileges=yes "$@"
}
with=(-E "LD_PRELOAD=$preload")

send_frames() {
	python3 - <<'PYTHON'
import socket, struct, time

s = socket.socket(socket.AF_CAN, socket.SOCK_RAW, socket.CAN_RAW)
s.bind(("vcan0",))
for i in range(600):
    s.send(struct.pack("=IB3x8s", 0x123, 4, b"\x11\x22\x33" + bytes([i & 255])))
    time.sleep(0.1)
PYTHON
}
send_frames 2>/dev/null &
remember

refused "without sockd such a service has no CAN bus" 'Address family not supported' \
	reader plain "$work/bin/candump" -n 1 -T 5000 vcan0
reader reader-can "${with[@]}" timeout 50 "$work/bin/candump" -n 2 vcan0 >"$work/can" 2>&1
cat "$work/can"
contains "with it candump reads vcan0, by the preload" "$work/can" 'vcan0 +123 +\[4\] +11 22 33'
refused "a service that no rule names has none" 'Address family not supported' \
	reader stranger "${with[@]}" "$work/bin/candump" -n 1 -T 5000 vcan0

cat >"$work/library.py" <<'PYTHON'
import ctypes, socket, struct, sys

sockd = ctypes.CDLL(sys.argv[1], use_errno=True)
sockd.sockd_reason.restype = ctypes.c_char_p

def given(family, kind, protocol):
    fd = sockd.sockd_socket(family, kind, protocol)
    if fd < 0:
        raise SystemExit("errno %d: %s" % (ctypes.get_errno(), sockd.sockd_reason().decode()))
    return socket.socket(family, kind, protocol, fileno=fd)

bus = given(socket.AF_CAN, socket.SOCK_RAW, socket.CAN_RAW)
bus.bind(("vcan0",))
bus.settimeout(50)
print("frame %x" % struct.unpack("=I", bus.recv(16)[:4]))
echo = given(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)
echo.settimeout(50)
echo.sendto(struct.pack("!BBHHH", 8, 0, 0xF7FF - 7, 0, 7), ("10.99.0.1", 0))
while True:
    packet = echo.recv(2048)
    if packet[20] == 0 and packet[26:28] == b"\0\7":
        print("echo of", socket.inet_ntoa(packet[12:16]))
        break
PYTHON
reader reader-library python3 "$work/library.py" "$library" >"$work/library" 2>&1
cat "$work/library"
contains "a program of its own reads vcan0, by the library" "$work/library" '^frame 123$'
contains "and has its echo" "$work/library" '^echo of 10.99.0.1$'

refused "without sockd such a service cannot ping" 'Address family not supported|Operation not permitted' \
	reader plain "$work/bin/ping" -c 1 -W 5 10.99.0.1
reader reader-ping "${with[@]}" "$work/bin/ping" -c 2 -W 10 10.99.0.1 >"$work/ping" 2>&1
cat "$work/ping"
contains "with it ping reaches what its own network has not" "$work/ping" ' 2 received'

# A tenant's listener, added while sockd runs.
mkdir -p /run/systemd/system
systemctl enable -q --runtime sockd@blue.socket
expect "a restart takes up a new listener" systemctl restart sockd.service
expect "it listens" systemctl -q is-active sockd@blue.socket
expect "and the others still do" systemctl -q is-active sockd.socket
refused "who is not the tenant cannot reach it" 'Permission denied' \
	service intruder -- env SOCKD_SOCKET=/run/sockd/tenants/blue "${raw_icmp[@]}"
expect "a service that is given the listener has what its rules say" \
	reader tenant -p BindPaths=/run/sockd/tenants/blue:/run/sockd/socket "${raw_icmp[@]}"
refused "and nothing of what is said of others" 'another listener, such as blue' \
	service intruder -- sockctl open inet raw 47

# A container: no /run of the host, no network; one file is its broker.
container() {
	service container -- bwrap --unshare-all --die-with-parent --ro-bind /usr /usr --symlink usr/lib /lib \
		--symlink usr/lib64 /lib64 --symlink usr/bin /bin --ro-bind "$work" "$work" --proc /proc --dev /dev \
		--tmpfs /run "$@"
}
systemctl stop sockd.service
chmod 711 /run/sockd/tenants # so that bwrap, which is nobody, can bind what is in it
expect "a container with its listener alone has its socket" \
	container --bind /run/sockd/tenants/blue /run/sockd/socket "${raw_icmp[@]}"
expect "it sees nothing else of sockd" \
	test "$(container --bind /run/sockd/tenants/blue /run/sockd/socket ls -A /run /run/sockd | tr '\n' ' ')" = "/run: sockd  /run/sockd: socket "
refused "without its listener it has none" 'No such file' container "${raw_icmp[@]}"
container --bind /run/sockd/tenants/blue /run/sockd/socket --setenv LD_PRELOAD "$preload" \
	"$work/bin/ping" -I 10.99.0.1 -c 1 -W 10 10.99.0.1 >"$work/container" 2>&1
cat "$work/container"
contains "ping works in it, by the preload" "$work/container" ' 1 received'
refused "the rules of other listeners are not its" 'another listener, such as default' \
	container --bind /run/sockd/tenants/blue /run/sockd/socket sockctl open inet raw igmp

systemctl disable -q --runtime --now sockd@blue.socket
expect "a listener that is stopped is gone" test ! -e /run/sockd/tenants/blue
ip link delete vcan0
ip link delete outside
