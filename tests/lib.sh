# shellcheck shell=bash
# What the test scripts share: two network namespaces joined by a veth pair, a real sockd in the first,
# and an unprivileged user with neither capabilities nor a way to get any.
#
#   $near  the namespace of sockd and its clients: eth0 10.99.0.1/24, fd99::1/64
#   $far   the other end: eth0 10.99.0.2/24, fd99::2/64
#   $work  a directory of the test's own, readable by all, removed at the end
#
# SOCKD_BUILD and SOCKD_SOURCE (set by tests/run) say where the build and the source are. SOCKD_BY says how programs
# are brought to sockd: preload, or seccomp for sockd-run --mode=seccomp.
set -u
umask 022
export LC_ALL=C.UTF-8 PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin

: "${SOCKD_SOURCE:=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)}"
: "${SOCKD_BUILD:=$SOCKD_SOURCE/build/plain}"
: "${SOCKD_BY:=preload}"

client_uid=65534
broker_uid=64500
near=sockd-$$-near
far=sockd-$$-far
broker_pid=
# How to get to the namespace where sockd runs; empty where that is the one that the test began in.
broker_at=(ip netns exec "$near")
thread_options=${TSAN_OPTIONS-}
children=()
failures=0
work=

ok() {
	echo "ok $*"
}

fail() {
	echo "FAIL $*"
	failures=$((failures + 1))
}

# A step without which the rest makes no sense.
die() {
	fail "$*"
	exit 1
}

skip_all() {
	echo "SKIP: $*"
	exit 77
}

need_root() {
	[ "$(id -u)" -eq 0 ] || skip_all "needs root"
}

need_programs() {
	local program
	for program; do
		command -v "$program" >/dev/null || skip_all "the program $program is not installed"
	done
}

# expect NAME COMMAND...: the command succeeds.
expect() {
	local name=$1
	shift
	if "$@"; then
		ok "$name"
	else
		fail "$name (exit status $?: $*)"
	fi
}

# refused NAME PATTERN COMMAND...: the command fails, and says so in these words (an extended regular expression).
refused() {
	local name=$1 pattern=$2 status=0
	shift 2
	"$@" >"$work/refused" 2>&1 || status=$?
	cat "$work/refused"
	if [ "$status" -eq 0 ]; then
		fail "$name (it was not refused)"
	elif ! grep -qE -- "$pattern" "$work/refused"; then
		fail "$name (no '$pattern' in what it said)"
	else
		ok "$name"
	fi
}

# contains NAME FILE PATTERN: some line of the file matches.
contains() {
	if grep -qE -- "$3" "$2"; then
		ok "$1"
	else
		fail "$1 (no '$3' in $2:)"
		tail -n 20 "$2"
	fi
}

# audited NAME PATTERN: a line of sockd's trail, which it writes in batches, matches.
audited() {
	wait_for 10 grep -qE -- "$2" "$audit"
	contains "$1" "$audit" "$2"
}

# Waits until all that sockd has done is in its trail, in this order: a reload comes after it.
audit_settles() {
	local before
	n_reloads() {
		grep -c '"event":"reload"' "$audit"
	}
	reload_is_there() {
		[ "$(n_reloads)" -gt "$before" ]
	}
	before=$(n_reloads)
	kill -HUP "$broker_pid"
	wait_for 20 reload_is_there || fail "a reload gets into the trail"
}

# counted NAME NUMBER FILE PATTERN: exactly so many lines match.
counted() {
	local number
	number=$(grep -cE -- "$4" "$3")
	if [ "$number" -eq "$2" ]; then
		ok "$1"
	else
		fail "$1 ($number instead of $2 in $3:)"
		tail -n 20 "$3"
	fi
}

# wait_for SECONDS COMMAND...: tries until it succeeds.
wait_for() {
	local tries=$(($1 * 20))
	shift
	while [ "$tries" -gt 0 ]; do
		"$@" >/dev/null 2>&1 && return 0
		sleep 0.05
		tries=$((tries - 1))
	done
	return 1
}

listens() {
	in_near ss -Hln"$1" "sport = :$2" 2>/dev/null | grep -q .
}

in_near() {
	ip netns exec "$near" "$@"
}

in_far() {
	ip netns exec "$far" "$@"
}

# For the background, so that $! is the program itself and not a shell that waits for it.
in_far_exec() {
	exec ip netns exec "$far" "$@"
}

# Remembers the process that was started last in the background; it is ended with the test.
remember() {
	children+=("$!")
}

