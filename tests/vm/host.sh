#!/bin/bash
# The laboratory from outside: exit status, output, users and time limit are true, and nothing of it stays.
. "$(dirname "$0")/../lib.sh"
work=$(mktemp -d "${TMPDIR:-/tmp}/sockd-test.XXXXXX") || exit 1
trap 'rm -rf "$work"' EXIT
mark=$work/mark

# inside NAME STATUS OPTION... -- COMMAND...: what it says is in $work/out, what the laboratory says in $work/err.
inside() {
	local name=$1 wanted=$2 status=0
	shift 2
	"$SOCKD_SOURCE/tests/vm/run" "$@" >"$work/out" 2>"$work/err" || status=$?
	if [ "$status" -eq 77 ] && grep -q '^SKIP: ' "$work/out"; then
		skip_all "$(sed -n 's/^SKIP: //p' "$work/out")"
	elif [ "$status" -eq "$wanted" ]; then
		ok "$name"
	else
		fail "$name ($status instead of $wanted)"
		cat "$work/out" "$work/err"
	fi
}

chmod 755 "$work"
inside "the exit status is the command's" 37 --user nobody -- \
	sh -c 'echo "user $(id -un)"; echo "in $PWD" >&2; echo "$0 <$1>"; exit 37' "a b" "c'd  \$e"
contains "it ran as the user asked for" "$work/out" '^user nobody$'
contains "in the same folder" "$work/out" "^in $PWD\$"
contains "with its arguments as they were" "$work/out" "^a b <c'd  \\\$e>\$"

began=$SECONDS
inside "a command that takes too long" 124 --timeout 3 --log "$work/log" -- \
	sh -c "trap '' TERM; echo guest >$mark; sync; echo written; sleep 1000; sleep 1000"
contains "what it said before is there" "$work/out" '^written$'
contains "and the reason" "$work/err" 'not done after 3 seconds'
expect "it was ended long before its time" [ $((SECONDS - began)) -lt 400 ]
expect "the kernel's log is kept" grep -q 'Linux version' "$work/log/dmesg"
expect "what it wrote is not here" [ ! -e "$mark" ]

inside "a guest that dies" 125 --log "$work/log" -- \
	sh -c 'echo 1 >/proc/sys/kernel/sysrq; echo c >/proc/sysrq-trigger; sleep 100'
contains "it is told so" "$work/err" 'the guest died'
contains "with the kernel's last words" "$work/log/console" 'sysrq triggered crash'
[ "$failures" -eq 0 ]
