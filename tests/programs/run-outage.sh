#!/bin/bash
# What goes wrong around a program under sockd-run: no broker, one that dies or is stuck in mid-request, a supervisor that
# is killed, a program that dies, is stopped or gets a signal in mid-call, that hides itself or outlives its parent.
. "$(dirname "$0")/../lib.sh"
begin /usr/bin/python3

policy <<'JSON'
{
  "rules": [
    {
      "name": "echo",
      "peers": { "uid": 65534 },
      "family": "inet", "type": "raw", "protocol": "icmp"
    },
    {
      "name": "low",
      "peers": { "uid": 65534 },
      "family": "inet", "type": "stream", "protocol": "tcp", "ports": [80]
    }
  ]
}
JSON

# Does what it is told, a line each, and says how it went.
cat >"$work/agent.py" <<'PYTHON'
import ctypes, errno, os, signal, socket, subprocess, sys, threading, time

def raw():
    socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP).close()

def bind(port=80):
    with socket.socket() as s:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        s.bind(("127.0.0.1", port))

def local():
    socket.socketpair()[0].close()

def alarmed():
    """A raw socket, with a signal once a millisecond; how many descriptors that leaves open."""
    before, signals, interrupted = set(os.listdir("/proc/self/fd")), [], 0
    signal.signal(signal.SIGALRM, lambda *_: signals.append(1))
    signal.siginterrupt(signal.SIGALRM, False)
    signal.setitimer(signal.ITIMER_REAL, 0.001, 0.001)
    opened = 0
    begun = time.monotonic()
    while (took := time.monotonic() - begun) < 1 or took < 10 and not (opened > 50 and len(signals) > 50):
        try:
            raw()
            opened += 1
        except InterruptedError:
            interrupted += 1
    signal.setitimer(signal.ITIMER_REAL, 0)
    return "opened %s, signals %s, left open %d, interrupted %d" % (
        opened > 50, len(signals) > 50, len(set(os.listdir("/proc/self/fd")) - before), interrupted)

def beside():
    """A raw socket in a thread of its own, that may wait long; meanwhile, what needs no broker."""
    def others():
        began = time.monotonic()
        for _ in range(100):
            bind(0)
            local()
        return time.monotonic() - began
    alone = others()
    thread = threading.Thread(target=lambda: print("thread:", attempt(raw), flush=True))
    thread.start()
    time.sleep(0.2)
    return "in time" if others() < 2 + 5 * alone and thread.is_alive() else "late"

def hidden():
    ctypes.CDLL(None).prctl(4, 0, 0, 0, 0)  # PR_SET_DUMPABLE
    try:
        return attempt(bind)
    finally:
        ctypes.CDLL(None).prctl(4, 1, 0, 0, 0)

def child():
    return subprocess.run([sys.executable, __file__, home, "raw"], capture_output=True, text=True).stdout.strip()

def again():
    os.execv(sys.executable, [sys.executable, __file__, home, "again"])

def daemon():
    """One of two forks and a session of its own, that asks later."""
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            null = os.open("/dev/null", os.O_RDWR)
            for fd in range(3):
                os.dup2(null, fd)
            while not os.path.exists(home + "/go"):
                time.sleep(0.05)
            said = attempt(raw) + " " + attempt(bind)
            with open(home + "/daemon", "w") as file:
                file.write(said + "\n")
            time.sleep(0.5)
        os._exit(0)
    os.wait()
    return "started"

def attempt(function):
    try:
        return function() or "ok"
    except OSError as e:
        return errno.errorcode[e.errno]

functions = {f.__name__: f for f in (raw, bind, local, alarmed, beside, hidden, child, again, daemon)}
functions["ordinary"] = lambda: bind(0)
home, *once = sys.argv[1:]
if once == ["again"]:
    print("ok", flush=True)
elif once:
    print(attempt(functions[once[0]]))
    sys.exit()
while line := sys.stdin.readline().strip():
    if line.startswith("exit "):
        sys.exit(int(line[5:]))
    print(attempt(functions[line]), flush=True)
PYTHON

to= from=
# start_agent OPTION...: agent is sockd-run's pid, program that of the program.
start_agent() {
	rm -f "$work/to" "$work/from"
	mkfifo "$work/to" "$work/from"
	run_exec --mode=seccomp "$@" -- /usr/bin/python3 "$work/agent.py" "$work/home" <"$work/to" >"$work/from" \
		2>"$work/agent.err" &
	agent=$!
	remember
	exec {to}>"$work/to" {from}<"$work/from"
	ask local
	[ "$answer" = ok ] || { cat "$work/agent.err"; die "the program runs ('$answer')"; }
	program=$(program_of "$agent")
}

end_agent() {
	local status=0
	echo "exit $1" >&"$to"
	exec {to}>&- {from}<&-
	wait "$agent" || status=$?
	expect "$2: the exit status is the program's ($status)" [ "$status" -eq "$1" ]
}

tell() {
	echo "$1" >&"$to"
}

hear() {
	IFS= read -r -t "${1:-15}" answer <&"$from" || answer=nothing
}

ask() {
	tell "$1"
	hear
}

# answers NAME COMMAND ANSWER
answers() {
	ask "$2"
	expect "$1 ($2: $answer)" [ "$answer" = "$3" ]
}

kill_broker() {
	kill -KILL "$broker_pid"
	wait "$broker_pid" 2>/dev/null
	broker_pid=
}

