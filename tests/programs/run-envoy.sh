#!/bin/bash
# Under sockd-run: a program in a network namespace of its own, as in a container, and what it can do to the process of
# sockd-run that speaks for it there: stop it, and speak in its place.
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/../targets/common.sh"
be_a_user_alone
begin_run
user_namespaces "all" || skip_all "the kernel has no user namespaces for an ordinary user here"

policy <<JSON
{ "rules": [
  { "name": "ping", "peers": { "uid": $client_uid }, "family": "inet", "type": "raw", "protocol": "icmp",
    "netns": "peer" } ] }
JSON
start_sockd

cat >"$work/agent.py" <<'PYTHON'
import errno, socket, sys
for line in sys.stdin:
    try:
        socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP).close()
        print("socket", flush=True)
    except OSError as e:
        print(errno.errorcode[e.errno], flush=True)
PYTHON
mkfifo "$work/to" "$work/from"
supervised_exec --quiet -- unshare --user --net /usr/bin/python3 "$work/agent.py" <"$work/to" >"$work/from" 2>"$work/told" &
target=$!
remember
exec {to}>"$work/to" {from}<"$work/from"

hear() {
	IFS= read -r -t "$1" answer <&"$from" || answer=nothing
}

ask() {
	echo >&"$to"
	hear 40
}

# A child of whichever thread has sent it.
envoy() {
	local child
	for child in $(cat "/proc/$supervisor"/task/*/children); do
		! is_runner "$child" || echo "$child"
	done
}

one_envoy() {
	[ "$(envoy | wc -l)" -eq 1 ]
}

no_envoy() {
	[ -z "$(envoy)" ]
}

ask
expect "a program elsewhere gets a socket of there ($answer)" [ "$answer" = socket ]
supervisor=$(supervisor_of "$target")
expect "by one envoy" one_envoy

# What is no answer, with a descriptor, from the envoy's end of the channel; root needs no leave for that.
cat >"$work/speak.py" <<'PYTHON'
import ctypes, os, socket, sys
envoy = int(sys.argv[1])
channel = max(int(fd) for fd in os.listdir("/proc/%d/fd" % envoy) if
              os.readlink("/proc/%d/fd/%s" % (envoy, fd)).startswith("socket:") and int(fd) < 512)
fd = ctypes.CDLL(None).syscall(438, os.pidfd_open(envoy), channel, 0)
with socket.socket(fileno=fd) as own:
    socket.send_fds(own, [b"x"], [0])
PYTHON
n_before=$(n_fds "$supervisor")
for ((i = 0; i < 10; i++)); do
	ask
	envoy=$(envoy)
	kill -STOP "$envoy"
	python3 "$work/speak.py" "$envoy" </dev/null || fail "speak as the envoy"
	ask
	[ "$answer" = socket ] || fail "another envoy is sent ($answer)"
done
expect "what an envoy gives that was not asked for stays with nobody ($n_before, then $(n_fds "$supervisor"))" \
	[ "$(n_fds "$supervisor")" -le $((n_before + 4)) ]
expect "no envoy is left but the last" wait_for 2 one_envoy

# It asks the broker for ten seconds, perhaps twice.
kill -STOP "$(envoy)"
ask
expect "one that never answers is not waited for for ever: the kernel's error ($answer)" [ "$answer" = EPERM ]
expect "nor is it left behind" wait_for 10 no_envoy
ask
expect "the next call has another ($answer)" [ "$answer" = socket ]
kill -STOP "$(envoy)"
exec {to}>&- {from}<&-
status=0
wait "$target" || status=$?
expect "the program ends ($status)" [ "$status" -eq 0 ]
expect "and nothing of sockd-run is left" wait_for 10 no_runners
