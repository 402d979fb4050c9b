#!/bin/bash
# sockd-run: which way it chooses and what it says, programs that move to other namespaces, --map-root, --netns and
# --dry-run.
. "$(dirname "$0")/../lib.sh"
begin python3 ping unshare
copy_program ping python3
cp "$SOCKD_SOURCE/tests/barred.py" "$work/" && chmod 644 "$work/barred.py"
peer=10.99.0.2

# run OPTION... PROGRAM...: as nobody, with what it says in $work/said.
run() {
	in_near "${powerless[@]}" env "${with_library[@]}" \
		"$work/bin/sockd-run" --socket="$socket" "$@" 2>"$work/said"
}

# The same, barred from every family but AF_UNIX by a filter that answers EAFNOSUPPORT.
run_barred() {
	in_near "${powerless[@]}" env "${with_library[@]}" \
		/usr/bin/python3 "$work/barred.py" "$work/bin/sockd-run" --socket="$socket" "$@" 2>"$work/said"
}

# status NAME EXPECTED COMMAND...
status() {
	local name=$1 expected=$2 status=0
	shift 2
	"$@" >"$work/output" || status=$?
	if [ "$status" -eq "$expected" ]; then
		ok "$name"
	else
		fail "$name (status $status instead of $expected)"
		tail -n 5 "$work/said" "$work/output"
	fi
}

said() {
	contains "$1" "$work/said" "$2"
}

silent() {
	if [ -s "$work/said" ]; then
		fail "$1 (it said:)"
		tail -n 5 "$work/said"
	else
		ok "$1"
	fi
}

# A dgram rule for ping, so that it works where its sockets are refused with EAFNOSUPPORT too.
policy <<'JSON'
{
  "rules": [
    { "name": "ping", "peers": { "uid": 65534 }, "family": "inet", "type": ["raw", "dgram"], "protocol": "icmp" },
    { "name": "web", "peers": { "uid": 65534 }, "family": "inet", "type": "stream", "protocol": "tcp", "ports": [80],
      "options": { "SO_MARK": 7 } }
  ]
}
JSON

echo "--- no broker"
status "without a broker the program runs" 3 run sh -c 'exit 3'
said "and one line says that there is none" 'no answer from the broker at .*; the program runs without it'
counted "one line only" 1 "$work/said" ''
status "--quiet says nothing" 3 run --quiet sh -c 'exit 3'
silent "nothing at all"
status "--require ends with 125" 125 run --require touch "$work/home/ran"
said "and says why" 'no answer from the broker'
expect "the program was not run" test ! -e "$work/home/ran"
status "--require ends with 125 with the library too" 125 run --require --mode=preload touch "$work/home/ran"
expect "the program was not run either" test ! -e "$work/home/ran"
status "without a broker the kernel's own error stands" 1 run "$work/bin/python3" -c '
import socket
socket.socket(socket.AF_INET, socket.SOCK_RAW, 1)'
said "it is EPERM" 'PermissionError: \[Errno 1\]'

start_sockd
echo "--- wrong usage"
status "no program" 125 run
status "an option that there is not" 125 run --nonsense true
status "a mode that there is not" 125 run --mode=other true
for mode in auto seccomp preload; do
	status "a program that is not there, $mode" 127 run --require --mode=$mode ./nothing
	said "it is said" '^sockd-run: ./nothing cannot be run: No such file or directory$'
	counted "and nothing else" 1 "$work/said" ''
done
status "a file that is no program" 126 run "$work/barred.py"
cp "$(type -P true)" "$work/bin/capable" && setcap cap_net_raw+ep "$work/bin/capable"
status "a program with file capabilities that are out of reach" 126 run "$work/bin/capable"
said "the reason is named" 'capable cannot be run: Operation not permitted \(.*file capabilities'
status "--dry-run needs a supervisor" 125 run --dry-run --mode=preload true
status "options behind the program are its own" 0 run echo --mode=preload
contains "and reach it" "$work/output" '^--mode=preload$'

