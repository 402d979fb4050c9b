#!/bin/bash
# Started as a service manager starts it: the listening sockets are handed over, and it is told of readiness, reloads,
# the watchdog and the end (sd_listen_fds(3), sd_notify(3)).
. "$(dirname "$0")/../lib.sh"
begin /usr/bin/python3

policy <<'JSON'
{ "rules": [ { "name": "echo", "peers": { "uid": 65534 }, "listener": "tenant", "family": "inet", "type": "raw", "protocol": "icmp" } ] }
JSON

cat >"$work/manager.py" <<'PYTHON'
import atexit, os, select, signal, socket, subprocess, sys, time

work, tenant, management = sys.argv[1:4]

def listening(kind, path):
    s = socket.socket(socket.AF_UNIX, kind)
    s.bind(path)
    os.chmod(path, 0o666)
    s.listen()
    return s  # blocking, as a careless manager leaves it

def check(name, condition):
    print("ok" if condition else "FAIL", name, flush=True)

clients = listening(socket.SOCK_SEQPACKET, tenant)
administrators = listening(socket.SOCK_STREAM, management)
notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
notify.bind(work + "/run/notify")
os.chmod(work + "/run/notify", 0o666)
notify.settimeout(10)

def drop():
    os.setgroups([])
    os.setgid(65534)
    os.setuid(65534)

# Who asks first, before sockd could have said that it wants to know who sends (no PassCredentials=yes).
environment = dict(os.environ, SOCKD_SOCKET=tenant)
early = subprocess.Popen([work + "/bin/sockctl", "open", "inet", "raw", "icmp"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                         text=True, env=environment, preexec_fn=drop)
check("a client connects before sockd runs", select.select([clients], [], [], 10)[0] != [])
time.sleep(0.3)

pid = os.fork()
if pid == 0:
    a, b = os.dup(clients.fileno()), os.dup(administrators.fileno())
    high = [os.dup2(a, 100), os.dup2(b, 101)]
    os.dup2(high[0], 3)
    os.dup2(high[1], 4)
    os.closerange(5, 200)
    os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS="2", LISTEN_FDNAMES="tenant:management",
                      NOTIFY_SOCKET=work + "/run/notify", WATCHDOG_USEC="1000000", WATCHDOG_PID=str(os.getpid()))
    os.execv(work + "/bin/sockd", ["sockd", "--policy", work + "/policy.d", "--user", "64500:64500",
                                   "--audit", work + "/audit/audit.json"])

def end_sockd():
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        pass

atexit.register(end_sockd)

def told(word):
    end = time.monotonic() + 10
    while time.monotonic() < end:
        message = notify.recv(4096).decode()
        if word in message.split("\n"):
            return message
    return ""

def sockctl(*arguments, **kwargs):
    return subprocess.run([work + "/bin/sockctl", *arguments], capture_output=True, text=True, timeout=10, **kwargs)

check("readiness is announced, with words", "STATUS=1 rules from 1 files" in told("READY=1"))
told_early = early.communicate(timeout=15)[0].strip()
check("the client that came first is served: " + (told_early or "it says nothing"), early.returncode == 0)
for turn in ("a client", "another client"):
    result = sockctl("open", "inet", "raw", "icmp", env=environment, preexec_fn=drop)
    check(turn + " is served on the socket that was handed over", result.returncode == 0)
result = sockctl("--management=" + management, "status")
check("administrators have theirs by its name", result.returncode == 0 and "1" in result.stdout)
check("the watchdog is fed", told("WATCHDOG=1") != "")
os.kill(pid, signal.SIGHUP)
check("a reload is announced with its time", "MONOTONIC_USEC=" in told("RELOADING=1"))
check("and so is its end", told("READY=1") != "")
os.kill(pid, signal.SIGTERM)
check("so is the end", told("STOPPING=1") != "")
check("it ends with status 0", os.waitpid(pid, 0)[1] == 0)
check("the manager's sockets are left alone", os.path.exists(tenant) and os.path.exists(management))
PYTHON

in_near timeout 60 /usr/bin/python3 "$work/manager.py" "$work" "$socket" "$management" >"$work/told" 2>"$work/sockd.log"
status=$?
cat "$work/told" "$work/sockd.log"
failures=$((failures + $(grep -c ^FAIL "$work/told")))
[ "$status" -eq 0 ] || fail "the manager came to its end (exit status $status)"
