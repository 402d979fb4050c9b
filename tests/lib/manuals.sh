#!/bin/bash
# The manual pages: groff says nothing of them at the width of a terminal, tables are without macros (mandoc, which is
# man on some distributions, leaves these out), and what a page names of ours is there.
set -u
: "${SOCKD_SOURCE:=$(cd "$(dirname "$0")/../.." && pwd -P)}"
failures=0

# nothing NAME COMMAND...: it says nothing.
nothing() {
	local name=$1 said
	shift
	said=$("$@" 2>&1)
	if [ -z "$said" ]; then
		echo "ok $name"
	else
		echo "FAIL $name: ${said%%$'\n'*}"
		echo "$said"
		failures=$((failures + 1))
	fi
}

macros_in_tables() {
	awk '/^T\{$/ || /\tT\{$/ { text = 1; next } /^T\}/ { text = 0 } text && /^\.[A-Z]/ { print FILENAME ":" FNR ": " $0 }' "$@"
}

warnings() {
	LC_ALL=C.UTF-8 MANROFFSEQ='' MANWIDTH=80 man --warnings -E UTF-8 -Tutf8 -Z -l "$1" >/dev/null
}

# NAME SECTION of ours that a page speaks of.
pages_missing() {
	local name section
	sed -n 's/^\.BR \(sock[a-z._-]*\|libsockd[a-z-]*\) (\([1-8]\)).*/\1 \2/p' "$SOCKD_SOURCE"/man/* | sort -u |
		while read -r name section; do
			[ -e "$SOCKD_SOURCE/man/$name.$section" ] || [[ $name == socket || $name == socketpair ]] ||
				echo "$name($section)"
		done
}

nothing "no macro in a table" macros_in_tables "$SOCKD_SOURCE"/man/*
nothing "every page of ours that is named is there" pages_missing
if command -v man >/dev/null && command -v troff >/dev/null; then
	for page in "$SOCKD_SOURCE"/man/*; do
		nothing "${page##*/}" warnings "$page"
	done
else
	echo "SKIP manual pages: the program man or troff is not installed"
fi
exit "$failures"
