"""What names.py and addresses.py share: the library through tests/lib/names-tool, and what a test prints."""

import ctypes
import os
import re
import subprocess
import sys

source = os.environ.get("SOCKD_SOURCE") or os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
build = os.environ.get("SOCKD_BUILD") or os.path.join(source, "build/plain")
libc = ctypes.CDLL(None, use_errno=True)
failures = 0

CLONE_NEWNS, CLONE_NEWUTS, CLONE_NEWNET = 0x00020000, 0x04000000, 0x40000000


def ok(name):
    print("ok", name, flush=True)


def fail(name):
    global failures
    failures += 1
    print("FAIL", name, flush=True)


def skip(name, why):
    print(f"SKIP {name}: {why}", flush=True)


def finish():
    sys.exit(1 if failures else 0)


def verdict(name, differences):
    """One line for a whole list of comparisons, which must have found nothing."""
    if differences:
        fail(f"{name} ({len(differences)}):")
        for line in differences[:10]:
            print("  ", line)
    else:
        ok(name)


class Tool:
    """The library, in a process of its own."""

    def __init__(self):
        self.process = subprocess.Popen([os.path.join(build, "tests/lib/names-tool")], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE)

    def ask(self, *words):
        """The words of the answer, the first of them "ok" or "error"."""
        line = b"\t".join(w if isinstance(w, bytes) else str(w).encode() for w in words)
        self.process.stdin.write(line + b"\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline()
        if not answer:
            raise SystemExit(f"FAIL the tool died of {line!r} ({self.process.wait()})")
        return answer.decode(errors="surrogateescape").rstrip("\n").split("\t")

    def parse(self, family, text):
        """The address as bytes, or the name of an errno."""
        text = text if isinstance(text, bytes) else text.encode(errors="surrogateescape")
        answer = self.ask("parse", int(family), text.hex())
        return bytes.fromhex(answer[1]) if answer[0] == "ok" else answer[1]

    def format(self, address):
        """The text, or the name of an errno."""
        return self.ask("format", address.hex())[1]

    def end(self):
        self.process.stdin.close()
        if self.process.wait() != 0:
            fail("the tool ends well")


def kinds():
    """The numbers of enum sockd_kind, from the header."""
    with open(os.path.join(source, "lib/sockd-names.h")) as header:
        text = re.search(r"enum sockd_kind \{(.*?)\n\};", header.read(), re.S).group(1)
    text = re.sub(r"/\*.*?\*/", "", text, flags=re.S)
    return {name: i for i, name in enumerate(re.findall(r"SOCKD_KIND_(\w+)", text))}


def unshare(flags):
    if libc.unshare(flags) < 0:
        raise OSError(ctypes.get_errno(), "unshare")


# Where a long has 32 bits Python shows larger ones as negative.
def as_meant(name, number):
    large = re.match("INADDR_|VMADDR_|VM_SOCKETS_|CAN_EFF_", name)
    return number + (1 << 32) if large and number < 0 else number


def run(*command):
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL)