end_child() {
	kill "$1" 2>/dev/null
	wait "$1" 2>/dev/null
}

# watch_far FILTER: records what reaches the other end; seen_far ends that and writes $work/far.txt.
watch_far() {
	ip netns exec "$far" tcpdump -i eth0 -n -U --immediate-mode -w "$work/far.pcap" "$1" >"$work/far.log" 2>&1 &
	watcher=$!
	remember
	wait_for 10 grep -q 'listening on' "$work/far.log" || die "watch the other end"
}

seen_far() {
	sleep 0.2
	kill -TERM "$watcher" 2>/dev/null
	wait "$watcher" 2>/dev/null
	tcpdump -n -r "$work/far.pcap" >"$work/far.txt" 2>/dev/null
}

# nobody_is UID: no capability, none to be had, no new privileges by any program file.
nobody_is() {
	client_uid=$1
	powerless=(setpriv --reuid="$client_uid" --regid="$client_uid" --clear-groups --bounding-set=-all
		--inh-caps=-all --ambient-caps=-all --no-new-privs)
}
nobody_is "$client_uid"

# Before begin, where programs may have few descriptors only: the kernel compares that with what all processes of the
# user together are just sending (ETOOMANYREFS), and other tests run beside this one as the same user.
be_a_user_alone() {
	nobody_is $((52000 + $$ % 4000))
}

# without COMMAND...: as nobody in $near, without sockd.
without() {
	in_near "${powerless[@]}" "$@"
}

# What brings a program to sockd, in front of its name. Preload is set late: a test may choose another one.
bring() {
	brought=(env SOCKD_SOCKET="$socket" ASAN_OPTIONS="$sanitizer_options:detect_leaks=0"
		UBSAN_OPTIONS="$sanitizer_options")
	case $SOCKD_BY in
	preload) brought+=(LD_PRELOAD="$preload") ;;
	seccomp) brought+=("$work/bin/sockd-run" --mode=seccomp --) ;;
	*) die "SOCKD_BY is preload or seccomp, not '$SOCKD_BY'" ;;
	esac
}

# through COMMAND...: the same with sockd.
through() {
	local brought
	bring
	in_near "${powerless[@]}" "${brought[@]}" "$@"
}

# The same, started in the background so that $! is the program itself, or the sockd-run that stands for it.
through_exec() {
	local brought
	bring
	exec ip netns exec "$near" "${powerless[@]}" "${brought[@]}" "$@"
}

# run OPTION... -- COMMAND...: as nobody in $near by sockd-run, with these options; run_exec for the background.
run() {
	in_near "${powerless[@]}" env SOCKD_SOCKET="$socket" ASAN_OPTIONS="$sanitizer_options" \
		UBSAN_OPTIONS="$sanitizer_options" "$work/bin/sockd-run" "$@"
}

run_exec() {
	exec ip netns exec "$near" "${powerless[@]}" env SOCKD_SOCKET="$socket" ASAN_OPTIONS="$sanitizer_options" \
		UBSAN_OPTIONS="$sanitizer_options" "$work/bin/sockd-run" "$@"
}

# user_namespaces NAME: an ordinary user can make one, with a network; else says that NAME is skipped. None can in a chroot.
user_namespaces() {
	in_near "${powerless[@]}" unshare --user --map-root-user --net true 2>/dev/null && return
	echo "SKIP $1: the kernel has no user namespaces for an ordinary user here"
	return 1
}

# is_runner PID: of this test's sockd-run. By the file: in a chroot its name is another one for who is in another mount
# namespace, as ip netns exec makes it.
is_runner() {
	[ "/proc/$1/exe" -ef "$work/bin/sockd-run" ]
}

# Every process of this test's sockd-run, the parents of programs and the supervisors.
runners() {
	local process
	for process in /proc/[0-9]*; do
		! is_runner "${process#/proc/}" || echo "${process#/proc/}"
	done
}

no_runners() {
	[ -z "$(runners)" ]
}

children_of() {
	cat "/proc/$1/task/$1/children"
}

# supervisor_of PID: of the sockd-run that stands for a program, its child.
supervisor_of() {
	local child
	for child in $(children_of "$1"); do
		is_runner "$child" && echo "$child" && return 0
	done
	return 1
}

# program_of PID: the program itself, where PID is the sockd-run that stands for it.
program_of() {
	local child
	if ! is_runner "$1"; then
		echo "$1"
		return
	fi
	for child in $(children_of "$(supervisor_of "$1")"); do
		is_runner "$child" || echo "$child"
	done
}

