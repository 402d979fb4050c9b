#!/bin/bash
# Services whose program runs under sockd-run: hardened ones, those that tell systemd when they are ready, that put
# themselves into the background, that are handed their sockets, and how they are stopped, reloaded and started anew.
. "$(dirname "$0")/units.sh"
begin_systemd python3 sockd-run

policy <<'JSON'
{ "rules": [
  { "name": "echo", "peers": "any", "unit": "run-*.service", "family": "inet", "type": "raw", "protocol": "icmp" },
  { "name": "web", "peers": "any", "unit": "run-*.service", "family": "inet", "type": "stream", "ports": [80] }
] }
JSON

cat >"$work/raw.py" <<'PYTHON'
import socket
s = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)
print("given", flush=True)
PYTHON
raw=(sockd-run --verbose --require -- python3 "$work/raw.py")

# given NAME HOW PROPERTY...: what the program says, and in which mode it was.
given() {
	local name=$1 how=$2
	shift 2
	service run-one "$@" -- "${raw[@]}" >"$work/said" 2>&1
	contains "$name: the socket" "$work/said" '^given$'
	contains "$name: by the $how" "$work/said" "$how"
	grep -q '^given$' "$work/said" || cat "$work/said"
}

given "an ordinary service" seccomp DynamicUser=yes
given "one that may open AF_UNIX only" preload RestrictAddressFamilies=AF_UNIX
given "one with the usual calls" '(seccomp|preload)' SystemCallFilter=@system-service SystemCallErrorNumber=EPERM
given "one that is hardened" '(seccomp|preload)' DynamicUser=yes ProtectProc=invisible ProcSubset=pid PrivateTmp=yes \
	PrivateDevices=yes ProtectSystem=strict ProtectHome=yes ProtectKernelTunables=yes ProtectControlGroups=yes \
	LockPersonality=yes MemoryDenyWriteExecute=yes RestrictRealtime=yes RestrictSUIDSGID=yes RemoveIPC=yes \
	RestrictNamespaces=yes SystemCallArchitectures=native
given "one with users of its own" '(seccomp|preload)' PrivateUsers=yes

cat >"$work/serve.py" <<'PYTHON'
# serve.py LOG: a server on port 80 that tells systemd of itself, reads its settings again on SIGHUP, and ends on SIGTERM.
import os, signal, socket, sys, time

log = open(sys.argv[1], "a", buffering=1)

def tell(text):
    path = os.environ.get("NOTIFY_SOCKET")
    if path:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as s:
            s.sendto(text.encode(), path.replace("@", "\0", 1))

def ended(*_):
    print("ended", file=log)
    sys.exit(0)

signal.signal(signal.SIGHUP, lambda *_: print("reloaded", file=log))
signal.signal(signal.SIGTERM, ended)
if "LISTEN_FDS" in os.environ:
    assert int(os.environ["LISTEN_PID"]) == os.getpid()
    s = socket.socket(fileno=3)
    print("handed", s.getsockname(), file=log)
else:
    s = socket.socket()
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    s.bind(("127.0.0.1", 80))
    s.listen()
tell("READY=1\nSTATUS=serves")
print("ready", os.getuid(), file=log)
every = int(os.environ.get("WATCHDOG_USEC", "0")) / 3e6
while len(sys.argv) < 3 or sys.argv[2] != "silent":
    time.sleep(every or 1)
    tell("WATCHDOG=1")
while True:
    time.sleep(1)
PYTHON
touch "$work/log"
chmod 666 "$work/log"

# unit NAME LINE...: a service, written as it would be; started by who calls.
unit() {
	local name=$1
	shift
	{
		printf '[Service]\nUser=nobody\n'
		printf '%s\n' "$@"
	} >"/run/systemd/system/$name.service"
	systemctl daemon-reload
}
logged() {
	grep -q "$1" "$work/log"
}
mkdir -p /run/systemd/system
command="$(command -v sockd-run) --require -- $(command -v python3) $work/serve.py $work/log"

