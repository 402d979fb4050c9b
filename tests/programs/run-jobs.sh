#!/bin/bash
# sockd-run as its user sees it: at a terminal with a shell's job control, its exit status, its signals, and what the
# program inherits. All is done twice, without sockd-run and with it, and must be the same.
. "$(dirname "$0")/../lib.sh"
be_a_user_alone
begin /usr/bin/python3

policy <<JSON
{ "rules": [ { "name": "echo", "peers": { "uid": $client_uid }, "family": "inet", "type": "raw", "protocol": "icmp" } ] }
JSON
start_sockd
printf '#!/no/such/interpreter\n' >"$work/home/no-interpreter"
printf 'echo not for execution\n' >"$work/home/not-executable"
chmod 755 "$work/home/no-interpreter"
chmod 644 "$work/home/not-executable"

cat >"$work/jobs.py" <<'PYTHON'
import ctypes, fcntl, os, pty, re, resource, select, signal, struct, subprocess, sys, termios, time

sockd_run, home = sys.argv[1:3]
RUN = [sockd_run, "--mode=seccomp", "--"]
PR_SET_PDEATHSIG, PR_SET_CHILD_SUBREAPER = 1, 36
libc = ctypes.CDLL(None)
LOOP = "while :; do sleep 0.05; done"

def check(name, condition, *more):
    print("ok" if condition else "FAIL", name, *(() if condition else more), flush=True)

class Terminal:
    """An interactive shell at a terminal of its own."""
    def __init__(self, run):
        self.seen = self.all = ""
        self.pid, self.master = pty.fork()
        if self.pid == 0:
            signal.signal(signal.SIGPIPE, signal.SIG_DFL)
            os.environ.update(PS1="", PS2="", RUN=" ".join(run), TERM="dumb", HISTFILE="/dev/null")
            os.execvp("bash", ["bash", "--norc", "--noprofile", "--noediting", "-i"])
        self.resize(24, 80)
        self.ask("echo shell=up", "shell=up")

    def resize(self, rows, columns):
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    # Python overlooks a signal that comes just before it reads.
    def told_of_size(self, rows, columns):
        for _ in range(10):
            self.resize(rows, columns)
            try:
                return self.wait("(?m)^size %d %d" % (columns, rows), 2)
            except TimeoutError:
                self.resize(rows - 1, columns)
        raise TimeoutError("no new size in what came: %r" % self.all[-400:])

    def send(self, text):
        os.write(self.master, text.encode())

    def wait(self, pattern, seconds=15):
        end = time.monotonic() + seconds
        while not (found := re.search(pattern, self.seen)):
            if not select.select([self.master], [], [], max(0, end - time.monotonic()))[0]:
                raise TimeoutError("no '%s' in what came: %r" % (pattern, self.all[-400:]))
            try:
                data = os.read(self.master, 65536).decode(errors="replace")
            except OSError:
                data = ""
            if not data:
                raise EOFError("the terminal is gone, without '%s': %r" % (pattern, self.all[-400:]))
            data = re.sub(r"\r|\^[CZ\\]", "", data)
            self.seen += data
            self.all += data
        self.seen = self.seen[found.end():]
        return found.group(1) if found.groups() else found.group(0)

    # What is typed comes back too: the pattern must not fit that.
    def ask(self, line, pattern):
        self.send(line + "\n")
        return self.wait("(?m)^" + pattern)

    def status(self):
        return self.ask("echo status=$?", r"status=(\d+)$")

    def close(self):
        os.close(self.master)
        end = time.monotonic() + 10
        while os.waitpid(self.pid, os.WNOHANG)[0] == 0 and time.monotonic() < end:
            time.sleep(0.02)

def state_of(pid):
    with open("/proc/%s/stat" % pid) as file:
        return file.read().rpartition(")")[2].split()[0]

def eventually(condition, seconds=10):
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.02)
    return True

def alive(pid):
    try:
        return state_of(pid) != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False

def directories():
    """Those where somebody is."""
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            yield os.readlink("/proc/%s/cwd" % pid)
        except OSError:
            pass

