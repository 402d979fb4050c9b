#!/bin/bash
# sockd is killed and started anew again and again by a manager that holds its listening socket, while clients ask
# for sockets through the preload and through the library: none of them sees an error.
. "$(dirname "$0")/../lib.sh"
begin /usr/bin/python3
install -m 755 "$SOCKD_BUILD"/lib/.libs/libsockd.so.0.*.* "$work/lib/libsockd.so" || die "the library is built"

policy <<'JSON'
{ "rules": [
  { "name": "echo", "peers": { "uid": 65534 }, "listener": "tenant", "family": "inet", "type": "raw", "protocol": "icmp" },
  { "name": "low", "peers": { "uid": 65534 }, "listener": "tenant", "family": "inet", "type": "stream", "protocol": "tcp",
    "ports": ["100-199"], "options": { "SO_MARK": [7] } } ] }
JSON

cat >"$work/client.py" <<'PYTHON'
# client.py HOW NUMBER SECONDS: asks until the time is over, says how often, and every error.
import ctypes, errno, os, socket, struct, sys, time

how, number, seconds = sys.argv[1], int(sys.argv[2]), float(sys.argv[3])
port = 100 + number
if how == "library":
    lib = ctypes.CDLL(sys.argv[4], use_errno=True)
    lib.sockd_request_new.restype = ctypes.c_void_p
    lib.sockd_reason.restype = ctypes.c_char_p
address = struct.pack("=HH4s8x", socket.AF_INET, socket.htons(port), socket.inet_aton("127.0.0.1"))

def plain():
    socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP).close()
    with socket.socket() as s:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_MARK, 7)
        s.bind(("127.0.0.1", port))
        s.listen()

def prepared():
    request = ctypes.c_void_p(lib.sockd_request_new(socket.AF_INET, socket.SOCK_STREAM, 0))
    lib.sockd_request_bind(request, address, len(address))
    lib.sockd_request_listen(request, 5)
    fd = lib.sockd_request_open(request)
    error = ctypes.get_errno()
    lib.sockd_request_free(request)
    if fd < 0:
        raise OSError(error, os.strerror(error) + ": " + lib.sockd_reason().decode())
    os.close(fd)

end, done, longest, errors = time.monotonic() + seconds, 0, 0, 0
while (now := time.monotonic()) < end:
    try:
        (prepared if how == "library" else plain)()
        done += 1
    except OSError as e:
        errors += 1
        if errors <= 10:  # nobody reads before the end
            print("ERROR", how, number, "after", done, e, flush=True)
    longest = max(longest, time.monotonic() - now)
print("done", how, number, done, "%.3f" % longest, flush=True)
PYTHON

cat >"$work/manager.py" <<'PYTHON'
import os, random, signal, socket, subprocess, sys, time

work, tenant, preload = sys.argv[1:4]
KILLS, CLIENTS = 25, 3

def check(name, condition):
    print("ok" if condition else "FAIL", name, flush=True)

listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
listener.bind(tenant)
os.chmod(tenant, 0o666)
listener.listen(128)

def start_sockd():
    pid = os.fork()
    if pid == 0:
        try:
            os.dup2(listener.fileno(), 3)
            os.set_inheritable(3, True)
            os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS="1", LISTEN_FDNAMES="tenant")
            os.execv(work + "/bin/sockd", ["sockd", "--policy", work + "/policy.d", "--user", "64500:64500",
                                           "--audit", work + "/audit/audit.json"])
        finally:
            os._exit(127)
    return pid

def drop():
    os.setgroups([])
    os.setgid(65534)
    os.setuid(65534)

def start_client(how, number, seconds):
    environment = dict(os.environ, SOCKD_SOCKET=tenant)
    if how == "preload":
        environment["LD_PRELOAD"] = preload
    elif ":" in preload:  # a sanitizer's run-time, which must come first
        environment["LD_PRELOAD"] = preload.split(":")[0]
    environment["ASAN_OPTIONS"] = environment.get("ASAN_OPTIONS", "") + ":detect_leaks=0"
    return subprocess.Popen([sys.executable, work + "/client.py", how, str(number), str(seconds), work + "/lib/libsockd.so"],
                            env=environment, preexec_fn=drop, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)

random.seed(1)
pid = start_sockd()
# A broker that is down when the clients ask first, one that dies while it works, one that dies while it starts.
plan = [(random.choice([0.02, 0.1, 0.3]), random.choice([0, 0, 0.05, 0.3])) for _ in range(KILLS)]
seconds = 2 + sum(up + down for up, down in plan)
clients = [start_client(how, 2 * i + j, seconds) for i in range(CLIENTS) for j, how in enumerate(("preload", "library"))]
time.sleep(1)
kills = 0
for up, down in plan:
    time.sleep(up)
    os.kill(pid, signal.SIGKILL)
    kills += os.WIFSIGNALED(os.waitpid(pid, 0)[1])
    time.sleep(down)
    pid = start_sockd()
check("sockd was killed %d times" % KILLS, kills == KILLS)
total, errors = 0, []
for client in clients:
    output = client.communicate(timeout=60)[0]
    lines = output.splitlines()
    errors += [line for line in lines if not line.startswith("done")]
    done = [line.split() for line in lines if line.startswith("done")]
    if client.returncode != 0 or len(done) != 1:
        errors.append("exit status %d: %s" % (client.returncode, output))
    for _, how, number, count, longest in done:
        print("#", how, number, "asked", count, "times, the longest", longest, "s")
        if int(count) == 0:
            errors.append("nothing was opened by " + how)
        total += int(count)
for error in errors[:20]:
    print("#", error)
check("no client of %d saw an error in %d turns (%d did)" % (len(clients), total, len(errors)), total > KILLS and not errors)
# It may not have come up yet.
start_client("library", 0, 0.1).communicate(timeout=60)
os.kill(pid, signal.SIGTERM)
check("the last one ends with status 0", os.waitpid(pid, 0)[1] == 0)
PYTHON

in_near timeout 120 /usr/bin/python3 "$work/manager.py" "$work" "$socket" "$preload" >"$work/told" 2>"$work/sockd.log"
status=$?
cat "$work/told"
failures=$((failures + $(grep -c ^FAIL "$work/told")))
[ "$status" -eq 0 ] || {
	tail -n 20 "$work/sockd.log"
	fail "the manager came to its end (exit status $status)"
}