echo "--- which way"
status "by itself it takes the supervisor" 0 run --verbose "$work/bin/ping" -c 1 -W 5 $peer
said "and says so" 'chosen: --mode=seccomp'
said "and what was given" 'ping\[[0-9]+\]: socket inet raw icmp: given by sockd, grant [0-9]+'
status "the library serves too" 0 run --mode=preload "$work/bin/ping" -c 1 -W 5 $peer
status "under a filter it takes the library" 0 run_barred --verbose "$work/bin/python3" -c '
import socket
print(socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP))'
said "and says why" 'a seccomp filter that was there before answers first'
said "and which" 'chosen: --mode=preload'
# A file that only execvp(3) takes for a script.
cat >"$work/home/plain" <<SCRIPT
exec "$work/bin/python3" -c '
import socket
socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)'
SCRIPT
chmod 755 "$work/home/plain"
status "a script that does not say its interpreter" 0 run_barred --verbose "$work/home/plain"
said "has the library too" 'chosen: --mode=preload'
status "and with --mode=preload" 0 run --mode=preload --require "$work/home/plain"
silent "without a word"
install -m 755 /dev/null "$work/home/empty"
status "an empty one" 0 run --mode=preload --require "$work/home/empty"
status "a directory" 126 run_barred --verbose "$work/home"
said "is called one" 'cannot be loaded into the program: it is a directory'
status "a directory with --require" 126 run --mode=preload --require "$work/home"
said "cannot be run" 'cannot be run: Permission denied'
status "no name" 127 run_barred --verbose ""
said "is not found" 'cannot be loaded into the program: it is not found'
status "a directory of the name is passed by" 0 env PATH="$work:$PATH" bash -c 'mkdir -p "$0/true"; "$@"' "$work" \
	ip netns exec "$near" "${powerless[@]}" env "${with_library[@]}" PATH="$work:$PATH" "$work/bin/sockd-run" \
	--socket="$socket" --mode=preload --require true
installed=("${with_library[@]}")
with_library+=(SOCKD_PRELOAD="$work/lib/missing.so")
status "without the library the program runs" 0 run --mode=preload "$work/bin/python3" -c '
import os
print("missing" in os.environ.get("LD_PRELOAD", ""))'
said "after it was said" 'libsockd-preload.so is not installed; it runs without'
counted "and nothing is complained of" 1 "$work/said" ''
contains "because nothing is loaded" "$work/output" '^False$'
for name in 'with space.so' with:colon.so; do
	install -m 755 "${preload##*:}" "$work/lib/$name"
	with_library+=(SOCKD_PRELOAD="$work/lib/$name")
	status "where LD_PRELOAD cannot name the library the program runs" 0 run --mode=preload true
	said "after it was said" 'has a space or a colon; it runs without'
	counted "and nothing is complained of" 1 "$work/said" ''
	status "with --require it does not" 125 run --mode=preload --require true
done
mkdir -p "$work/home/with space"
install -m 755 "${preload##*:}" "$work/home/with space/near.so"
cd "$work/home/with space" || exit 1
with_library+=(SOCKD_PRELOAD=./near.so)
status "from the user's directory it can" 0 run --mode=preload --require "$work/bin/python3" -c '
import socket
socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)'
silent "without a word"
cd / || exit 1
with_library=("${installed[@]}")
for barred in pidfd_getfd=EPERM pidfd_getfd=ENOSYS process_vm_readv=EACCES process_vm_readv=ENOSYS pidfd_open=EPERM \
	pidfd_open=EACCES pidfd_open=ENOSYS; do
	BARRED=$barred status "where a filter says $barred it takes the library" 0 run_barred --verbose "$work/bin/python3" -c '
import socket
socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)
s = socket.socket()
s.bind(("127.0.0.1", 80))
s.setsockopt(socket.SOL_SOCKET, 36, 7)'
	said "and says so" 'chosen: --mode=preload'
	said "and that a filter may be why" 'cannot be supervised here: .*filter'