def at_a_terminal(run):
    """Yields what was seen, step by step."""
    t = Terminal(run)
    t.ask("$RUN sh -c 'echo begun; exec sleep 100'", "begun")
    t.send("\x03")
    yield "Ctrl-C ends it", t.status()
    t.ask("$RUN sh -c 'trap \"echo caught; exit 7\" INT; echo begun; %s'" % LOOP, "begun")
    t.send("\x03")
    yield "Ctrl-C is handled by the program", t.wait("(?m)^caught") + t.status()
    t.ask("$RUN sh -c 'trap \"\" INT; echo begun; read x; echo got $x'", "begun")
    t.send("\x03")
    time.sleep(0.1)
    yield "Ctrl-C is ignored by the program", t.ask("word", "got word") + t.status()
    t.ask("ulimit -c 0; $RUN sh -c 'echo begun; exec sleep 100'", "begun")
    t.send("\x1c")
    yield "Ctrl-\\ ends it", t.status()

    # A program in a process group of its own. Not timeout(1): a signal while it forks may leave its child behind.
    t.ask("$RUN /usr/bin/python3 -c 'import os; os.setpgid(0, 0); print(\"begun\", flush=True); "
          "os.execvp(\"sleep\", [\"sleep\", \"100\"])'", "begun")
    t.send("\x03")
    yield "Ctrl-C ends one that has left the group", t.status()

    pid = t.ask("$RUN sh -c 'echo begun=$$; read x; echo got $x; exit 4'", r"begun=(\d+)$")
    t.send("\x1a")
    yield "Ctrl-Z stops it, as the shell says", t.wait(r"\[1\]\+ +Stopped.*\n") and t.status()
    yield "the program itself is stopped", eventually(lambda: state_of(pid) == "T")
    t.ask("fg", r".*sh -c")
    yield "fg brings it back to the terminal", t.ask("word", "got word") + t.status()
    # One process alone: a shell that is stopped between fork and exec waits for ever, with or without sockd-run.
    if os.path.exists(home + "/go"):
        os.unlink(home + "/go")
    t.ask("$RUN /usr/bin/python3 -c 'import os, time; print(\"begun\", flush=True); "
          "[time.sleep(0.05) for _ in iter(lambda: os.path.exists(\"%s/go\"), True)]; print(\"done\")'" % home, "begun")
    t.send("\x1a")
    t.wait(r"Stopped.*\n")
    open(home + "/go", "w").close()
    yield "bg lets it go on", t.ask("bg", "done")
    yield "and it ends", t.ask("wait %1; echo status=$?", r"status=(\d+)$")
    t.send("$RUN cat &\n")
    t.wait(r"\[\d\] \d+")
    yield "in the background it may not read", eventually(lambda: "Stopped" in t.ask("jobs; echo told=$?", r"(?s:.*?)told=0$"))
    t.ask("fg", r".*cat")
    yield "in the foreground it may", t.ask("a line", "a line\na line")
    t.send("\x04")
    yield "Ctrl-D ends its input", t.status()

    yield "the terminal is its own", t.ask("$RUN sh -c 'tty >/dev/null && echo a word >/dev/tty; stty size'", "a word\n24 80")
    t.ask("$RUN /usr/bin/python3 -c 'import os, signal; signal.signal(signal.SIGWINCH, lambda *_: "
          "os.write(1, b\"size %d %d\\n\" % os.get_terminal_size(0))); print(\"begun\", flush=True); input()'", "begun")
    yield "it is told of a new size", t.told_of_size(30, 100)
    t.send("\n")
    yield "a pipe of two", t.ask("$RUN echo through a pipe | $RUN cat; echo status=$?", "through a pipe\nstatus=0")
    yield "a broken pipe", t.ask("$RUN yes | head -n 1; echo status=${PIPESTATUS[0]}", r"y\nstatus=(\d+)$")

    # A shell in it, with job control of its own.
    t.send("$RUN bash --norc --noprofile --noediting -i\nPS1=\necho inner=$SHLVL\n")
    t.wait(r"(?m)inner=\d+$")
    t.ask("sh -c 'echo begun; read x; echo got $x; exec sleep 100'", "begun")
    t.send("\x1a")
    t.wait(r"Stopped.*\n")
    t.ask("fg", r".*sleep")
    t.ask("word", "got word")
    t.send("\x03")
    yield "jobs of a shell in it", t.status()
    t.send("suspend\n")
    yield "that shell suspends itself", t.wait(r"Stopped.*\n") and t.ask("echo outer=$?", r"outer=(\d+)$")
    t.send("fg\n")
    t.ask("echo again=$?", r"again=\d+$")
    t.send("exit 3\n")
    yield "and ends with its status", t.ask("echo outer=$?", r"outer=(\d+)$")

    # The terminal is closed.
    for name in ("hup", "daemon"):
        if os.path.exists(home + "/" + name):
            os.unlink(home + "/" + name)
    hup = t.ask("$RUN sh -c 'trap \"echo told >%s/hup; exit\" HUP; echo begun=$$; %s' &" % (home, LOOP), r"begun=(\d+)$")
    daemon = t.ask("$RUN setsid --fork sh -c 'echo begun=$$; sleep 1; echo lives >%s/daemon' &" % home, r"begun=(\d+)$")
    plain = t.ask("$RUN sh -c 'echo begun=$$; exec sleep 100'", r"begun=(\d+)$")
    t.close()
    yield "a closed terminal ends it", eventually(lambda: not alive(plain))
    yield "and is heard of in the background", eventually(lambda: os.path.exists(home + "/hup") and not alive(hup))
    yield "but not in a session of its own", eventually(lambda: os.path.exists(home + "/daemon"))

    # Nobody is left to resume it: it is the kernel that ends it.
    t = Terminal(run)
    stopped = t.ask("$RUN sh -c 'echo begun=$$; exec sleep 100'", r"begun=(\d+)$")
    t.send("\x1a")
    t.wait(r"Stopped.*\n")
    os.kill(t.pid, signal.SIGKILL)
    yield "a stopped job ends with a shell that is killed", eventually(lambda: not alive(stopped))
    t.close()

