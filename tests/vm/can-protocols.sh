#!/bin/bash
# CAN BCM, ISO-TP and J1939 for clients that may not open them: real exchanges, with limits and without; unmodified
# programs; python's own socket module and python-can.
. "$(dirname "$0")/can-lib.sh"
begin_can candump cansend isotpsend isotprecv j1939cat
copy_program isotpsend isotprecv j1939cat
/usr/bin/python3 -c 'import can' 2>/dev/null || skip_all "the python module can is not installed"

policy <<'JSON'
{
  "rules": [
    {
      "name": "bound",
      "peers": { "uid": 65534 },
      "family": "can", "protocol": ["bcm", "j1939"], "interfaces": "vcan0"
    },
    {
      "name": "diagnosis",
      "peers": { "uid": 65534 },
      "family": "can", "protocol": "isotp", "interfaces": "vcan0", "identifiers": ["0x701", "0x709", "0x18da10f1"]
    },
    {
      "name": "urgent",
      "peers": { "uid": 65534 },
      "family": "can", "type": "dgram", "protocol": "j1939", "options": { "SO_J1939_SEND_PRIO": "0-1" }
    },
    {
      "name": "whole-bus",
      "peers": { "uid": 65533 },
      "family": "can", "protocol": ["raw", "bcm", "isotp", "j1939"]
    }
  ]
}
JSON
start_sockd
before=$(descriptors)

# BCM: a cyclic message, by a client that is bound to one bus.
cat >"$work/bcm.py" <<'PYTHON'
from can import *
s = handed(BCM)
TX_SETUP, RX_SETUP, SETTIMER, STARTTIMER, RX_FILTER_ID = 1, 5, 1, 2, 0x20
def head(opcode, flags, count, microseconds, identifier, frames):
    return struct.pack("@III4l2I0q", opcode, flags, count, 0, microseconds, 0, microseconds, identifier, frames)
said("connect elsewhere", lambda: s.connect(("vcan1",)))
s.send(head(TX_SETUP, SETTIMER | STARTTIMER, 5, 50000, 0x444, 1) + frame(0x444))
s.send(head(RX_SETUP, RX_FILTER_ID, 0, 0, 0x445, 0))
print("ready", flush=True)
s.settimeout(30)
data = s.recv(200)
print("changed %x" % struct.unpack("@I", data[48:52])[0], flush=True)
PYTHON
ip netns exec "$near" timeout 120 candump vcan0,444:7FF >"$work/heard" 2>&1 &
watcher=$!
children+=("$watcher")
wait_for 20 receiving 1
asking "$near" 65534 --netns=broker --connect=vcan0 can dgram bcm -- /usr/bin/python3 "$work/bcm.py" >"$work/bcm" 2>&1 &
client=$!
children+=("$client")
wait_for 20 grep -q ready "$work/bcm"
send vcan1:445#01
# Turns that a slow machine comes too late for are left out: they are counted, not timed.
wait_for 20 sh -c "[ \$(grep -c ' 444 ' '$work/heard') -ge 5 ]"
send vcan0:445#02
wait "$client"
end_child "$watcher"
cat "$work/bcm"
contains "a BCM socket stays on its bus" "$work/bcm" '^connect elsewhere EISCONN'
contains "BCM tells of a change" "$work/bcm" '^changed 445'
expect "BCM sends cyclically" [ "$(grep -c ' 444 ' "$work/heard")" -ge 5 ]