unit run-notify Type=notify NotifyAccess=all WatchdogSec=2 "ExecReload=/bin/kill -HUP \$MAINPID" "ExecStart=$command"
expect "Type=notify: it starts when its program is ready" timeout 60 systemctl start run-notify
contains "Type=notify: as who it is" "$work/log" '^ready 65534$'
expect "its words are systemd's" sh -c 'systemctl show -P StatusText run-notify | grep -qx serves'
sleep 5
expect "the watchdog is fed" systemctl -q is-active run-notify
expect "a reload" systemctl reload run-notify
expect "reaches the program" wait_for 10 logged '^reloaded$'
expect "it is stopped" timeout 30 systemctl stop run-notify
contains "by its own end" "$work/log" '^ended$'
expect "and did well" [ "$(systemctl show -P Result run-notify)" = success ]

: >"$work/log"
unit run-silent Type=notify NotifyAccess=all WatchdogSec=1 "ExecStart=$command silent"
expect "one that is silent starts" timeout 60 systemctl start run-silent
hung() {
	[ "$(systemctl show -P Result run-silent)" = watchdog ]
}
expect "and is found to hang" wait_for 20 hung
gone() {
	! pgrep -f "$work/$1" >/dev/null
}
expect "nothing of it is left" wait_for 20 gone serve.py
systemctl reset-failed

# A daemon of the old kind.
cat >"$work/daemon.py" <<'PYTHON'
import os, socket, sys, time
s = socket.socket()
s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
s.bind(("127.0.0.1", 80))
s.listen()
if os.fork():
    time.sleep(0.2)
    os._exit(0)
os.setsid()
if os.fork():
    os._exit(0)
with open(sys.argv[1], "w") as f:
    f.write("%d\n" % os.getpid())
raw = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)
print("behind", file=open(sys.argv[2], "a"))
while True:
    time.sleep(1)
PYTHON
: >"$work/log"
unit run-forking Type=forking RuntimeDirectory=run-forking PIDFile=/run/run-forking/pid \
	"ExecStart=$(command -v sockd-run) --require -- $(command -v python3) $work/daemon.py /run/run-forking/pid $work/log"
expect "Type=forking: it starts" timeout 60 systemctl start run-forking
expect "its main process is the daemon" sh -c '[ "$(systemctl show -P MainPID run-forking)" = "$(cat /run/run-forking/pid)" ]'
expect "which is supervised still" wait_for 10 logged '^behind$'
expect "it is active" systemctl -q is-active run-forking
expect "it is stopped too" timeout 30 systemctl stop run-forking
expect "with all of it" wait_for 20 gone daemon.py

# The exit status, and a start anew.
unit run-fails Restart=on-failure RestartSec=100ms StartLimitBurst=100 \
	"ExecStart=$(command -v sockd-run) --require -- /bin/sh -c 'echo again >>$work/log; exit 7'"
: >"$work/log"
systemctl start run-fails
again() {
	[ "$(grep -c '^again$' "$work/log")" -ge 3 ]
}
expect "one that fails is started anew" wait_for 20 again
systemctl stop run-fails
status=0
service run-status -- sockd-run --require -- sh -c 'exit 7' || status=$?
expect "the service's status is the program's" [ "$status" -eq 7 ]
systemctl reset-failed

# By a socket unit.
printf '[Socket]\nListenStream=127.0.0.1:8080\n' >/run/systemd/system/run-handed.socket
: >"$work/log"
unit run-handed "ExecStart=$command"
systemctl start run-handed.socket
python3 -c 'import socket; socket.create_connection(("127.0.0.1", 8080), 5)'
expect "a socket that systemd hands on reaches the program" wait_for 20 logged "^handed ('127.0.0.1', 8080)"
systemctl stop run-handed.socket run-handed.service

# Without waiting for what hangs.
cat >"$work/stubborn.py" <<'PYTHON'
import os, signal, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
print("stubborn", file=open(sys.argv[1], "a"), flush=True)
while True:
    time.sleep(1)
PYTHON
: >"$work/log"
unit run-stubborn TimeoutStopSec=2 KillMode=mixed \
	"ExecStart=$(command -v sockd-run) --require -- $(command -v python3) $work/stubborn.py $work/log"
systemctl start run-stubborn
expect "one that does not end" wait_for 20 logged '^stubborn$'
expect "is killed in time" timeout 20 systemctl stop run-stubborn
expect "nothing of that is left" wait_for 20 gone stubborn.py
rm -f /run/systemd/system/run-*
systemctl daemon-reload
systemctl reset-failed