def outcome(command, **kwargs):
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, timeout=30, **kwargs)
    return done.returncode, done.stdout.decode()

def statuses(run):
    for status in (0, 3, 125, 126, 127, 255):
        yield "exit status %d" % status, outcome([*run, "sh", "-c", "exit %d" % status])
    for number in (signal.SIGTERM, signal.SIGKILL, signal.SIGSEGV, signal.SIGPIPE, signal.SIGUSR1):
        yield "death by %s" % number.name, outcome([*run, "sh", "-c", "ulimit -c 0; kill -%d $$" % number])
    # These are env's when it is run without sockd-run.
    front = run or ["env"]
    yield "a program that is not there", outcome([*front, home + "/no-such"])
    yield "a name that is in no directory", outcome([*front, "no-such-program-anywhere"])
    yield "a file that is no program", outcome([*front, home + "/not-executable"])
    yield "a directory", outcome([*front, home])
    yield "an interpreter that is not there", outcome([*front, home + "/no-interpreter"])
    yield "standard input", outcome([*run, "cat"], input=b"what is read")

    # Whatever is sent to the one that was started reaches the program.
    loop = ["sh", "-c", "for s in HUP INT QUIT TERM USR1 USR2 WINCH; do trap \"echo $s\" $s; done; echo begun; "
            "i=0; while [ $i -lt 600 ]; do i=$((i+1)); sleep 0.05; done"]
    with subprocess.Popen([*run, *loop], stdout=subprocess.PIPE, text=True) as p:
        heard = [p.stdout.readline()]
        for number in (signal.SIGHUP, signal.SIGINT, signal.SIGQUIT, signal.SIGTERM, signal.SIGUSR1, signal.SIGUSR2,
                       signal.SIGWINCH):
            p.send_signal(number)
            heard.append(p.stdout.readline())
        yield "signals that the program handles", heard
        p.send_signal(signal.SIGTSTP)
        yield "stopped from outside", os.WIFSTOPPED(os.waitpid(p.pid, os.WUNTRACED)[1])
        p.send_signal(signal.SIGCONT)
        yield "continued from outside", os.WIFCONTINUED(os.waitpid(p.pid, os.WCONTINUED)[1])
        p.send_signal(signal.SIGUSR1)
        yield "it goes on", p.stdout.readline()
        p.kill()
        yield "killed from outside", p.wait()
    for i in range(12):
        with subprocess.Popen([*run, "sh", "-c", "echo $$; exec sleep 100"], stdout=subprocess.PIPE, text=True) as p:
            program = int(p.stdout.readline())
            time.sleep(0.05)
            # Nobody resumes what has ended.
            for number in (signal.SIGSTOP, signal.SIGKILL):
                os.kill(program, number)
            yield "killed as it stops, %d" % i, eventually(lambda: p.poll() is not None, 5) and p.wait()
            p.kill()
    directory = home + "/left"
    os.makedirs(directory, exist_ok=True)
    with subprocess.Popen([*run, "sh", "-c", "cd /; echo left; exec sleep 100"], stdout=subprocess.PIPE, cwd=directory) as p:
        p.stdout.readline()
        yield "a directory that it leaves is left", eventually(lambda: directory not in directories(), 3)
        p.terminate()
    with subprocess.Popen([*run, "sh", "-c", "exec >&-; exec sleep 60"], stdout=subprocess.PIPE) as p:
        began = time.monotonic()
        p.stdout.read()
        yield "what it closes is closed", time.monotonic() - began < 30
        p.terminate()
    def locked():
        lock = os.open(home + "/lock", os.O_RDWR | os.O_CREAT)
        fcntl.flock(lock, fcntl.LOCK_EX)
        os.dup2(lock, 9)
    with subprocess.Popen([*run, "sh", "-c", "exec 9>&-; echo let go; exec sleep 100"], stdout=subprocess.PIPE, close_fds=False,
                          preexec_fn=locked) as p:
        p.stdout.readline()
        with open(home + "/lock") as file:
            def free():
                try:
                    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    return True
                except BlockingIOError:
                    return False
            yield "and a lock is free", eventually(free, 3)
        p.terminate()
    yield "an alarm from before", outcome([*run, "sleep", "4"], preexec_fn=lambda: signal.alarm(1))
    # With the one that started it, where that wanted it so.
    for number in (signal.SIGKILL, signal.SIGTERM):
        reader, writer = os.pipe()
        starter = os.fork()
        if starter == 0:
            libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
            subprocess.Popen([*run, "sh", "-c", "echo; exec sleep 100"], stdout=writer,
                             preexec_fn=lambda: libc.prctl(PR_SET_PDEATHSIG, number, 0, 0, 0)).wait()
            os._exit(0)
        os.close(writer)
        os.read(reader, 1)
        os.kill(starter, signal.SIGKILL)
        os.waitpid(starter, 0)
        yield "%s at the death of its parent" % number.name, select.select([reader], [], [], 5)[0] and os.read(reader, 1)
        os.close(reader)
    # So many that sockd-run's own come to have high numbers.
    for n in (961, 1010):
        def crowded():
            resource.setrlimit(resource.RLIMIT_NOFILE, (1024, 1024))
            for fd in range(3, n):
                os.dup2(0, fd)
        with subprocess.Popen([*run, "true"], close_fds=False, preexec_fn=crowded) as p:
            yield "descriptors up to %d" % n, eventually(lambda: p.poll() is not None, 5) and ("ended", p.wait())
            if p.poll() is None:
                subprocess.run(["pkill", "-KILL", "-P", str(p.pid)])
                p.kill()
    asks = ["/usr/bin/python3", "-c", "import socket\nfor line in open(0):\n try: socket.socket(17, 3, 0)\n"
            " except OSError as e: print(e.errno, flush=True)"]
    with subprocess.Popen([*run, *asks], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True) as p:
        def ask():
            print(file=p.stdin, flush=True)
            return p.stdout.readline()
        before = ask()
        os.killpg(p.pid, signal.SIGSTOP)
        os.waitpid(p.pid, os.WUNTRACED)
        p.send_signal(signal.SIGCONT)
        yield "a job that was stopped as a whole", (before, ask())
    with subprocess.Popen([*run, "sleep", "100"]) as p:
        time.sleep(0.3)
        p.terminate()
        yield "ended from outside", p.wait()

