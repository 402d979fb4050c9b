#!/bin/bash
# What "make abi-check" would say: a part of the library, built as it is and with changes that the rules in README.md
# allow or forbid, compared by abidiff in the same way.
set -u
: "${SOCKD_SOURCE:=$(cd "$(dirname "$0")/../.." && pwd -P)}"
failures=0
c=${CC:-gcc}
for program in "$c" abidiff; do
	command -v "$program" >/dev/null || { echo "SKIP: the program $program is not installed"; exit 77; }
done
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT

# build NAME: the sources in $work/NAME.
build() {
	"$c" -std=gnu17 -g -O0 -fPIC -shared -D_GNU_SOURCE -I"$work/$1" -I"$SOCKD_SOURCE" "$work/$1"/lib/message/pack*.c \
		-Wl,-soname,libpart.so.0 -Wl,--unresolved-symbols=ignore-all \
		-Wl,--version-script="$work/$1/lib/part.sym" -o "$work/$1/libpart.so" || { echo "FAIL build $1"; exit 1; }
}

# variant NAME FILE SED-SCRIPT
variant() {
	cp -R "$work/old" "$work/$1"
	sed -i "$3" "$work/$1/$2"
	cmp -s "$work/old/$2" "$work/$1/$2" && { echo "FAIL $1: nothing was changed"; exit 1; }
	build "$1"
}

compare() {
	abidiff --no-added-syms "$work/old/libpart.so" "$work/$1/libpart.so" >"$work/said" 2>&1
}

allowed() {
	if compare "$1"; then
		echo "ok allowed: $2"
	else
		echo "FAIL allowed: $2"
		cat "$work/said"
		failures=1
	fi
}

forbidden() {
	if compare "$1"; then
		echo "FAIL forbidden: $2 (it was not found)"
		failures=1
	else
		echo "ok forbidden: $2"
	fi
}

mkdir -p "$work/old/lib/message"
cp "$SOCKD_SOURCE"/lib/message/pack* "$work/old/lib/message/"
cp "$SOCKD_SOURCE"/lib/sockd-pack.h "$work/old/lib/"
printf 'PART_1 {\nglobal:\n\tsockd_calc*;\n\tsockd_pack*;\n\tsockd_unpack*;\nlocal:\n\t*;\n};\n' >"$work/old/lib/part.sym"
build old

variant inside lib/message/pack.c 's/size_t taken;/size_t taken, unused;/'
allowed inside "a change that is nobody's business"
variant more lib/message/pack.c '$a int sockd_pack_more(void);\nint sockd_pack_more(void)\n{\n\treturn 1;\n}'
allowed more "a new function"
variant larger lib/sockd-pack.h 's/enum sockd_value_kind kind;/&long more;/'
forbidden larger "a structure of the caller's that grows"
cp -R "$work/old" "$work/other"
sed -i "s/ssize_t sockd_calcsize/int sockd_calcsize/" "$work/other/lib/message/pack.c"
sed -i 's/ssize_t sockd_calcsize/int sockd_calcsize/' "$work/other/lib/sockd-pack.h"
build other
forbidden other "another result"
variant gone lib/part.sym 's/sockd_calc\*/sockd_calcsize/'
forbidden gone "a function that goes away"
variant numbers lib/sockd-pack.h 's/SOCKD_VALUE_REAL = 3/SOCKD_VALUE_REAL = 7/'
forbidden numbers "a constant that changes its number"
exit "$failures"
