"""Runs the tests of Python's own socket module one by one and tells the verdict of each, a line for a test, in the order
of their names:

    python-socket.py [--bar] [CLASS...]

--bar    bars itself from every family but AF_UNIX, AF_INET, AF_INET6 and AF_NETLINK first, as RestrictAddressFamilies= does
CLASS    only the tests of these classes

The tests run in a process of their own. One that hangs is ended; the verdict is "hung", and the rest runs in a new process.
What a test that failed said goes to the standard error."""

import ctypes
import errno
import os
import select
import subprocess
import sys
import traceback
import unittest

HANGS = 60  # seconds; the longest takes 10 under emulation
GET_LOCAL_CID = 0x7B9
CID_LOCAL = b"\1\0\0\0"


def bar():
    class Compare(ctypes.Structure):
        _fields_ = [("arg", ctypes.c_uint), ("op", ctypes.c_int), ("a", ctypes.c_uint64), ("b", ctypes.c_uint64)]

    equal, at_least, highest = 4, 5, 64
    seccomp = ctypes.CDLL("libseccomp.so.2")
    seccomp.seccomp_init.restype = ctypes.c_void_p
    context = ctypes.c_void_p(seccomp.seccomp_init(ctypes.c_uint32(0x7FFF0000)))
    number = seccomp.seccomp_syscall_resolve_name(b"socket")
    refuse = ctypes.c_uint32(0x00050000 | errno.EAFNOSUPPORT)
    refused = [Compare(0, equal, family, 0) for family in range(highest) if family not in (1, 2, 10, 16)]
    for comparison in refused + [Compare(0, at_least, highest, 0)]:
        assert seccomp.seccomp_rule_add_array(context, refuse, number, 1, ctypes.byref(comparison)) == 0
    assert seccomp.seccomp_load(context) == 0


def tests_of(suite):
    for test in suite:
        if isinstance(test, unittest.TestSuite):
            yield from tests_of(test)
        else:
            yield test


def load():
    """A guest without a device for vsock has no number of its own there; the loopback's takes its place."""
    import fcntl

    kernel_ioctl = fcntl.ioctl

    def ioctl(fd, request, *arguments):
        return CID_LOCAL if request == GET_LOCAL_CID else kernel_ioctl(fd, request, *arguments)

    fcntl.ioctl = ioctl
    from test import support

    # As "python3 -m test" has it without -u: no network, nothing that takes much memory.
    support.use_resources = []
    from test import test_socket

    found = {test.id().split(".", 2)[2]: test for test in tests_of(unittest.defaultTestLoader.loadTestsFromModule(test_socket))}
    return dict(sorted(found.items()))


class Verdicts(unittest.TestResult):
    """The worst of a test and of its parts counts."""

    def __init__(self):
        super().__init__()
        self.verdict = "ok"

    def failed(self, test, error):
        self.verdict = "failed"
        sys.stderr.write("--- %s\n%s" % (test.id(), "".join(traceback.format_exception(*error))))
        sys.stderr.flush()

    def addError(self, test, error):
        self.failed(test, error)

    def addFailure(self, test, error):
        self.failed(test, error)

    def addSubTest(self, test, part, error):
        if error:
            self.failed(part, error)

    def addSkip(self, test, reason):
        if self.verdict == "ok":
            self.verdict = "skipped: " + " ".join(reason.split())

    def addUnexpectedSuccess(self, test):
        self.verdict = "failed"


def work(last, classes):
    """Runs the tests whose names come after that one."""
    print("ready", flush=True)
    for name, test in load().items():
        if name <= last or (classes and name.split(".")[0] not in classes):
            continue
        print("began", name, flush=True)
        verdicts = Verdicts()
        unittest.TestSuite([test]).run(verdicts)
        print("ended", name, verdicts.verdict, flush=True)
    print("done", flush=True)


def lines(process):
    """Those of a process; None where it is silent for too long. Ends where the process does."""
    rest = b""
    while True:
        if not select.select([process.stdout], [], [], HANGS)[0]:
            yield None
            return
        data = os.read(process.stdout.fileno(), 65536)
        if not data:
            return
        *whole, rest = (rest + data).split(b"\n")
        yield from (line.decode(errors="replace") for line in whole)


def main(classes):
    last, done = "", False
    while not done:
        process = subprocess.Popen([sys.executable, __file__, "--work", last, *classes], stdout=subprocess.PIPE)
        name, silent = None, False
        for line in lines(process):
            kind, _, rest = (line or "").partition(" ")
            if kind == "began":
                name = rest
            elif kind == "ended":
                name = None
                print(rest, flush=True)
            silent, done = line is None, done or kind == "done"
        process.kill()
        process.wait()
        process.stdout.close()
        if not done and name is None:
            sys.exit("the tests did not run")
        if not done:
            print(name, "hung" if silent else "died", flush=True)
            last = name
    return 0


if __name__ == "__main__":
    arguments = sys.argv[1:]
    if arguments[:1] == ["--work"]:
        work(arguments[1], arguments[2:])
    else:
        if arguments[:1] == ["--bar"]:
            bar()
            arguments = arguments[1:]
        sys.exit(main(arguments))
