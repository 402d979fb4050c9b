#!/bin/bash
# Another project's tests of sockets: those of Python's own module (test.test_socket), natively as root, then as nobody
# through the preload, then as nobody who is barred from most families. The verdicts of all must be the same.
. "$(dirname "$0")/../lib.sh"
[ -n "${SOCKD_VM_KERNEL:-}" ] || skip_all "runs in the laboratory only: it makes vcan0 and loads modules"
begin /usr/bin/python3 modprobe
cp -L --no-preserve=all /usr/bin/python3 "$work/bin/python3" && chmod 755 "$work/bin/python3"
/usr/bin/python3 -c 'import test.test_socket' 2>/dev/null ||
	skip_all "the tests of /usr/bin/python3 are not installed (libpython3.*-testsuite)"
cp "$(dirname "$0")/python-socket.py" "$work/" && chmod 644 "$work/python-socket.py"
prefer_plain_preload "$work/bin/python3" -V

# Where the sockets that these make depend on a family that few kernels have loaded.
family_classes=(BasicBluetoothTest BasicCANTest BasicQIPCRTRTest BasicRDSTest BasicVSOCKTest CANTest ISOTPTest J1939Test
	LinuxKernelCryptoAPI RDSTest ThreadedVSOCKSocketStreamTest TIPCTest TIPCThreadableTest)

# What must differ, and what does not always come out the same.
excused='^(GeneralModuleTests[.]test_sethostname' # it sets the name of the machine, which is root's and no socket
excused+='|RDSTest[.]testPeek) '                  # natively, as root, it hangs in whole runs, not in short ones; why is not known

classes=()

for module in can can-raw can-bcm can-isotp can-j1939 vcan tipc rds rds_tcp qrtr sctp dccp dccp_ipv4 dccp_ipv6 vsock \
	vsock_loopback bluetooth rfcomm af_alg algif_hash algif_skcipher algif_aead algif_rng hci_vhci; do
	modprobe -q "$module"
done
# As udev has it.
[ ! -e /dev/vsock ] || chmod 666 /dev/vsock

# Bluetooth and QIPCRTR are only where the machine began, so all is done here and not in $near.
broker_at=()
ip link add vcan0 type vcan && ip link set vcan0 up || skip_all "the kernel has no virtual CAN interfaces"
finish_here() {
	local status=$?
	ip link delete vcan0
	(exit "$status")
	finish
}
trap finish_here EXIT

# What root may have, as far as the tests could ask for it.
policy <<'JSON'
{
  "rules": [
    { "name": "inet", "peers": { "uid": 65534 }, "family": ["inet", "inet6"],
      "type": ["stream", "dgram", "seqpacket", "dccp"],
      "options": { "SO_MARK": "any", "SO_PRIORITY": "any", "SO_BINDTODEVICE": "any" } },
    { "name": "low", "peers": { "uid": 65534 }, "family": ["inet", "inet6"],
      "type": ["stream", "dgram", "seqpacket", "dccp"], "ports": "1-1023" },
    { "name": "raw", "peers": { "uid": 65534 }, "family": ["inet", "inet6"], "type": "raw" },
    { "name": "packet", "peers": { "uid": 65534 }, "family": "packet" },
    { "name": "netlink", "peers": { "uid": 65534 }, "family": "netlink", "protocol": "route", "groups": "any",
      "messages": "any" },
    { "name": "can", "peers": { "uid": 65534 }, "family": "can" },
    { "name": "hci", "peers": { "uid": 65534 }, "family": "bluetooth", "protocol": "hci" },
    { "name": "l2cap", "peers": { "uid": 65534 }, "family": "bluetooth", "protocol": "l2cap" },
    { "name": "rfcomm", "peers": { "uid": 65534 }, "family": "bluetooth", "protocol": ["rfcomm", "sco"] },
    { "name": "others", "peers": { "uid": 65534 },
      "family": ["tipc", "rds", "vsock", "alg", "qipcrtr", "xdp", "key", "smc"] }
  ]
}
JSON

# verdicts NAME COMMAND...: the verdict of every test, in $work/NAME; what failed says why in $work/NAME.why.
verdicts() {
	local name=$1 began=$SECONDS
	shift
	(cd "$work/home" && "$@" "${classes[@]}") >"$work/$name" 2>"$work/$name.why" ||
		fail "$name: the tests come to their end ($(tail -n 1 "$work/$name.why"))"
	echo "$name: $(grep -c ' ok$' "$work/$name") ok, $(grep -c ' skipped: ' "$work/$name") skipped," \
		"$(grep -cvE ' ok$| skipped: ' "$work/$name") failed; $((SECONDS - began)) s"
}

# same NAME WORDS: the verdicts are root's, skips for the same reason.
same() {
	if diff <(grep -vE "$excused" "$work/root") <(grep -vE "$excused" "$work/$1") >"$work/difference"; then
		ok "$2: the verdicts of $(grep -cvE "$excused" "$work/$1") tests are root's"
	else
		fail "$2: the verdicts are root's ($(grep -c '^>' "$work/difference") are not)"
		cat "$work/difference"
		tail -n 60 "$work/$1.why"
	fi
}

nobody() {
	"${powerless[@]}" env HOME="$work/home" PYTHONDONTWRITEBYTECODE=1 "$@"
}

nobody_through() {
	nobody env SOCKD_SOCKET="$socket" LD_PRELOAD="$preload" ASAN_OPTIONS="$sanitizer_options:detect_leaks=0" \
		UBSAN_OPTIONS="$sanitizer_options" "$@"
}

run_tests=("$work/bin/python3" "$work/python-socket.py")

start_sockd
verdicts root env PYTHONDONTWRITEBYTECODE=1 "${run_tests[@]}"
expect "tests were found" [ "$(wc -l <"$work/root")" -ge 40 ]
for class in "${family_classes[@]}"; do
	grep -q "^$class\..* ok\$" "$work/root" || echo "SKIP $class: the kernel has no family for it"
done
verdicts through nobody_through "${run_tests[@]}"
same through "nobody, by the preload"
verdicts barred-through nobody_through "${run_tests[@]}" --bar
same barred-through "nobody, barred, by the preload"
for family in can bluetooth tipc rds vsock alg qipcrtr; do
	case $family in
	can) class=CANTest ;;
	bluetooth) class=BasicBluetoothTest ;;
	tipc) class=TIPCTest ;;
	rds) class=RDSTest ;;
	vsock) class=BasicVSOCKTest ;;
	alg) class=LinuxKernelCryptoAPI ;;
	qipcrtr) class=BasicQIPCRTRTest ;;
	esac
	grep -q "^$class\..* ok\$" "$work/root" || continue
	audited "sockets of $family came from sockd" "\"event\":\"grant\",.*\"family\":\"$family\""
done
classes=("${family_classes[@]}")
verdicts barred nobody "${run_tests[@]}" --bar
expect "barred, without sockd, they are not" [ "$(grep -c ' ok$' "$work/barred")" -lt 10 ]