# ISO-TP: a long transfer both ways with a root peer; the two identifiers stay.
cat >"$work/isotp.py" <<'PYTHON'
from can import *
s = handed(ISOTP)
said("rebind", lambda: s.bind(("vcan1", 0x701, 0x709)))
said("other identifiers", lambda: s.bind(("vcan0", 0x111, 0x112)))
print("ready", flush=True)
s.settimeout(10)
data = s.recv(5000)
print("received", len(data), flush=True)
s.send(bytes(reversed(data)))
time.sleep(1)
PYTHON
cat >"$work/isotp-peer.py" <<'PYTHON'
from can import *
s = socket.socket(socket.AF_CAN, socket.SOCK_DGRAM, ISOTP)
s.bind(("vcan0", int(sys.argv[1], 16), int(sys.argv[2], 16)))
s.settimeout(20)
data = bytes(range(256)) * 10
s.send(data)
print("echo", "whole" if s.recv(5000) == data[::-1] else "broken")
PYTHON
asking "$near" 65534 --netns=broker --bind=vcan0/rx=0x701/tx=0x709 can dgram isotp -- \
	/usr/bin/python3 "$work/isotp.py" >"$work/isotp" 2>&1 &
client=$!
children+=("$client")
wait_for 20 grep -q ready "$work/isotp"
in_near /usr/bin/python3 "$work/isotp-peer.py" 709 701 >"$work/isotp-peer" 2>&1
wait "$client"
cat "$work/isotp" "$work/isotp-peer"
contains "ISO-TP: 2560 bytes arrive" "$work/isotp" '^received 2560'
contains "ISO-TP: and go back" "$work/isotp-peer" '^echo whole'
contains "ISO-TP: another bus is refused by the kernel" "$work/isotp" '^rebind EINVAL'
contains "ISO-TP: other identifiers are" "$work/isotp" '^other identifiers EINVAL'
refused "ISO-TP: an identifier that is not listed" 'receiving identifier 0x702 is not' \
	asking "$near" 65534 --netns=broker --bind=vcan0/rx=0x702/tx=0x709 can dgram isotp
refused "ISO-TP: unbound" 'ask for it with a bind step' asking "$near" 65534 --netns=broker can dgram isotp
refused "ISO-TP: any bus" 'say which one' asking "$near" 65534 --netns=broker --bind=0/rx=0x701/tx=0x709 can dgram isotp
refused "BCM: unconnected" 'ask for it with a connect step' asking "$near" 65534 --netns=broker can dgram bcm
refused "BCM: another bus" 'vcan1 is not in the rule' \
	asking "$near" 65534 --netns=broker --connect=vcan1 can dgram bcm

# J1939: an exchange; the two highest priorities only by the broker.
cat >"$work/j1939.py" <<'PYTHON'
from can import *
import ctypes
s = handed(J1939)
said("other bus", lambda: s.bind(("vcan1", 0, 0x40000, 0x30)))
said("own priority", lambda: s.setsockopt(107, 3, 1))
library = ctypes.CDLL(sys.argv[1], use_errno=True)
value = ctypes.c_int(1)
result = library.sockd_setsockopt(s.fileno(), 107, 3, ctypes.byref(value), 4)
print("by the broker", "ok" if result == 0 else errno.errorcode[ctypes.get_errno()], flush=True)
print("ready", flush=True)
s.settimeout(15)
data, address = s.recvfrom(3000)
print("received", len(data), "from %x" % address[3], flush=True)
s.sendto(data[:8], ("vcan0", 0, 0x12300, address[3]))
PYTHON
cat >"$work/j1939-peer.py" <<'PYTHON'
from can import *
s = socket.socket(socket.AF_CAN, socket.SOCK_DGRAM, J1939)
s.bind(("vcan0", 0, 0x40000, 0x20))
s.settimeout(20)
s.sendto(b"0123456789" * 50, ("vcan0", 0, 0x12300, 0x30))
print("answer", s.recv(100))
PYTHON
cp "$SOCKD_BUILD"/lib/.libs/libsockd.so.0 "$work/lib/" && chmod 755 "$work/lib/libsockd.so.0"
in_near timeout 60 candump -L vcan0 >"$work/heard" 2>&1 &
watcher=$!
children+=("$watcher")
asking "$near" 65534 --netns=broker --bind=vcan0/addr=0x30 can dgram j1939 -- \
	/usr/bin/python3 "$work/j1939.py" "$work/lib/libsockd.so.0" >"$work/j1939" 2>&1 &
