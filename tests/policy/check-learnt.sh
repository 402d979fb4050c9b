#!/bin/bash
# The policies that --learn makes of calls of every family, as other readers see them: the schema, and sockd itself.
set -u
: "${SOCKD_SOURCE:=$(cd "$(dirname "$0")/../.." && pwd -P)}"
: "${SOCKD_BUILD:=$SOCKD_SOURCE/build/plain}"

[ -x "$SOCKD_BUILD/tests/unit/test-learn" ] || { echo "SKIP: the unit tests are not built"; exit 77; }
directory=$(mktemp -d "${TMPDIR:-/tmp}/sockd-learnt.XXXXXX") || exit 1
trap 'rm -rf "$directory"' EXIT
failures=0

fail() {
	echo "FAIL $*"
	failures=$((failures + 1))
}

mkdir "$directory/learnt"
SOCKD_LEARNT=$directory/learnt CK_RUN_CASE=learn "$SOCKD_BUILD/tests/unit/test-learn" >"$directory/log" 2>&1 ||
	fail "the calls are learnt: $(tail -n 3 "$directory/log")"
files=("$directory"/learnt/*.json)
[ "${#files[@]}" -gt 40 ] || fail "files of all families (${#files[@]})"
for file in "${files[@]}"; do
	mkdir "$directory/one"
	cp "$file" "$directory/one/"
	"$SOCKD_BUILD/daemon/sockd" --check-policy "$directory/one" >"$directory/said" 2>&1 || {
		fail "sockd takes $file: $(cat "$directory/said")"
		cat "$file"
	}
	rm -r "$directory/one"
done
status=0
/usr/bin/python3 "$SOCKD_SOURCE/tests/policy/check-schema.py" "${files[@]}" || status=$?
[ "$status" -eq 0 ] || [ "$status" -eq 77 ] || fail "the schema takes them"
echo "${#files[@]} learnt policies: $failures failures"
[ "$failures" -eq 0 ]
