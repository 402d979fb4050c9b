#!/bin/bash
# CAN raw sockets: what a rule lets through, on real frames; that it is locked; sending held by a mark.
. "$(dirname "$0")/can-lib.sh"
begin_can candump cansend cangen nft
copy_program candump cansend cangen

policy <<'JSON'
{
  "rules": [
    {
      "name": "engine",
      "peers": { "uid": 65534 },
      "family": "can", "protocol": "raw", "interfaces": "vcan0", "mark": 7,
      "identifiers": ["0x123", "0x200-0x20f", "0x300/0x7f0", "0x18fef100/0x1fffff00", "0x00000055"]
    },
    {
      "name": "listener",
      "peers": { "uid": 65533 },
      "family": "can", "protocol": "raw", "interfaces": "vcan*", "mark": 8, "direction": "receive"
    },
    {
      "name": "speaker",
      "peers": { "uid": 65532 },
      "family": "can", "protocol": "raw", "direction": "send"
    },
    {
      "name": "errors",
      "peers": { "uid": 65531 },
      "family": "can", "protocol": "raw", "interfaces": ["vcan0", "vcan1"], "mark": 7,
      "identifiers": ["0x123", "error"]
    }
  ]
}
JSON

refused "the filter bars CAN" 'not supported' as_user "$near" 65534 /usr/bin/python3 "$work/barred.py" \
	"$work/bin/candump" vcan0
start_sockd
before=$(descriptors)