client=$!
children+=("$client")
wait_for 20 grep -q ready "$work/j1939"
in_near /usr/bin/python3 "$work/j1939-peer.py" >"$work/j1939-peer" 2>&1
wait "$client"
cat "$work/j1939" "$work/j1939-peer"
contains "J1939: 500 bytes arrive" "$work/j1939" '^received 500 from 20'
contains "J1939: and an answer" "$work/j1939-peer" "^answer b'01234567'"
contains "J1939: another bus is refused by the kernel" "$work/j1939" '^other bus EINVAL'
contains "J1939: the holder may not have priority 1" "$work/j1939" '^own priority E(PERM|ACCES)'
contains "J1939: by the broker it may" "$work/j1939" '^by the broker ok'
wait_for 10 grep -q '05232030#' "$work/heard"
contains "J1939: and sends with it" "$work/heard" ' 0523(20|)30#|0523[0-9A-F]{4}#3031323334353637'
end_child "$watcher"

# Unmodified programs, barred from the family, by a rule without limits.
barred "$near" 65533 "$work/bin/isotprecv" -s 123 -d 321 vcan0 >"$work/isotprecv" 2>&1 &
client=$!
children+=("$client")
wait_for 20 receiving 1 isotp
echo 11 22 33 44 55 66 77 88 99 aa bb | barred "$near" 65533 "$work/bin/isotpsend" -s 321 -d 123 vcan0 ||
	fail "isotpsend"
wait "$client"
cat "$work/isotprecv"
contains "isotpsend and isotprecv, barred" "$work/isotprecv" '11 22 33 44 55 66 77 88 99 AA BB'
barred "$near" 65533 /usr/bin/timeout 30 "$work/bin/j1939cat" vcan0:0x90 -r >"$work/j1939cat" 2>&1 &
client=$!
children+=("$client")
wait_for 20 receiving 1 j1939
sleep 1
printf 'over the bus' >"$work/message"
# Its status is 1 even for root: it finds its own time stamp cut off. What counts is what arrives.
barred "$near" 65533 /usr/bin/timeout 30 "$work/bin/j1939cat" -i "$work/message" vcan0:0x80 :0x90,0x12300
wait_for 10 grep -q 'over the bus' "$work/j1939cat"
contains "j1939cat, barred" "$work/j1939cat" 'over the bus'
end_child "$client"
cat >"$work/python-can.py" <<'PYTHON'
import can, socket, sys
with can.interface.Bus(channel="vcan0", interface="socketcan") as bus:
    print("ready", flush=True)
    message = bus.recv(10)
    print("python-can got %x %s" % (message.arbitration_id, message.data.hex()), flush=True)
    task = bus.send_periodic(can.Message(arbitration_id=0x555, data=[1, 2], is_extended_id=False), 0.05)
    import time
    time.sleep(0.5)
    task.stop()
PYTHON
sed -i 's/^import can, /import sys; sys.path = [p for p in sys.path if p != sys.path[0]]; import can, /' "$work/python-can.py"
in_near timeout 60 candump vcan0 >"$work/heard" 2>&1 &
watcher=$!
children+=("$watcher")
PYTHONPATH= barred "$near" 65533 /usr/bin/python3 "$work/python-can.py" >"$work/python-can" 2>&1 &
client=$!
children+=("$client")
wait_for 40 grep -q ready "$work/python-can"
sleep 0.5
send vcan0:321#BEEF
wait "$client"
cat "$work/python-can"
contains "python-can, barred, receives" "$work/python-can" '^python-can got 321 beef'
expect "python-can, barred, sends cyclically by BCM" [ "$(grep -c ' 555 ' "$work/heard")" -ge 3 ]
end_child "$watcher"

wait_for 20 sh -c "[ \$(find /proc/$broker_pid/fd -mindepth 1 | wc -l) -le $before ]"
expect "no descriptor is left in sockd" [ "$(descriptors)" -le "$before" ]
