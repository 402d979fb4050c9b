#!/bin/bash
# What the other tests in here rely on: the kernel that was asked for, what it can load, and no way out of it.
. "$(dirname "$0")/../lib.sh"
need_root
[ -n "${SOCKD_VM_KERNEL:-}" ] || skip_all "runs in the laboratory only"

expect "the kernel is $SOCKD_VM_KERNEL" [ "$(uname -r)" = "$SOCKD_VM_KERNEL" ]
case $SOCKD_VM_MODE in
plain) expect "process 1 is the laboratory's" grep -q tests/vm/guest /proc/1/cmdline ;;
systemd) expect "process 1 is systemd" [ "$(cat /proc/1/comm)" = systemd ] ;;
esac
expect "there is no network card" [ "$(ls /sys/class/net)" = lo ]
expect "nothing is on a PCI bus that is one" sh -c '! grep -qs ^0x02 /sys/bus/pci/devices/*/class'
expect "loopback works" ping -c 1 -W 5 127.0.0.1

# The root is an overlay in memory; what is under it takes no writing, not even from root.
expect "the root is an overlay" [ "$(stat -f -c %T /)" = overlayfs ]
expect "files can be written" sh -c 'echo changed >/etc/sockd-laboratory && rm /etc/sockd-laboratory'
lower=$(mktemp -d)
if mount -t 9p -o trans=virtio,version=9p2000.L root "$lower" 2>/dev/null; then
	expect "the machine's root file system is seen" [ -e "$lower/etc/passwd" ]
	refused_writing() {
		! touch "$lower/etc/sockd-laboratory" && ! chmod 700 "$lower/etc" && ! rm "$lower/etc/passwd"
	} 2>/dev/null
	expect "it takes no writing, though mounted for it" refused_writing
	umount "$lower"
else
	ok "the machine's root file system can be mounted by nobody else"
fi
rmdir "$lower"

for module in vcan can_raw can_bcm hci_vhci bluetooth; do
	expect "the module $module loads" modprobe "$module"
done
expect "a CAN interface" ip link add vcan-lab type vcan
expect "and it goes up" ip link set vcan-lab up
ip link delete vcan-lab
expect "a controller's device" [ -c /dev/vhci ]
expect "network namespaces" unshare --net ip link set lo up
expect "user namespaces" "${powerless[@]}" unshare --user --map-root-user true

nobody() {
	"${powerless[@]}" "$@"
}
expect "an unprivileged user" [ "$(nobody id -u)" = "$client_uid" ]
expect "has no capability" [ "$(nobody sed -n 's/^CapEff:\t//p' /proc/self/status)" = 0000000000000000 ]
unwritable() {
	! nobody touch /etc/sockd-laboratory && ! nobody touch /run/vm/sockd-laboratory
} 2>/dev/null
expect "may not write where only root may" unwritable
expect "may write to /tmp" nobody sh -c 'f=$(mktemp) && rm "$f"'
[ "$failures" -eq 0 ]