SHOW = r"""
import ctypes, os, re, resource
def option(number): # PR_GET_PDEATHSIG, PR_GET_CHILD_SUBREAPER
    value = ctypes.c_int()
    ctypes.CDLL(None).prctl(number, ctypes.byref(value), 0, 0, 0)
    return value.value
status = open("/proc/self/status").read()
def of_status(*keys):
    return [re.search("(?m)^%s:.*" % key, status).group() for key in keys]
descriptors = [int(fd) for fd in os.listdir("/proc/self/fd")]
for name, value in {
    "who it is": of_status("Uid", "Gid", "Groups", "CapEff", "CapPrm", "CapInh", "CapAmb", "CapBnd", "NoNewPrivs"),
    "signals": of_status("SigBlk", "SigIgn", "SigCgt", "SigPnd", "ShdPnd"),
    "descriptors": sorted((fd, os.readlink("/proc/self/fd/%d" % fd).split("[")[0]) for fd in descriptors
                          if os.path.exists("/proc/self/fd/%d" % fd)),
    "environment": sorted(pair for pair in os.environ.items() if pair[0] not in ("_", "PWD", "OLDPWD")),
    "limits": [resource.getrlimit(limit) for limit in range(16)],
    "where it is": [os.getcwd(), of_status("Umask"), open("/proc/self/cgroup").read(), os.readlink("/proc/self/root"),
                    *(os.readlink("/proc/self/ns/" + ns) for ns in ("user", "net", "mnt", "pid"))],
    "how it is scheduled": [os.nice(0), os.sched_getaffinity(0), os.sched_getscheduler(0), open("/proc/self/oom_score_adj").read()],
    "what exec keeps": [option(2), option(37)],
    "session and group": [os.getsid(0) == int(os.environ["SESSION"]), os.getpgid(0) == int(os.environ["GROUP"])],
}.items():
    print(name, repr(value), sep="=")
"""

