#!/bin/bash
# Addresses by libsockd and by Python on sockets of the families that build machines lack: ALG, CAN (raw, ISO-TP,
# J1939), Bluetooth, TIPC, RDS, QIPCRTR, vsock; and of others on this kernel.
. "$(dirname "$0")/../lib.sh"
[ -n "${SOCKD_VM_KERNEL:-}" ] || skip_all "runs in the laboratory only: it makes vcan0 and loads modules"
need_root
need_programs /usr/bin/python3 modprobe ip
for module in can can-raw can-bcm can-isotp can-j1939 vcan tipc rds rds_tcp qrtr vsock vsock_loopback bluetooth rfcomm \
	af_alg algif_hash algif_skcipher hci_vhci; do
	modprobe -q "$module"
done
SOCKD_BUILD=$SOCKD_BUILD SOCKD_SOURCE=$SOCKD_SOURCE timeout 120 /usr/bin/python3 -B \
	"$SOCKD_SOURCE/tests/lib/addresses.py" alg can bluetooth tipc rds qipcrtr vsock packet unix inet6