done
# in_other_proc HOW COMMAND...: as nobody where /proc knows nobody (gone), or not by these numbers (others).
in_other_proc() {
	local how=$1 as=(sh -c 'mount -t tmpfs none /proc && exec "$@"' sh)
	shift
	[ "$how" = gone ] || as=(unshare --pid --fork)
	in_near "${as[@]}" "${powerless[@]}" env "${with_library[@]}" "$work/bin/sockd-run" --socket="$socket" "$@" 2>"$work/said"
}
ways=(others)
# A sanitizer's run-time reads there itself.
[ "${preload%:*}" != "$preload" ] || ways+=(gone)
for how in "${ways[@]}"; do
	status "where /proc is $how it takes the library" 0 in_other_proc $how --verbose "$work/bin/python3" -c '
import socket
socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)'
	said "and says so" 'chosen: --mode=preload'
	said "and why" "cannot be supervised here: /proc is not there, or shows another PID namespace"
	status "a supervisor that cannot be, /proc is $how" 125 in_other_proc $how --mode=seccomp touch "$work/home/ran"
	counted "and one line says why" 1 "$work/said" '/proc is not there, or shows another PID namespace'
	counted "and nothing else" 1 "$work/said" ''
	expect "the program was not run" test ! -e "$work/home/ran"
done
status "in another sockd-run it takes the library" 0 run "$work/bin/sockd-run" --verbose "$work/bin/ping" -c 1 -W 5 $peer
said "because there can be one supervisor only" 'cannot be supervised here: another supervisor does that already'
status "a supervisor that cannot be ends with 125" 125 run "$work/bin/sockd-run" --mode=seccomp true
counted "and one line says why" 1 "$work/said" ''
if printf 'int main(void) { return 3; }\n' >"$work/static.c" && gcc -static -o "$work/bin/static" "$work/static.c" 2>/dev/null; then
	status "a static program that nothing reaches runs without" 3 run "$work/bin/sockd-run" --verbose "$work/bin/static"
	said "after it was said" 'neither a supervisor nor the preload library can bring sockets to .*; it runs without'
	said "and why" 'it is not linked dynamically'
	status "--require does not run it" 125 run "$work/bin/sockd-run" --require "$work/bin/static"
	said "and says who knows why" 'can bring sockets to .* here \(--verbose says why\)$'
else
	echo "SKIP static programs: the C library cannot be linked statically"
fi

echo "--- names of files from the user's directory"
cat >"$work/bin/moves" <<'SCRIPT'
import os, socket, sys
os.chdir("/")
if os.fork() == 0:
    os.execv(sys.executable, [sys.executable, "-c", """
import socket
socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)
print("opened")"""])
sys.exit(os.WEXITSTATUS(os.wait()[1]))
SCRIPT
for mode in seccomp preload; do
	for way in option environment; do
		by=(SOCKD_SOCKET="run/${socket##*/}" "$work/bin/sockd-run")
		[ $way = environment ] || by=("$work/bin/sockd-run" --socket="run/${socket##*/}")
		status "the broker's socket, $mode, $way" 0 \
			in_near "${powerless[@]}" env --chdir="$work" "${with_library[@]}" SOCKD_PRELOAD="lib/${preload##*/}" \
			"${by[@]}" --mode=$mode --require "$work/bin/python3" "$work/bin/moves" 2>"$work/said"
		contains "serves what has moved to another" "$work/output" '^opened$'
		silent "and nothing is complained of"
	done
done

