# shellcheck shell=bash
# What the tests of CAN share: two virtual buses in $near, where sockd lives, and clients that may not open CAN
# themselves, as RestrictAddressFamilies=AF_UNIX bars a service.
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"

begin_can() {
	local module
	begin /usr/bin/python3 "$@"
	for module in can can-raw can-bcm can-isotp can-j1939 vcan; do
		modprobe "$module" 2>/dev/null || skip_all "the kernel has no module $module"
	done
	bus vcan0
	bus vcan1
	cp "$SOCKD_SOURCE/tests/barred.py" "$work/" && chmod 644 "$work/barred.py"
	# For the programs that a socket is handed to as descriptor 3.
	cat >"$work/can.py" <<'PYTHON'
import errno, fcntl, os, socket, struct, subprocess, sys, time

EFF, RTR = 0x80000000, 0x40000000
SOL_CAN_RAW, FILTER, FD_FRAMES, XL_FRAMES = 101, 1, 5, 7
SO_ATTACH_FILTER, SO_DETACH_FILTER, SO_LOCK_FILTER, SO_MARK, SO_BINDTODEVICE = 26, 27, 44, 36, 25

RAW, BCM, ISOTP, J1939 = 1, 2, 6, 7

# The kernel does not tell the protocol of a CAN socket (SO_PROTOCOL is 0).
def handed(protocol=RAW):
    s = socket.socket(socket.AF_CAN, socket.SOCK_RAW if protocol == RAW else socket.SOCK_DGRAM, protocol, fileno=3)
    s.settimeout(1)
    return s

def frame(identifier, data=b"12345678"):
    return struct.pack("=IB3x8s", identifier, len(data), data)

def fd_frame(identifier, data=b"x" * 64):
    return struct.pack("=IBBxx64s", identifier, len(data), 1, data)

def xl_frame(priority, data=b"y" * 100):
    return struct.pack("=IBBHI", priority, 0x80, 0, len(data), 0) + data

def said(what, call):
    """Prints what the kernel answers."""
    try:
        result = call()
        print(what, "ok" if result is None or isinstance(result, int) else result, flush=True)
    except socket.timeout:
        print(what, "nothing", flush=True)
    except OSError as error:
        print(what, errno.errorcode.get(error.errno, error), flush=True)

def everything(s, seconds=1.0):
    """The identifiers of all that arrives, in order."""
    s.settimeout(seconds)
    while True:
        try:
            data, address = s.recvfrom(4096)
        except socket.timeout:
            return
        print("got %x %d %s" % (struct.unpack("=I", data[:4])[0], len(data), address[0]), flush=True)
PYTHON
	export PYTHONPATH=$work PYTHONDONTWRITEBYTECODE=1
}

# bus NAME: a virtual CAN interface in $near for classic and FD frames.
bus() {
	ip -n "$near" link add "$1" type vcan || die "make $1"
	ip -n "$near" link set "$1" mtu 72
	ip -n "$near" link set "$1" up
}

# as_user NAMESPACE UID COMMAND...: without any capability.
as_user() {
	local namespace=$1 uid=$2
	shift 2
	ip netns exec "$namespace" setpriv --reuid="$uid" --regid="$uid" --clear-groups --bounding-set=-all --inh-caps=-all \
		--ambient-caps=-all --no-new-privs env SOCKD_SOCKET="$socket" "$@"
}

# asking NAMESPACE UID ARGUMENT...: sockctl open. Native, the kernel would give it any CAN socket; --netns asks sockd.
asking() {
	local namespace=$1 uid=$2
	shift 2
	as_user "$namespace" "$uid" "$work/bin/sockctl" open "$@"
}

# barred NAMESPACE UID COMMAND...: with the filter that bars all families but AF_UNIX, through the preload.
barred() {
	local namespace=$1 uid=$2
	shift 2
	as_user "$namespace" "$uid" env FOR_PROGRAM="LD_PRELOAD=$preload" /usr/bin/python3 "$work/barred.py" "$@"
}

# send FRAME...: from root, one after the other; FRAME is INTERFACE:ID#DATA as of cansend.
send() {
	local item
	for item; do
		in_near cansend "${item%%:*}" "${item#*:}" || fail "cansend $item"
	done
}

# receiving COUNT [PROTOCOL]: so many sockets are bound in the broker's namespace, so that nothing is sent too soon.
receiving() {
	[ "$(cat "/proc/$broker_pid/net/can/rcvlist_"* | grep -c " ${2:-raw}\$")" -ge "$1" ]
}

descriptors() {
	find "/proc/$broker_pid/fd" -mindepth 1 | wc -l
}
