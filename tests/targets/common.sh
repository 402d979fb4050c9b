# shellcheck shell=bash
# What the tests of sockd-run share beyond lib.sh: the command itself, and the programs of this folder, which are run
# under it to do it harm.

# begin_run PROGRAM...: begins, with sockd-run and these programs in $work/bin.
begin_run() {
	local program
	begin
	for program; do
		install -m 755 "$SOCKD_BUILD/tests/targets/$program" "$work/bin/" || die "$program is built"
	done
	sockd_run=("$work/bin/sockd-run" --mode=seccomp --socket="$socket")
}

# supervised [OPTION...] -- COMMAND...: as nobody in $near, under sockd-run.
supervised() {
	run --mode=seccomp "$@"
}

# For the background, so that $! is sockd-run itself.
supervised_exec() {
	run_exec --mode=seccomp "$@"
}

# judged NAME COMMAND...: its lines ok and FAIL are results; it must come to its end.
judged() {
	local name=$1 status=0
	shift
	"$@" >"$work/judged" 2>&1 || status=$?
	sed "s/^\(ok\|FAIL\) /\1 $name: /" "$work/judged"
	failures=$((failures + $(grep -c '^FAIL' "$work/judged")))
	[ "$status" -eq 0 ] || fail "$name: it came to its end (exit status $status)"
	grep -q '^ok' "$work/judged" || fail "$name: it had something to say"
}

n_fds() {
	find "/proc/$1/fd" -mindepth 1 | wc -l
}