echo "--- what the program starts with"
limited() {
	(
		ulimit -f 0
		exec ip netns exec "$near" "${powerless[@]}" env "${with_library[@]}" \
			"$work/bin/sockd-run" --socket="$socket" "$@" 2>&1
	) | cat
	return "${PIPESTATUS[0]}"
}
status "under a limit of file sizes it runs" 0 limited --mode=seccomp bash -c 'ulimit -f'
contains "and the program has that limit" "$work/output" '^0$'
# Becomes sockd-run, as a service manager starts it.
cat >"$work/manager" <<'SCRIPT'
import os, sys
pid = str(os.getpid() + (sys.argv[1] == "other"))
os.environ.update(LISTEN_PID=pid, LISTEN_PIDFDID="17", WATCHDOG_PID=pid, SYSTEMD_EXEC_PID=pid)
os.execv(sys.argv[2], sys.argv[2:])
SCRIPT
chmod 644 "$work/manager"
managed() {
	in_near "${powerless[@]}" env "${with_library[@]}" /usr/bin/python3 "$work/manager" "$@" 2>"$work/said"
}
for mode in seccomp preload; do
	status "what a service manager says of its process, $mode" 0 managed same "$work/bin/sockd-run" --socket="$socket" \
		--mode=$mode "$work/bin/python3" -c '
import os
own = str(os.getpid())
for name in "LISTEN_PID", "WATCHDOG_PID", "SYSTEMD_EXEC_PID":
    print(name, os.environ[name] == own)
print(os.environ.get("LISTEN_PIDFDID"))'
	counted "is said of the program" 3 "$work/output" True
done
status "what it says of its process has no pidfd of another, seccomp" 0 managed same "$work/bin/sockd-run" \
	--socket="$socket" --mode=seccomp sh -c 'echo "<$LISTEN_PIDFDID>"'
contains "it is not there" "$work/output" '^<>$'
status "what it says of another process" 0 managed other "$work/bin/sockd-run" --socket="$socket" --mode=seccomp \
	"$work/bin/python3" -c '
import os
print(os.environ["LISTEN_PID"] == os.environ["WATCHDOG_PID"] == os.environ["SYSTEMD_EXEC_PID"] != str(os.getpid()))
print(os.environ["LISTEN_PIDFDID"])'
expect "is left alone" cmp - "$work/output" <<<$'True\n17'

echo "--- --map-root"
if user_namespaces --map-root; then
	status "the program sees itself as root" 0 run --map-root id -u
	contains "with number 0" "$work/output" '^0$'
	status "and has what the real user has" 0 run --map-root "$work/bin/ping" -c 1 -W 5 $peer
	status "a low port of the rule" 0 run --map-root "$work/bin/python3" -c '
import socket
s = socket.socket()
s.bind(("127.0.0.1", 80))
s.setsockopt(socket.SOL_SOCKET, 36, 7)'
	status "and no more: another port" 1 run --map-root "$work/bin/python3" -c '
import socket
socket.socket().bind(("127.0.0.1", 81))'
	status "nor a packet socket" 1 run --map-root "$work/bin/python3" -c '
import socket
socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)'
	status "nor a file of root's" 2 run --map-root sh -c 'echo >/etc/hostname'

	echo "--- programs that move"
	status "one that makes a namespace of its own is left to the kernel" 0 run unshare --user --map-root-user --net \
		"$work/bin/python3" -c '
import socket
s = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)
t = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
u = socket.socket()
u.bind(("", 81))
print([name for _, name in socket.if_nameindex()])'
	contains "and sees its own interfaces" "$work/output" "'lo'"
	counted "and none of those it came from" 0 "$work/output" eth0
	status "its sockets are of its own namespace" 0 run --verbose unshare --user --map-root-user --net \
		"$work/bin/python3" -c '
import socket
s = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)
try:
    s.sendto(b"x" * 8, ("10.99.0.2", 0))
except OSError as error:
    print(error.strerror)'
	contains "from where nothing is reached" "$work/output" '^Network is unreachable$'
	counted "sockd was not asked" 0 "$work/said" 'sockd, grant'
	status "one that only changes its user namespace is not served" 1 run unshare --user \
		"$work/bin/python3" -c '
import socket
socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)'
fi
if ! user_namespaces containers; then
	:
