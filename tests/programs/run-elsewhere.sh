#!/bin/bash
# sockd-run: programs in user namespaces of their own, who they are there, and what is said of those that are left to the
# kernel.
. "$(dirname "$0")/../lib.sh"
begin python3 unshare nsenter
copy_program python3
user_namespaces "user namespaces" || exit 0

policy <<'JSON'
{
  "rules": [
    { "name": "home", "peers": { "uid": 65534 }, "family": "inet", "type": "stream", "protocol": "tcp", "ports": [80] },
    { "name": "own", "peers": { "uid": 65534 }, "family": "inet", "type": "stream", "protocol": "tcp", "ports": [81],
      "netns": "peer" }
  ]
}
JSON
start_sockd

# binds COMMAND...: prints what became of ports 80 and 81, with what sockd-run says in $work/said.
bind='import os, socket
for port in 80, 81:
    try: print(os.getuid(), port, socket.socket().bind(("127.0.0.1", port)) or "bound")
    except OSError as error: print(os.getuid(), port, error.strerror)'
binds() {
	run --mode=seccomp --verbose "$@" "$work/bin/python3" -c "$bind" >"$work/binds" 2>"$work/said"
	cat "$work/binds" "$work/said"
}

echo "--- another user of a container"
# A container of the user's in which there are more users, as /etc/subuid gives them.
(exec ip netns exec "$near" "${powerless[@]}" unshare --user --net sleep 1000) &
remember
container=$!
is_container() {
	[ "$(readlink "/proc/$container/ns/user")" != "$(readlink /proc/self/ns/user)" ]
}
wait_for 10 is_container || die "make a container"
printf '0 52000 1000\n1000 %d 1\n' "$client_uid" >"$work/map"
for map in uid_map gid_map; do
	dd if="$work/map" of="/proc/$container/$map" status=none || die "map its users"
done
# in_container UID COMMAND...: as one of them, without capabilities.
in_container() {
	local uid=$1
	shift
	nsenter=(nsenter --target "$container" --user --net --setuid 0 --setgid 0 setpriv --reuid="$uid" --regid="$uid"
		--clear-groups --inh-caps=-all --bounding-set=-all)
	binds "${nsenter[@]}" "$@"
}
in_container 1000
contains "the same user is given what a rule says for the container" "$work/binds" '^1000 81 bound$'
contains "and no more" "$work/binds" '^1000 80 Permission denied$'
in_container 33
contains "another user is not taken for this one" "$work/binds" '^33 81 Permission denied$'
contains "nor given what is the host's" "$work/binds" '^33 80 Permission denied$'
counted "why is said once" 1 "$work/said" \
	'^sockd-run: python3\[[0-9]+\] is left to the kernel: its users, groups or capabilities are no longer those it was started with; start sockd-run with those that it has now$'

echo "--- a user namespace alone"
binds unshare --user
contains "one that only changes its user namespace is left to the kernel" "$work/binds" '80 Permission denied$'
counted "why is said once" 1 "$work/said" \
	'^sockd-run: python3\[[0-9]+\] is left to the kernel: it is in a user namespace of its own; start sockd-run in there$'
in_near "${powerless[@]}" unshare --user env SOCKD_SOCKET="$socket" ASAN_OPTIONS="$sanitizer_options" \
	UBSAN_OPTIONS="$sanitizer_options" "$work/bin/sockd-run" --mode=seccomp "$work/bin/python3" -c "$bind" >"$work/binds" 2>&1
contains "sockd-run that is started in there serves it" "$work/binds" '80 bound$'
run --mode=seccomp --dry-run unshare --user "$work/bin/python3" -c "$bind" >"$work/binds" 2>&1
contains "it is said by --dry-run too" "$work/binds" 'it is in a user namespace of its own'
install -d -m 755 -o "$client_uid" -g "$client_uid" "$work/learnt"
run --mode=seccomp --learn "$work/learnt/p.json" unshare --user "$work/bin/python3" -c "$bind" >"$work/binds" 2>&1
contains "and by --learn, which learns nothing of it" "$work/binds" 'it is in a user namespace of its own'
run --mode=seccomp unshare --user "$work/bin/python3" -c "$bind" >"$work/binds" 2>&1
counted "but not unasked" 0 "$work/binds" '^sockd-run:'

echo "--- a container without devices"
in_bare() {
	in_near "${powerless[@]}" unshare --user --map-root-user --mount sh -c 'mount -t tmpfs none /dev && exec "$@"' - \
		env SOCKD_SOCKET="$socket" "${with_library[@]}" UBSAN_OPTIONS="$sanitizer_options" "$@" >"$work/binds" 2>&1
}
for mode in seccomp preload; do
	in_bare "$work/bin/sockd-run" --mode="$mode" "$work/bin/python3" -c "$bind"
	contains "sockd-run needs no /dev/null: $mode" "$work/binds" '80 bound$'
done
in_bare sh -c 'exec "$@" <&-' - "$work/bin/sockd-run" --mode=seccomp "$work/bin/python3" -c "
import os
try: os.fstat(0)
except OSError as error: print(error.strerror)
$bind"
contains "nor where a standard descriptor is closed" "$work/binds" '80 bound$'
contains "which the program finds so" "$work/binds" '^Bad file descriptor$'

echo "--- the process of sockd-run that asks for it there, whose files are those of home"
cat >"$work/look.py" <<'PYTHON'
import ctypes, os, socket, sys
libc = ctypes.CDLL(None, use_errno=True)
print("bound", socket.socket().bind(("127.0.0.1", 81)) is None)
for pid in filter(str.isdigit, os.listdir("/proc")):
    try:
        if open("/proc/%s/comm" % pid).read() != "sockd-run\n": continue
        # What may be looked into, as what belongs to another namespace may not.
        print("root of", pid, os.listdir("/proc/%s/root" % pid) and "seen")
    except OSError as error:
        print("root of", pid, error.strerror)
    if libc.ptrace(16, int(pid), None, None) == 0: # PTRACE_ATTACH
        print("traced", pid)
        os.waitpid(int(pid), 0x40000000)
        libc.ptrace(17, int(pid), None, None)
PYTHON
run --mode=seccomp unshare --user --net --map-current-user "$work/bin/python3" "$work/look.py" >"$work/look" 2>&1
contains "the program is served there" "$work/look" '^bound True$'
contains "it sees processes of sockd-run" "$work/look" '^root of'
counted "the program cannot look out by way of it" 0 "$work/look" 'seen$'
counted "nor speak in its place" 0 "$work/look" '^traced'
