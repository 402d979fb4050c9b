#!/bin/bash
# bindresvport and rresvport: the C library's own ways to a reserved port.
. "$(dirname "$0")/../lib.sh"
begin /usr/bin/python3

policy <<'JSON'
{
  "rules": [
    {
      "name": "reserved",
      "peers": { "uid": 65534 },
      "family": ["inet", "inet6"], "type": "stream", "protocol": "tcp", "ports": ["512-1023"]
    }
  ]
}
JSON

cat >"$work/reserved.py" <<'PYTHON'
import ctypes, errno, os, socket

library = ctypes.CDLL(None, use_errno=True)

def show(name, result, fd, port=None):
    if result < 0:
        print(name, "failed:", errno.errorcode[ctypes.get_errno()])
        return
    s = socket.socket(fileno=os.dup(fd))
    bound = s.getsockname()[1]
    print(name, s.family.name, "reserved" if 512 <= bound < 1024 else bound, port is None or port == bound)

s = socket.socket()
show("bindresvport", library.bindresvport(s.fileno(), None), s.fileno())
port = ctypes.c_int(1023)
fd = library.rresvport(ctypes.byref(port))
show("rresvport", fd, fd, port.value)
fd = library.rresvport_af(ctypes.byref(port), socket.AF_INET6)
show("rresvport_af", fd, fd, port.value)
# bindresvport begins at a port of 600 and above that follows from the process id: not there.
port.value = 550
fd = library.rresvport(ctypes.byref(port))
show("from 550" if port.value == 550 else "from elsewhere", fd, fd, port.value)
show("family", library.rresvport_af(ctypes.byref(port), socket.AF_UNIX), -1)
PYTHON

without /usr/bin/python3 "$work/reserved.py" >"$work/without" 2>&1
counted "without sockd the kernel refuses" 4 "$work/without" 'failed: EACCES'

start_sockd
through /usr/bin/python3 "$work/reserved.py" >"$work/through" 2>&1
in_near /usr/bin/python3 "$work/reserved.py" >"$work/root" 2>&1
contains "bindresvport" "$work/through" '^bindresvport AF_INET reserved True'
contains "rresvport" "$work/through" '^rresvport AF_INET reserved True'
contains "rresvport_af of IPv6" "$work/through" '^rresvport_af AF_INET6 reserved True'
contains "rresvport begins where it is told" "$work/through" '^from 550 AF_INET reserved True'
expect "as for root" diff "$work/root" "$work/through"
stop_sockd
through /usr/bin/python3 "$work/reserved.py" >"$work/absent"
expect "without a broker the errors are the kernel's" diff "$work/without" "$work/absent"