elif command -v bwrap >/dev/null && in_near "${powerless[@]}" bwrap --unshare-user --unshare-net --dev-bind / / true 2>/dev/null; then
	box=(bwrap --unshare-user --unshare-net --dev-bind / /)
	status "in a container no rule speaks of its peers" 1 run "${box[@]}" "$work/bin/python3" -c '
import socket
socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)'
	policy <<'JSON'
{
  "rules": [
    { "name": "out", "peers": { "uid": 65534 }, "family": "inet", "type": ["raw", "dgram"],
      "protocol": ["icmp", "udp", "default"], "netns": "broker" },
    { "name": "in", "peers": { "uid": 65534 }, "family": "inet", "type": "stream", "protocol": "tcp", "ports": [80],
      "netns": "peer", "options": { "SO_MARK": 7 } }
  ]
}
JSON
	stop_sockd
	start_sockd
	status "a rule that gives the broker's namespace is the way out" 0 run --netns=broker "${box[@]}" \
		"$work/bin/ping" -c 1 -W 5 $peer
	status "port 80 of its own namespace" 0 run --verbose "${box[@]}" "$work/bin/python3" -c '
import socket
s = socket.socket()
s.bind(("127.0.0.1", 80))
s.setsockopt(socket.SOL_SOCKET, 36, 7)
try:
    s.setsockopt(socket.SOL_SOCKET, 36, 8)
except PermissionError:
    print("refused")'
	contains "another value than the rule's is refused" "$work/output" refused
	said "by sockd" 'bind inet stream tcp 127\.0\.0\.1:80: done by sockd'
	expect "nobody is left in the container's namespace" wait_for 10 no_runners
else
	echo "SKIP containers: bwrap is not installed, or may not make namespaces here"
fi

echo "--- a namespace that none can be"
long=$(printf '%0256d' 0)
for name in a/b .. "$long"; do
	for mode in seccomp preload; do
		status "--netns=${name:0:9}, $mode" 125 run --quiet --mode=$mode --netns="$name" true
		said "and why" "--netns \(or SOCKD_NETNS\) takes broker or a name as in ip-netns\(8\), not $name;"
	done
	SOCKD_NETNS=$name status "in SOCKD_NETNS" 125 run --quiet true
done
status "none in particular" 0 run --netns= true

echo "--- --dry-run"
policy <<'JSON'
{
  "rules": [
    { "name": "ping", "peers": { "uid": 65534 }, "family": "inet", "type": "raw", "protocol": "icmp" },
    { "name": "web", "peers": { "uid": 65534 }, "family": "inet", "type": "stream", "protocol": "tcp", "ports": [80] }
  ]
}
JSON
stop_sockd
start_sockd
status "nothing is given" 0 run --dry-run "$work/bin/python3" -c '
import socket
def tried(call):
    try:
        call()
        print("given")
    except OSError as error:
        print(error.errno)
s = socket.socket()
tried(lambda: socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP))
tried(lambda: socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0))
tried(lambda: s.bind(("127.0.0.1", 80)))
tried(lambda: s.bind(("127.0.0.1", 81)))
tried(lambda: s.bind(("127.0.0.1", 8081)))'
expect "but what the kernel gives" cmp - "$work/output" <<<$'1\n1\n13\n13\ngiven'
said "it says which rule would allow" 'socket inet raw icmp: would be allowed by rule ping'
said "and what none would" 'socket packet raw: would be refused with EPERM: .*no rule'
said "with the address" 'bind inet stream tcp 127\.0\.0\.1:80: would be allowed by rule web'
said "that is refused too" 'bind inet stream tcp 127\.0\.0\.1:81: would be refused with EACCES'
counted "what needs no broker is not told of" 0 "$work/said" ':8081'
# The last of the trail is written when sockd ends.
stop_sockd
tac "$audit" | sed '/"event":"start"/q' >"$work/last"
counted "sockd was asked four times" 4 "$work/last" '"event":"question"'
counted "and granted nothing" 0 "$work/last" '"event":"grant"'
