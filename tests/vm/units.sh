# shellcheck shell=bash
# What the tests under systemd share. sockd is installed, and runs from its units alone; they change the guest's own
# /etc and /run, which nothing but the laboratory should let them do.
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"

policies=/etc/sockd/policy.d
preload=$(sed -n 's/^libdir=//p' /usr/lib/pkgconfig/libsockd.pc 2>/dev/null)
preload=${preload:-/usr/lib}
preload=${preload/'${exec_prefix}'/\/usr}/libsockd-preload.so

begin_systemd() {
	[ "${SOCKD_VM_MODE:-}" = systemd ] || skip_all "runs only in the laboratory, with systemd as process 1"
	[ "$(cat /proc/1/comm)" = systemd ] || die "systemd is process 1"
	need_root
	need_programs systemctl systemd-run sockd "$@"
	trap end_systemd EXIT
	trap 'exit 130' INT TERM
	# Services have a /tmp of their own.
	work=$(mktemp -d /var/lib/sockd-test.XXXXXX) || exit 1
	chmod 755 "$work"
	mkdir -p "$work/bin" "$work/sanitizer"
	audit=$work/audit.json
	systemd-sysusers
	systemd-tmpfiles --create sockd.conf
	rm -f "$policies"/*.json
	echo '{ "rules": [] }' >"$policies/50-test.json"
	systemctl start sockd.socket sockd-management.socket || die "the listening sockets are made"
}

end_systemd() {
	local status=$?
	if [ "$failures" -gt 0 ] || [ "$status" -ne 0 ]; then
		echo "--- journal:"
		journalctl --no-pager -n 60 -o short-monotonic -u 'sockd*'
	fi
	systemctl stop sockd.service sockd.socket sockd-management.socket 'sockd@*.socket' 2>/dev/null
	systemctl reset-failed 2>/dev/null
	rm -f "$policies"/*.json
	(exit "$status")
	finish
}

# Reads the policy from standard input, and makes sockd take it where it runs.
policy() {
	cat >"$policies/${1:-50-test.json}"
	if systemctl -q is-active sockd.service; then
		systemctl reload sockd.service || die "sockd takes the policy of the test"
	fi
}

# service NAME [PROPERTY=VALUE...] -- COMMAND...: in a service of this name, as nobody; its output and its status.
service() {
	local name=$1 properties=()
	shift
	while [ "$1" != -- ]; do
		properties+=(-p "$1")
		shift
	done
	shift
	systemd-run --quiet --wait --pipe --collect --unit="$name" -p User=nobody -p NoNewPrivileges=yes \
		-p CapabilityBoundingSet= "${properties[@]}" -- "$@"
}

main_pid() {
	systemctl show -P MainPID "${1:-sockd.service}"
}

# A raw ICMP socket, by the library: says which rule gave it, or why not.
raw_icmp=(sockctl open inet raw icmp)
