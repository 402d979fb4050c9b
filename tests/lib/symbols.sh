#!/bin/bash
# What the two libraries export is what their maps say, and no more: a name too many in the preload
# would take the place of a program's own.
set -u
: "${SOCKD_SOURCE:=$(cd "$(dirname "$0")/../.." && pwd -P)}"
: "${SOCKD_BUILD:=$SOCKD_SOURCE/build/plain}"
failures=0

listed() {
	sed -n '/global:/,/local:/s/^[[:space:]]*\([a-z0-9_]*\);$/\1/p' "$1" | sort
}

exported() {
	nm -D --defined-only "$1" | awk '$2 != "A" { sub(/@.*/, "", $3); print $3 }' | sort
}

same() {
	local library=$SOCKD_BUILD/lib/.libs/$1 map=$SOCKD_SOURCE/lib/$2 difference
	if ! [ -e "$library" ]; then
		echo "FAIL $1 is not built"
		failures=1
	elif difference=$(diff <(listed "$map") <(exported "$library" | grep -v '^__asan\|^__ubsan')); then
		echo "ok $1 exports what $2 lists"
	else
		echo "FAIL $1 does not export what $2 lists:"
		echo "$difference"
		failures=1
	fi
}

command -v nm >/dev/null || { echo "SKIP: the program nm is not installed"; exit 77; }
same libsockd.so libsockd.sym
same libsockd-json.so libsockd-json.sym
same libsockd-preload.so preload.sym
exit "$failures"