# An unmodified candump, barred from the family, sees what the rule lets through and nothing else.
frames=(vcan0:123#01 vcan0:124#02 vcan0:200#03 vcan0:20F#04 vcan0:210#05 vcan0:30A#06 vcan0:31A#07
	vcan0:18FEF1AB#08 vcan0:18FEF2AB#09 vcan0:00000123#0A vcan0:00000055#0B vcan0:055#0C vcan0:123#R
	vcan0:123##10D vcan0:124##10E vcan0:18FEF1CD##10F vcan1:123#10 vcan1:18FEF1AB#11 vcan0:123#12)

barred "$near" 65534 "$work/bin/candump" -T 5000 vcan0 >"$work/candump" 2>&1 &
remember
wait_for 20 receiving 1 || fail "candump is bound"
send "${frames[@]}"
wait "$!"
cat "$work/candump"
counted "candump: what is listed arrives" 10 "$work/candump" '^ +vcan0 '
counted "candump: nothing of the other bus" 0 "$work/candump" 'vcan1'
for shown in '123 +\[1\] +01' '200 +\[1\] +03' '20F +\[1\] +04' '30A +\[1\] +06' '18FEF1AB +\[1\] +08' \
	'00000055 +\[1\] +0B' '123 +\[0\] +remote request' '123 +\[01\] +0D' '18FEF1CD +\[01\] +0F' '123 +\[1\] +12'; do
	contains "candump: $shown" "$work/candump" "^ +vcan0 +$shown"
done

# The holder tries to get more: the filter is locked, another bus never arrives.
cat >"$work/hold.py" <<'PYTHON'
from can import *
s = handed()
program = b"\x06\0\0\0\xff\xff\xff\xff"
import ctypes
memory = ctypes.create_string_buffer(program)
attach = struct.pack("HxxxxxxQ" if struct.calcsize("P") == 8 else "HxxI", 1, ctypes.addressof(memory))
said("detach", lambda: s.setsockopt(socket.SOL_SOCKET, SO_DETACH_FILTER, 0))
said("attach", lambda: s.setsockopt(socket.SOL_SOCKET, SO_ATTACH_FILTER, attach))
said("unlock", lambda: s.setsockopt(socket.SOL_SOCKET, SO_LOCK_FILTER, 0))
said("mark", lambda: s.setsockopt(socket.SOL_SOCKET, SO_MARK, 1))
said("device", lambda: s.setsockopt(socket.SOL_SOCKET, SO_BINDTODEVICE, b"vcan1"))
print("has mark", s.getsockopt(socket.SOL_SOCKET, SO_MARK))
said("widen", lambda: s.setsockopt(SOL_CAN_RAW, FILTER, struct.pack("=II", 0, 0)))
said("fd frames", lambda: s.setsockopt(SOL_CAN_RAW, FD_FRAMES, 1))
said("rebind", lambda: s.bind((sys.argv[1],)))
everything(s, 5)
PYTHON
asking "$near" 65534 --netns=broker --bind=vcan0 can raw raw >"$work/opened" 2>&1
contains "sockctl says where a socket is bound" "$work/opened" ', bound to vcan0([,; (]|$)'
asking "$near" 65534 --netns=broker --bind=vcan0 can raw raw -- /usr/bin/python3 "$work/hold.py" vcan1 >"$work/held" 2>&1 &
remember
wait_for 20 grep -q rebind "$work/held" || fail "the holder is bound"
send vcan1:123#01 vcan1:18FEF1AB#02 vcan0:123#03
wait "$!"
cat "$work/held"
for item in detach attach unlock mark; do
	contains "the holder may not $item" "$work/held" "^$item EPERM"
done
contains "the mark is the rule's" "$work/held" '^has mark 7$'
contains "the kernel lets it bind to another bus" "$work/held" '^rebind ok'
counted "and nothing arrives from there" 0 "$work/held" '^got'
asking "$near" 65534 --netns=broker --bind=vcan0 can raw raw -- /usr/bin/python3 "$work/hold.py" '' >"$work/held" 2>&1 &
remember
wait_for 20 grep -q rebind "$work/held" || fail "the holder is bound"
send vcan1:123#01 vcan0:124#02 vcan0:123#03
wait "$!"
cat "$work/held"
counted "bound to all, with a filter for all: one frame of one bus" 1 "$work/held" '^got 123 16 vcan0'
counted "and no other" 1 "$work/held" '^got'

# XL frames, where there are any.
cat >"$work/xl.py" <<'PYTHON'
from can import *
s = handed()
said("xl", lambda: s.setsockopt(SOL_CAN_RAW, XL_FRAMES, 1))

everything(s, 5)
PYTHON
cat >"$work/xl-send.py" <<'PYTHON'
from can import *
s = socket.socket(socket.AF_CAN, socket.SOCK_RAW, socket.CAN_RAW)
said("xl", lambda: s.setsockopt(SOL_CAN_RAW, XL_FRAMES, 1))
s.bind(("vcan0",))
for priority in (0x123, 0x124, 0x18fef1ab & 0x7ff, 0x20f):
    s.send(xl_frame(priority))
PYTHON
ip -n "$near" link set vcan0 down
ip -n "$near" link set vcan0 mtu 2060 2>/dev/null
ip -n "$near" link set vcan0 up
if in_near /usr/bin/python3 "$work/xl-send.py" >"$work/xl" 2>&1 && grep -q '^xl ok' "$work/xl"; then
	asking "$near" 65534 --netns=broker --bind=vcan0 can raw raw -- /usr/bin/python3 "$work/xl.py" >"$work/xl" 2>&1 &
	remember
	wait_for 20 grep -q '^xl' "$work/xl"
	in_near /usr/bin/python3 "$work/xl-send.py"
	wait "$!"
	cat "$work/xl"
	contains "an XL frame of a listed priority arrives" "$work/xl" '^got 123 112'
	contains "and another" "$work/xl" '^got 20f 112'
	counted "and no other" 2 "$work/xl" '^got'
else
	echo "SKIP XL frames: the kernel has no CAN XL"
fi
ip -n "$near" link set vcan0 down
ip -n "$near" link set vcan0 mtu 72
ip -n "$near" link set vcan0 up

# Error frames are frames of another kind: only where the rule lists them.
cat >"$work/errors.py" <<'PYTHON'
from can import *
s = handed()
said("errors", lambda: s.setsockopt(SOL_CAN_RAW, 2, 0x1fffffff))
everything(s, 5)
PYTHON
cat >"$work/errors-send.py" <<'PYTHON'
from can import *
s = socket.socket(socket.AF_CAN, socket.SOCK_RAW, socket.CAN_RAW)
s.bind(("vcan0",))
for identifier in (0x20000040, 0x123, 0x124):
    s.send(frame(identifier))
PYTHON
for uid in 65531 65534; do
	asking "$near" "$uid" --netns=broker --bind=vcan0 can raw raw -- /usr/bin/python3 "$work/errors.py" \
		>"$work/errors.$uid" 2>&1 &
	remember
	wait_for 20 grep -q '^errors' "$work/errors.$uid"
done
in_near /usr/bin/python3 "$work/errors-send.py"
wait_for 10 sh -c "grep -q 'got 123' '$work/errors.65534' && grep -q 'got 123' '$work/errors.65531'"
sleep 0.5
counted "an error frame where it is listed" 1 "$work/errors.65531" '^got 20000040'
counted "none where it is not" 1 "$work/errors.65534" '^got'

# What is sent is held by the mark and a rule of nftables: one identifier on one bus. Before it, the kernel sends all.
cat >"$work/speak.py" <<'PYTHON'
from can import *
s = handed()
index = {}
for name in ("vcan0", "vcan1"):
    request = struct.pack("16sI12x", name.encode(), 0)
    index[name] = struct.unpack("16sI12x", fcntl.ioctl(s, 0x8933, request))[1]
for name in ("vcan0", "vcan1"):
    for identifier in (0x123, 0x124, 0x123 | EFF):
        said("send %s %x" % (name, identifier), lambda: s.sendto(frame(identifier), (name,)))
s.close()
PYTHON
asking "$near" 65534 --netns=broker --bind=vcan0 can raw raw -- /usr/bin/python3 "$work/speak.py" >"$work/spoke" 2>&1
cat "$work/spoke"
counted "without a rule of nftables everything is sent" 6 "$work/spoke" ' ok$'
cat >"$work/egress.nft" <<'NFT'
table netdev can {
	chain vcan0 {
		type filter hook egress device "vcan0" priority filter; policy accept;
		meta mark 7 @nh,0,32 != 0x23010000 counter drop
		meta mark 8 counter drop
	}
	chain vcan1 {
		type filter hook egress device "vcan1" priority filter; policy accept;
		meta mark { 7, 8 } counter drop
	}
}
NFT
in_near nft -f "$work/egress.nft" || die "nftables takes the rules of the manual"
asking "$near" 65534 --netns=broker --bind=vcan0 can raw raw -- /usr/bin/python3 "$work/speak.py" >"$work/spoke" 2>&1
cat "$work/spoke"
contains "with it the listed identifier is sent" "$work/spoke" '^send vcan0 123 ok$'
counted "and nothing else, nowhere" 5 "$work/spoke" ' ENOBUFS$'
asking "$near" 65533 --netns=broker --bind=vcan1 can raw raw -- /usr/bin/python3 "$work/speak.py" >"$work/spoke" 2>&1
counted "who may only receive sends nothing" 6 "$work/spoke" ' ENOBUFS$'

# Who may only send receives nothing; unmodified senders.
barred "$near" 65532 "$work/bin/candump" -T 5000 vcan0 >"$work/deaf" 2>&1 &
remember
deaf=$!
in_near timeout 60 candump -n 6 vcan0 >"$work/heard" 2>&1 &
remember
heard=$!
wait_for 20 receiving 2
barred "$near" 65532 "$work/bin/cansend" vcan0 321#DEADBEEF || fail "cansend"
barred "$near" 65532 "$work/bin/cangen" -n 5 -I 7A7 -g 10 vcan0 || fail "cangen"
wait "$deaf" "$heard"
cat "$work/heard"
contains "cansend, barred, sends" "$work/heard" '^ +vcan0 +321 +\[4\] +DE AD BE EF'
counted "cangen, barred, sends" 5 "$work/heard" '^ +vcan0 +7A7 '
counted "who may only send hears nothing" 0 "$work/deaf" vcan0

# Refusals in words.
say() {
	asking "$near" "$@"
}
refused "another bus" 'interface vcan1 is not in the rule' say 65534 --netns=broker --bind=vcan1 can raw raw
refused "another bus by its number" 'interface vcan1 is not in the rule' \
	say 65534 --netns=broker --bind="$(in_near cat /sys/class/net/vcan1/ifindex)" can raw raw
refused "a pattern wants a bind step" 'have a \*' say 65533 --netns=broker can raw raw
refused "a pattern wants one of them" 'say which one' say 65533 --netns=broker --bind=0 can raw raw
refused "no such bus" 'No such device' say 65533 --netns=broker --bind=vcan7 can raw raw
refused "an address of another family" 'not an address of this family' \
	say 65534 --netns=broker --bind=raw:0200005000000000000000000000000000000000000000 can raw raw
refused "another protocol" 'no rule for user' say 65534 --netns=broker can dgram bcm
expect "check says the same" sh -c "'$work/bin/sockctl' --management='$management' check --uid=65534 --bind=vcan0 can raw raw"
refused "check refuses the same" 'vcan1 is not in' "$work/bin/sockctl" --management="$management" check --uid=65534 \
	--bind=vcan1 can raw raw

wait_for 20 sh -c "[ \$(find /proc/$broker_pid/fd -mindepth 1 | wc -l) -le $before ]"
expect "no descriptor is left in sockd" [ "$(descriptors)" -le "$before" ]