# copy_program NAME...: sets NAME's copy, without file capabilities and setuid bit, as $work/bin/NAME.
copy_program() {
	local name file
	for name; do
		file=$(command -v "$name") || skip_all "the program $name is not installed"
		cp -L --no-preserve=all "$file" "$work/bin/$name" && chmod 755 "$work/bin/$name" || die "copy $name"
	done
}

# generic_number FAMILY: of generic netlink, as the kernel has it now; nothing where it has none.
generic_number() {
	python3 - "$1" <<'PYTHON'
import socket, struct, sys
s = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 16)
s.settimeout(20)
name = sys.argv[1].encode() + b"\0"
body = struct.pack("=BBH", 3, 1, 0) + struct.pack("=HH", 4 + len(name), 2) + name + b"\0" * (-len(name) % 4)
s.send(struct.pack("=IHHII", 16 + len(body), 16, 1, 1, 0) + body)
reply = s.recv(1 << 16)
at = 20
while struct.unpack_from("=H", reply, 4)[0] == 16 and at < len(reply):
    size, kind = struct.unpack_from("=HH", reply, at)
    if kind == 1:
        print(struct.unpack_from("=H", reply, at + 4)[0])
    at += (size + 3) & ~3
PYTHON
}

# Reads the policy from standard input.
policy() {
	mkdir -p "$work/policy.d"
	cat >"$work/policy.d/${1:-50-test.json}"
}

make_namespaces() {
	ip netns add "$near" && ip netns add "$far" || die "make network namespaces"
	# Addresses that are usable at once.
	in_near sh -c 'echo 0 >/proc/sys/net/ipv6/conf/default/accept_dad'
	in_far sh -c 'echo 0 >/proc/sys/net/ipv6/conf/default/accept_dad'
	ip -n "$near" link add eth0 type veth peer name eth0 netns "$far" || die "make a veth pair"
	ip -n "$near" address add 10.99.0.1/24 dev eth0
	ip -n "$far" address add 10.99.0.2/24 dev eth0
	ip -n "$near" address add fd99::1/64 dev eth0 nodad
	ip -n "$far" address add fd99::2/64 dev eth0 nodad
	local ns
	for ns in "$near" "$far"; do
		ip -n "$ns" link set lo up
		ip -n "$ns" link set eth0 up
	done
}

start_sockd() {
	# Its fence keeps it from opening a log.
	TSAN_OPTIONS=$thread_options "${broker_at[@]}" "$work/bin/sockd" --listen "$socket" --management "$management" \
		--policy "$work/policy.d" --user "$broker_uid:$broker_uid" --audit "$audit" "$@" >"$work/sockd.log" 2>&1 &
	broker_pid=$!
	wait_for 20 broker_ready || {
		cat "$work/sockd.log"
		die "sockd starts"
	}
}

# Bound alone is not enough: connect() is answered only once it listens.
is_listening() {
	"${broker_at[@]}" ss -Hx state listening src "$1" | grep -q .
}

broker_ready() {
	kill -0 "$broker_pid" && is_listening "$socket" && is_listening "$management"
}

# What sockd says of its fence is what the kernel knows of it.
says_its_fence() {
	local filters says
	filters=$(awk '/^Seccomp_filters:/ { n = $2 - n } END { print n }' "/proc/$$/status" "/proc/$broker_pid/status")
	says=$(grep -Eo '(not )?fenced in[^;]*' "$work/sockd.log")
	case "$filters $says" in
	"1 fenced in by seccomp"*) ok "sockd says that it has a seccomp filter" ;;
	"0 fenced in by Landlock" | "0 not fenced in "*) ok "sockd says that it has no seccomp filter" ;;
	*) fail "sockd says which fence it has (filters: $filters; it says: $says)" ;;
	esac
}

# Ends sockd as systemd would, and looks at how it went.
stop_sockd() {
	local status=0
	[ -n "$broker_pid" ] || return 0
	kill -0 "$broker_pid" 2>/dev/null || fail "sockd still runs at the end"
	kill -TERM "$broker_pid" 2>/dev/null
	wait "$broker_pid" || status=$?
	broker_pid=
	[ "$status" -eq 0 ] || {
		fail "sockd ends with status 0 (it was $status)"
		tail -n 40 "$work/sockd.log"
	}
}