supervisor() {
	local pid
	for pid in $(runners); do
		[ "$pid" = "$agent" ] || echo "$pid"
	done
}

gone() {
	! kill -0 "$1" 2>/dev/null
}

# No broker at all.
status=0
run --mode=seccomp -- sh -c 'echo runs; exit 5' >"$work/said" 2>"$work/err" || status=$?
expect "without a broker the program runs, with its own exit status ($status)" [ "$status" -eq 5 ]
counted "and says what it says" 1 "$work/said" '^runs$'
counted "one line says that there is no broker" 1 "$work/err" ''
contains "it is sockd-run's, and names the socket" "$work/err" "^sockd-run: .*$socket"
run --mode=seccomp --quiet -- true 2>"$work/err"
counted "--quiet silences it" 0 "$work/err" ''
status=0
run --mode=seccomp --require -- sh -c 'echo runs' >"$work/said" 2>"$work/err" || status=$?
expect "--require: it is 125 ($status)" [ "$status" -eq 125 ]
counted "--require: the program does not run" 0 "$work/said" runs
contains "--require: why" "$work/err" "^sockd-run: .*$socket"
start_agent
answers "without a broker the errors are the kernel's" raw EPERM
answers "without a broker the errors are the kernel's" bind EACCES
answers "without a broker all else works" ordinary ok
# It has come up meanwhile.
start_sockd
answers "a broker that comes later is found" raw ok
answers "a broker that comes later is found" bind ok

kill_broker
answers "the broker is killed" raw EPERM
answers "the broker is killed" bind EACCES
start_sockd
answers "a new broker is found" raw ok
answers "a new broker is found" bind ok
for request in raw bind; do
	kill -STOP "$broker_pid"
	tell "$request"
	hear 0.5
	expect "the broker is stuck: $request waits" [ "$answer" = nothing ]
	kill_broker
	hear
	case $request in raw) wanted=EPERM ;; bind) wanted=EACCES ;; esac
	expect "the broker is killed in mid-request: the kernel's error ($request: $answer)" [ "$answer" = "$wanted" ]
	start_sockd
	answers "the next request finds a new one" "$request" ok
done
kill -STOP "$broker_pid"
ask beside
expect "a request that waits holds up no other call ($answer)" [ "$answer" = 'in time' ]
kill -CONT "$broker_pid"
hear
expect "and is answered at last ($answer)" [ "$answer" = 'thread: ok' ]

# The program is stopped, signalled and ended in mid-call.
kill -STOP "$broker_pid"
tell raw
sleep 0.2
kill -STOP "$program"
kill -CONT "$broker_pid"
sleep 0.2
kill -CONT "$program"
hear
expect "a program that is stopped in mid-call has its socket ($answer)" [ "$answer" = ok ]
answers "one with many signals" alarmed 'opened True, signals True, left open 0, interrupted 0'
answers "a child by vfork and exec" child ok
ask hidden
expect "one that is not dumpable has the kernel's error ($answer)" [ "$answer" = EACCES ]
contains "and one line says why" "$work/agent.err" 'dumpable'
answers "exec" again ok
answers "after exec it is served as before" raw ok
answers "after exec it is served as before" bind ok
rm -f "$work/home/daemon" "$work/home/go"
answers "a daemon goes off" daemon started
end_agent 6 "its parent ends before it"
expect "the supervisor stays for it" [ -n "$(runners)" ]
touch "$work/home/go"
expect "the daemon has its sockets" wait_for 10 grep -qx 'ok ok' "$work/home/daemon"
expect "the supervisor goes with it" wait_for 10 no_runners
# Whoever reads what a program wrote does not wait for its daemon.
said=$(run --mode=seccomp -- sh -c 'setsid sleep 100 </dev/null >/dev/null 2>&1 & echo said $!')
expect "its output ends with it ('$said'), and not with its daemon" kill "${said#said }"
expect "the supervisor goes with that one too" wait_for 10 no_runners

start_agent
kill -STOP "$broker_pid"
tell raw
sleep 0.2
kill -KILL "$program"
status=0
wait_for 5 gone "$agent" || fail "sockd-run ends with a program that is killed in mid-call"
wait "$agent" || status=$?
expect "one that is killed in mid-call ends at once ($status)" [ "$status" -eq 137 ]
exec {to}>&- {from}<&-
kill -CONT "$broker_pid"
expect "and so does its supervisor" wait_for 10 no_runners

# The supervisor is killed.
start_agent
answers "before" raw ok
kill -KILL $(supervisor)
for call in raw bind ordinary; do
	answers "the supervisor is killed: the next intercepted call fails" "$call" ENOSYS
done
answers "the supervisor is killed: other calls work" local ok
end_agent 7 "the supervisor is killed"
expect "and nothing is left" wait_for 10 no_runners

# A broker that takes connections and never answers.
kill -STOP "$broker_pid"
began=$SECONDS
(run_exec --mode=seccomp -- sleep 100) 2>/dev/null &
runner=$!
remember
sleep 0.5
kill -TERM "$runner"
status=0
wait "$runner" || status=$?
# By itself it waits for ten seconds.
expect "sockd-run that waits for a broker is ended by a signal ($status)" [ "$status:$((SECONDS - began < 9))" = 143:1 ]
kill -CONT "$broker_pid"
expect "with all that it has started" wait_for 15 no_runners
