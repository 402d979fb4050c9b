#!/bin/bash
# python3 with a raw ICMP and a packet socket: sends, receives, and is held to its rule.
. "$(dirname "$0")/../lib.sh"
begin /usr/bin/python3 tcpdump
cp -L --no-preserve=all /usr/bin/python3 "$work/bin/python3" && chmod 755 "$work/bin/python3"

policy <<'JSON'
{
  "rules": [
    {
      "name": "icmp",
      "peers": { "uid": 65534 },
      "family": "inet", "type": "raw", "protocol": "icmp"
    },
    {
      "name": "frames",
      "peers": { "uid": 65534 },
      "family": "packet", "type": "raw", "options": { "SO_MARK": [7] }
    }
  ]
}
JSON

cat >"$work/icmp.py" <<'PYTHON'
import os, socket, struct

def checksum(data):
    total = sum(struct.unpack("!%dH" % (len(data) // 2), data))
    total = (total >> 16) + (total & 0xffff)
    return ~(total + (total >> 16)) & 0xffff

payload = b"sockd-raw-icmp-payload.."
header = struct.pack("!BBHHH", 8, 0, 0, os.getpid() & 0xffff, 1)
echo = struct.pack("!BBHHH", 8, 0, checksum(header + payload), os.getpid() & 0xffff, 1) + payload
s = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)
assert not s.get_inheritable()
s.settimeout(5)
s.sendto(echo, ("10.99.0.2", 0))
while True:
    packet, sender = s.recvfrom(2048)
    icmp = packet[(packet[0] & 15) * 4:]
    if icmp[0] == 0 and icmp[8:] == payload:
        break
print("echo reply from", sender[0])
try:
    socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)
    print("raw protocol 255 was given")
except PermissionError as e:
    print("raw protocol 255:", e)
PYTHON
cat >"$work/packet.py" <<'PYTHON'
import socket, sys

s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
s.bind(("eth0", 0x88b5))
s.settimeout(5)
frame = b"\xff" * 6 + b"\x02\0\0\0\0\1" + b"\x88\xb5" + b"sockd-packet-socket".ljust(50, b"\0")
s.send(frame)
print("frame sent")
answer, _ = s.recvfrom(2048)
print("frame received:", answer[14:].rstrip(b"\0").decode())
PYTHON
cat >"$work/answer.py" <<'PYTHON'
import socket

s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(0x88b5))
s.bind(("eth0", 0x88b5))
s.settimeout(20)
print("ready", flush=True)
frame, _ = s.recvfrom(2048)
print("got:", frame[14:].rstrip(b"\0").decode(), flush=True)
s.send(b"\xff" * 6 + b"\x02\0\0\0\0\2" + b"\x88\xb5" + b"answer".ljust(50, b"\0"))
PYTHON

refused "a raw socket needs sockd" 'PermissionError' without "$work/bin/python3" "$work/icmp.py"
refused "a packet socket needs sockd" 'PermissionError' without "$work/bin/python3" "$work/packet.py"

start_sockd
through "$work/bin/python3" "$work/icmp.py" >"$work/icmp.log" 2>&1
contains "a raw ICMP socket sends and receives" "$work/icmp.log" 'echo reply from 10\.99\.0\.2'
contains "a raw protocol that no rule names is refused as by the kernel" "$work/icmp.log" \
	'raw protocol 255: \[Errno 1\] Operation not permitted'

in_far_exec /usr/bin/python3 "$work/answer.py" >"$work/answer.log" 2>&1 &
remember
wait_for 10 grep -q ready "$work/answer.log" || die "the other end listens for frames"
through "$work/bin/python3" "$work/packet.py" >"$work/packet.log" 2>&1
contains "a packet socket sends" "$work/answer.log" 'got: sockd-packet-socket'
contains "a packet socket receives" "$work/packet.log" 'frame received: answer'

# Names that the C library has on machines of 32 bits alone.
if [ "$SOCKD_BY" = preload ]; then
	cat >"$work/names64.py" <<'PYTHON'
import ctypes, socket

library = ctypes.CDLL(None)
s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
print("mark:", library["__setsockopt64"](s.fileno(), 1, 36, ctypes.byref(ctypes.c_int(7)), 4), s.getsockopt(1, 36))
print("none:", library["__sendmsg64"](-1, None, 0), library["__sendmmsg64"](-1, None, 0, 0))
PYTHON
	through "$work/bin/python3" "$work/names64.py" >"$work/names64" 2>&1
	contains "an option is set by its name for a time_t of 64 bits" "$work/names64" '^mark: 0 7$'
	contains "and messages have theirs" "$work/names64" '^none: -1 -1$'
fi