finish() {
	local status=$? child
	trap - EXIT
	for child in ${children[@]+"${children[@]}"}; do
		end_child "$child"
	done
	stop_sockd
	if [ -n "$work" ]; then
		if compgen -G "$work/sanitizer/*" >/dev/null; then
			fail "no finding of a sanitizer"
			head -n 60 "$work"/sanitizer/*
		fi
		if grep -lE '(ERROR|WARNING): (Address|Leak|Thread)Sanitizer|runtime error:' "$work"/*.log 2>/dev/null; then
			fail "no finding of a sanitizer in a log"
			grep -hA 30 -E '(ERROR|WARNING): (Address|Leak|Thread)Sanitizer|runtime error:' "$work"/*.log | head -n 60
		fi
		if [ "$failures" -gt 0 ]; then
			echo "--- sockd said:"
			tail -n 20 "$work/sockd.log" 2>/dev/null
			echo "--- audit:"
			tail -n 20 "$audit" 2>/dev/null
		fi
		rm -rf "$work"
	fi
	ip netns delete "$near" 2>/dev/null
	ip netns delete "$far" 2>/dev/null
	[ "$status" -eq 0 ] && [ "$failures" -gt 0 ] && status=1
	exit "$status"
}

# What every script begins with.
begin() {
	need_root
	need_programs ip ss setpriv "$@"
	trap finish EXIT
	trap 'exit 130' INT TERM
	work=$(mktemp -d "${TMPDIR:-/tmp}/sockd-test.XXXXXX") || exit 1
	chmod 755 "$work"
	mkdir -p "$work/bin" "$work/lib" "$work/run" "$work/policy.d"
	install -d -m 755 -o "$client_uid" -g "$client_uid" "$work/home"
	install -d -m 755 -o "$broker_uid" -g "$broker_uid" "$work/audit"
	install -d -m 1777 "$work/sanitizer"
	socket=$work/run/socket
	management=$work/run/management
	audit=$work/audit/audit.json
	sanitizer_options=log_path=$work/sanitizer/log
	export ASAN_OPTIONS=$sanitizer_options UBSAN_OPTIONS=$sanitizer_options
	export TSAN_OPTIONS=$sanitizer_options:$thread_options
	install -m 755 "$SOCKD_BUILD/daemon/sockd" "$work/bin/" || die "sockd is built"
	[ ! -x "$SOCKD_BUILD/client/sockctl" ] || install -m 755 "$SOCKD_BUILD/client/sockctl" "$work/bin/"
	install -m 755 "$SOCKD_BUILD/lib/.libs/libsockd-preload.so" "$work/lib/" || die "the preload is built"
	preload=$work/lib/libsockd-preload.so
	install -m 755 "$SOCKD_BUILD/client/run/sockd-run" "$work/bin/" || die "sockd-run is built"
	need_supervisor
	# A sanitizer's run-time must come first.
	local runtime
	runtime=$(ldd "$preload" | sed -n 's/.*=> \(.*lib[at]san[^ ]*\) .*/\1/p')
	preload=${runtime:+$runtime:}$preload
	# For the environment of sockd-run.
	with_library=(SOCKD_PRELOAD="${preload##*:}" ${runtime:+LD_PRELOAD="$runtime"}
		ASAN_OPTIONS="$sanitizer_options:detect_leaks=0")
	make_namespaces
}

# On some processors there is none (sockd-run(1)).
need_supervisor() {
	[[ $SOCKD_BY == seccomp || $0 == */run-*.sh ]] || return 0
	if "$work/bin/sockd-run" --mode=seccomp true 2>&1 | grep -q 'the supervisor cannot be made: Operation not supported'; then
		skip_all "sockd-run has no supervisor on this processor"
	fi
}

# For a program that hangs with a sanitizer's run-time in front of it, ours or not: the preload of the
# plain build beside this one then takes the place. Everything else stays as it is.
prefer_plain_preload() {
	local plain=$SOCKD_BUILD/../plain/lib/.libs/libsockd-preload.so
	[ "$SOCKD_BY" = preload ] || return 0
	[ "${preload%:*}" != "$preload" ] || return 0
	LD_PRELOAD=${preload%:*} ASAN_OPTIONS=detect_leaks=0 timeout 5 "$@" >/dev/null 2>&1 && return 0
	[ -e "$plain" ] || skip_all "$1 does not run with a sanitizer, and there is no plain build beside this one"
	install -m 755 "$plain" "$work/lib/" && preload=$work/lib/libsockd-preload.so
}
