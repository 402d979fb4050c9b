#!/bin/bash
# A program that has given up its ports by Landlock: sockd has no part in that, and binds what the policy allows. The
# supervisor of sockd-run leaves ports that everyone may bind to to the kernel.
. "$(dirname "$0")/../lib.sh"
begin /usr/bin/python3

policy <<'JSON'
{ "rules": [
  { "name": "ports", "peers": { "uid": 65534 }, "family": "inet", "type": "stream", "ports": [80, 4001] } ] }
JSON
cp "$SOCKD_SOURCE/tests/landlocked.py" "$work/" && chmod 644 "$work/landlocked.py"
cat >"$work/bind.py" <<'PYTHON'
import socket, sys

for port in sys.argv[1:]:
    s = socket.socket()
    try:
        s.bind(("127.0.0.1", int(port)))
        s.listen()
        socket.create_connection(s.getsockname()).close()
        print("listens on", port)
    except OSError as error:
        print("not on", port, error.strerror)
PYTHON
chmod 644 "$work/bind.py"
# Itself it keeps port 8080.
program=(/usr/bin/python3 "$work/landlocked.py" 8080 /usr/bin/python3 "$work/bind.py" 8080 80 4001 4002)

status=0
without "${program[@]}" >"$work/alone" 2>&1 || status=$?
[ $status -eq 77 ] && skip_all "the kernel has no Landlock that knows ports"
contains "alone it has the port that it has kept" "$work/alone" '^listens on 8080$'
contains "no low one" "$work/alone" '^not on 80 Permission denied$'
contains "and none that it has given up" "$work/alone" '^not on 4001 Permission denied$'
start_sockd
through "${program[@]}" >"$work/bound" 2>&1
contains "with sockd it has the port that it has kept" "$work/bound" '^listens on 8080$'
contains "a low one that the policy allows" "$work/bound" '^listens on 80$'
contains "none that the policy does not allow" "$work/bound" '^not on 4002 Permission denied$'
if [ "$SOCKD_BY" = preload ]; then
	contains "an ordinary one that the policy allows" "$work/bound" '^listens on 4001$'
	audited "the other one was refused by sockd" '"event":"refusal".*bind 127.0.0.1:4002'
else
	contains "no ordinary one, even if the policy allows it" "$work/bound" '^not on 4001 Permission denied$'
	counted "which sockd was not asked for" 0 "$audit" 'bind 127.0.0.1:400'
fi