def inherited(run):
    environment = dict(os.environ, SESSION=str(os.getsid(0)), GROUP=str(os.getpgid(0)))
    null = os.open("/dev/null", os.O_RDWR)
    os.dup2(null, 9)
    def prepare():
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        signal.signal(signal.SIGCHLD, signal.SIG_IGN)
        signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR2, signal.SIGWINCH])
        libc.prctl(PR_SET_PDEATHSIG, signal.SIGUSR1, 0, 0, 0)
        libc.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
        os.umask(0o27)
        os.nice(3)
    options = dict(env=environment, pass_fds=[9], preexec_fn=prepare, stdin=null)
    for line in outcome([*run, "/usr/bin/python3", "-c", SHOW], **options)[1].splitlines():
        yield line.split("=", 1)
    os.close(null)

# They are ignored in what a shell runs in the background, and another need not trap what was ignored before it.
for number in (signal.SIGINT, signal.SIGQUIT):
    signal.signal(number, signal.SIG_DFL)
os.chdir(home)
wanted = sys.argv[3:]
for part in (statuses, inherited, at_a_terminal):
    if wanted and part.__name__ not in wanted:
        continue
    results = {}
    for run in ([], RUN):
        got = results[bool(run)] = {}
        try:
            for name, seen in part(run):
                got[name] = seen
        except (TimeoutError, EOFError, subprocess.TimeoutExpired) as e:
            got["it came to its end"] = e
    plain, through = results[False], results[True]
    check("without sockd-run, %s comes to its end" % part.__name__, "it came to its end" not in plain, plain)
    if "it came to its end" in through:
        check("%s comes to its end" % part.__name__, False, "after '%s': %s" % tuple(
            [list(through)[-2] if len(through) > 1 else "", through["it came to its end"]]))
    for name in plain:
        if name in through:
            check("%s: %s" % (part.__name__.replace("_", " "), name), plain[name] == through[name] and plain[name] is not False,
                  "without:", plain[name], "with:", through[name])
print("said all", flush=True)
PYTHON

in_near timeout 120 "${powerless[@]}" env SOCKD_SOCKET="$socket" HOME="$work/home" ASAN_OPTIONS="$sanitizer_options" \
	UBSAN_OPTIONS="$sanitizer_options" /usr/bin/python3 "$work/jobs.py" "$work/bin/sockd-run" "$work/home" >"$work/told" 2>&1
status=$?
cat "$work/told"
failures=$((failures + $(grep -c ^FAIL "$work/told")))
[ "$status" -eq 0 ] && grep -q '^said all$' "$work/told" || fail "the dialogue came to its end (exit status $status)"
expect "no sockd-run is left over" wait_for 5 no_runners
