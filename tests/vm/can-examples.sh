#!/bin/bash
# The examples of CAN, raw and BCM, run by a user who may not open CAN sockets: sockd gives them.
. "$(dirname "$0")/can-lib.sh"
begin_can candump

for program in can-raw can-bcm; do
	install -m 755 "$SOCKD_BUILD/examples/.libs/$program" "$work/bin/" || die "the example $program is built"
done
install -m 755 "$SOCKD_BUILD/lib/.libs/libsockd.so.0" "$work/lib/" || die "libsockd is built"

policy <<'JSON'
{
  "rules": [
    {
      "name": "raw",
      "peers": { "uid": 65534 },
      "family": "can", "protocol": "raw", "interfaces": "vcan0", "mark": 7,
      "identifiers": ["0x100-0x1ff"]
    },
    {
      "name": "cyclic",
      "peers": { "uid": 65534 },
      "family": "can", "protocol": "bcm", "interfaces": "vcan0"
    }
  ]
}
JSON

# example COMMAND...: as nobody, with a filter that bars all families but AF_UNIX, and without any preload.
example() {
	as_user "$near" 65534 env FOR_PROGRAM="LD_LIBRARY_PATH=$work/lib" /usr/bin/python3 "$work/barred.py" "$@"
}

refused "raw: no CAN without sockd" 'not supported' example "$work/bin/can-raw" vcan0 1
refused "BCM: no CAN without sockd" 'not supported' example "$work/bin/can-bcm" vcan0 321 10 1
start_sockd

ip netns exec "$near" timeout 120 candump -T 15000 vcan0 >"$work/heard" 2>&1 &
remember
heard=$!
wait_for 20 receiving 1 || fail "candump listens"

example "$work/bin/can-raw" vcan0 2 >"$work/raw" 2>&1 &
remember
raw=$!
wait_for 20 receiving 2 || fail "can-raw is bound"
send vcan0:123#0102AABB vcan0:321#99 vcan0:1F0#
status=0
wait "$raw" || status=$?
cat "$work/raw"
expect "raw: it ends well" [ "$status" -eq 0 ]
contains "raw: a frame arrives" "$work/raw" '^received 123, 4 bytes: 01 02 aa bb$'
contains "raw: and one without data" "$work/raw" '^received 1f0, 0 bytes:$'
counted "raw: and nothing that its rule has not" 2 "$work/raw" '^received'

expect "BCM: it ends well" example "$work/bin/can-bcm" vcan0 432 20 5
sleep 0.5
end_child "$heard"
cat "$work/heard"
contains "raw: what is sent back is heard" "$work/heard" '^ +vcan0 +124 +\[4\] +01 02 AA BB'
contains "raw: without data too" "$work/heard" '^ +vcan0 +1F1 +\[0\]'
counted "BCM: the kernel sends as often as it was told" 5 "$work/heard" '^ +vcan0 +432 +\[5\] +73 6F 63 6B 64'
