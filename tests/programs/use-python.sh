#!/bin/bash
# What Python's socket module does, libsockd does: two programs of the same lines, run beside each other.
. "$(dirname "$0")/../lib.sh"
begin /usr/bin/python3

in_near timeout 60 /usr/bin/python3 "$SOCKD_SOURCE/tests/use/pair.py" >"$work/python.txt" 2>"$work/python.log"
expect "the Python program ends well" test $? -eq 0
in_near timeout 60 "$SOCKD_BUILD/tests/use/pair" >"$work/c.txt" 2>"$work/c.log"
expect "the C program ends well" test $? -eq 0
cat "$work/python.log" "$work/c.log"

# A section at a time, to say which one is another.
sections=$(sed -n 's/^-- //p' "$work/python.txt")
expect "there are sections to compare" test "$(wc -w <<<"$sections")" -ge 8
for section in $sections; do
	for side in python c; do
		sed -n "/^-- $section\$/,/^-- /p" "$work/$side.txt" | grep -v '^--' >"$work/$side.part"
	done
	if [ -s "$work/python.part" ] && diff -u "$work/python.part" "$work/c.part" >"$work/difference"; then
		ok "$section: $(wc -l <"$work/python.part") lines are the same"
	else
		fail "$section: Python and C differ"
		cat "$work/difference"
	fi
done
expect "nothing else is another" cmp "$work/python.txt" "$work/c.txt"
