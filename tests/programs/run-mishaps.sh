#!/bin/bash
# Under sockd-run: what dies, stops or hides in the middle of a call - the program, the supervisor, its parent, the
# broker - and that nothing is left behind by it.
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/../targets/common.sh"
be_a_user_alone
begin_run calls
chmod 711 "$work/bin/calls"
install -m 711 "$work/bin/calls" "$work/bin/unreadable"
chmod 755 "$work/bin/calls"

policy <<JSON
{ "rules": [
  { "name": "web", "peers": { "uid": $client_uid }, "family": "inet", "type": "stream", "ports": [80] },
  { "name": "ping", "peers": { "uid": $client_uid }, "family": "inet", "type": "raw", "protocol": "icmp" },
  { "name": "sends-are-looked-at", "peers": "any", "family": "netlink", "protocol": "route", "messages": ["RTM_SETNEIGHTBL"] } ] }
JSON
start_sockd

# start_target ARGUMENT...: calls, told to go on by go_on and waited for by await. $target is sockd-run, $supervisor its
# supervisor, $program the program.
start_target() {
	rm -f "$work/in"
	mkfifo "$work/in"
	: >"$work/said"
	: >"$work/told"
	supervised_exec "${with[@]}" -- "$work/bin/calls" "$@" <"$work/in" >"$work/said" 2>"$work/told" &
	target=$!
	remember
	exec {to_target}>"$work/in"
	wait_for 20 grep -qE 'warm|ready' "$work/said" || {
		cat "$work/said" "$work/told"
		fail "the program starts"
	}
	supervisor=$(supervisor_of $target)
	program=$(program_of $target)
}
with=()
mkfifo "$work/never"

go_on() {
	echo >&"$to_target"
}

await() {
	wait_for "${2:-60}" grep -q "$1" "$work/said" || fail "the program says '$1'"
}

end_target() {
	local status=0
	exec {to_target}>&-
	wait "$target" || status=$?
	sed -n '/^\(ok\|FAIL\)/p' "$work/said" | sed "s/^\(ok\|FAIL\) /\1 $1: /"
	failures=$((failures + $(grep -c '^FAIL' "$work/said")))
	[ "$status" -eq "${2:-0}" ] || {
		fail "$1: exit status (it was $status)"
		tail -n 5 "$work/said" "$work/told"
	}
}

memory_of() {
	awk '/^VmRSS:/ { print $2 }' "/proc/$1/status"
}

n_threads() {
	find "/proc/$supervisor/task" -mindepth 1 -maxdepth 1 | wc -l
}

# Connections to the broker, one a thread, have numbers from 512 on; of the program's threads, dead ones too, up to 64
# are known by a pidfd; what else there is stays the same.
n_connections() {
	find "/proc/$supervisor/fd" -mindepth 1 -printf '%f\n' | awk '$1 >= 512' | wc -l
}

n_others() {
	find "/proc/$supervisor/fd" -mindepth 1 -printf '%f %l\n' | awk '$1 < 512 && !/pidfd/' | wc -l
}

n_known() {
	find "/proc/$supervisor/fd" -mindepth 1 -printf '%f %l\n' | awk '$1 < 512 && /pidfd/' | wc -l
}

remember_supervisor() {
	others_before=$(n_others) threads_before=$(n_threads) memory_before=$(memory_of "$supervisor")
}

# What threads may have that came since: a sanitizer keeps megabytes for each.
memory_of_threads() {
	local more=$(($(n_threads) - threads_before)) each=64
	[ ${#with_library[@]} -eq 1 ] || each=6144
	echo $((more > 0 ? more * each : 0))
}

# nothing_left NAME: what the supervisor had, it has, and no more.
nothing_left() {
	local memory
	is_as_before() {
		[ "$(n_others)" -le "$others_before" ] && [ "$(n_known)" -le 64 ] &&
			[ "$(n_connections)" -le "$(n_threads)" ]
	}
	if wait_for 5 is_as_before; then
		ok "$1: no descriptor is left in the supervisor"
	else
		fail "$1: no descriptor is left in the supervisor ($others_before, then $(n_others); $(n_known); $(n_connections))"
		ls -l "/proc/$supervisor/fd"
	fi
	memory=$(memory_of "$supervisor")
	expect "$1: nor memory ($memory_before kB, then $memory kB)" \
		[ "$memory" -lt $((memory_before * 3 / 2 + 4096 + $(memory_of_threads))) ]
}

echo "--- what is left behind"
for how in "often 10000" "killed 200" "exec 100"; do
	start_target $how
	remember_supervisor
	go_on
	await done 100
	nothing_left "$how"
	go_on
	end_target "$how"
done

echo "--- signals, kinds of children, processes that hide"
judged "signals with SA_RESTART" supervised -- "$work/bin/calls" signals restart
judged "signals without" supervised -- "$work/bin/calls" signals
judged "children" supervised -- "$work/bin/calls" kinds
judged "undumpable" supervised -- "$work/bin/calls" hidden
counted "undumpable: one line says why" 1 "$work/judged" 'may not be looked into'
judged "unreadable" supervised -- "$work/bin/unreadable" hidden
counted "unreadable: one line says why" 1 "$work/judged" 'may not be looked into'

echo "--- the broker stops"
start_target at-once 300
remember_supervisor
kill -STOP "$broker_pid"
go_on
await asked
sleep 1
threads_stopped=$(n_threads)
kill -STOP "$program"
sleep 0.3
kill -CONT "$program"
kill -CONT "$broker_pid"
go_on
await done
expect "it has not more threads than it may ($threads_stopped)" [ "$threads_stopped" -le 260 ]
few_connections() {
	[ "$(n_connections)" -le 34 ] && [ "$(n_threads)" -le 36 ]
}
expect "and gives most back afterwards" wait_for 10 few_connections
nothing_left "a rush"
go_on
end_target "the broker stops and goes on"

echo "--- one thread's call waits for the broker"
start_target beside
kill -STOP "$broker_pid"
go_on
expect "another's is answered meanwhile" wait_for 5 grep -q '^beside' "$work/said"
kill -CONT "$broker_pid"
end_target "a call beside another"

echo "--- the broker is killed"
start_target in-turn 4
go_on
await 'bind: success'
await ready
kill -STOP "$broker_pid"
: >"$work/said"
go_on
sleep 0.5
kill -KILL "$broker_pid"
wait "$broker_pid" 2>/dev/null
await '^bind'
contains "the call in the middle fails with the kernel's error" "$work/said" '^socket: EPERM'
contains "the next one too, while there is no broker" "$work/said" '^bind: EACCES'
rm -f "$socket" "$management"
start_sockd
: >"$work/said"
go_on
await '^bind'
contains "a new one is found" "$work/said" '^socket: success'
contains "for all calls" "$work/said" '^bind: success'
go_on
await done
go_on
end_target "the broker is killed"

echo "--- the supervisor is killed"
start_target in-turn 2
go_on
await 'bind: success'
: >"$work/said"
kill -KILL "$supervisor"
wait_for 5 eval '! kill -0 "$supervisor"'
go_on
await '^bind'
contains "socket fails" "$work/said" '^socket: ENOSYS'
contains "bind fails" "$work/said" '^bind: ENOSYS'
counted "one line says why" 1 "$work/told" 'the supervisor has ended'
await done
go_on
end_target "the supervisor is killed"

echo "--- in the middle of a call"
start_target in-turn 2
go_on
await 'bind: success'
: >"$work/said"
kill -STOP "$broker_pid"
go_on
sleep 0.5
kill -KILL "$supervisor"
await '^bind' 5
kill -CONT "$broker_pid"
contains "socket fails" "$work/said" '^socket: ENOSYS'
await done
go_on
end_target "the supervisor is killed in the middle"

# As by the freezer of control groups, or a debugger: in the middle of whatever it is telling the kernel.
echo "--- the supervisor stops and goes on, over and over"
start_target steadily 1000
remember_supervisor
go_on
for ((i = 0; i < 4000; i++)); do
	kill -STOP "$supervisor" || break
	read -rt 0.001 <>"$work/never"
	kill -CONT "$supervisor" || break
	read -rt 0.002 <>"$work/never"
	[ $((i % 20)) -ne 0 ] || ! grep -q done "$work/said" || break
done
await done
nothing_left "stops"
go_on
end_target "the supervisor stops and goes on"

echo "--- its parent is killed"
start_target in-turn 2
go_on
await 'bind: success'
: >"$work/said"
kill -KILL "$target"
wait_for 5 eval '! kill -0 "$supervisor"' && ok "the supervisor ends" || fail "the supervisor ends"
go_on
await '^bind'
contains "socket fails" "$work/said" '^socket: ENOSYS'
await done
go_on
end_target "its parent is killed" 137

echo "--- the program is killed in the middle of a call"
start_target in-turn 2
kill -STOP "$broker_pid"
go_on
sleep 0.3
kill -KILL "$program"
end_target "the program is killed" 137
kill -CONT "$broker_pid"
wait_for 15 eval '! kill -0 "$supervisor"' && ok "the supervisor ends with it" || fail "the supervisor ends with it"

echo "--- standard descriptors, rights"
closed() {
	supervised -- "$work/bin/calls" kinds <&- >&- 2>&-
}
expect "closed standard descriptors" closed
still_closed() {
	supervised -- bash -c '[ ! -e /proc/$$/fd/0 ] && [ ! -e /proc/$$/fd/1 ]' <&- >&-
}
expect "are closed in the program" still_closed

cat >"$work/low" <<'SCRIPT'
import socket, sys
s = socket.socket()
try:
    s.bind(("", int(sys.argv[1])))
    print("bound")
except OSError as error:
    print(error.strerror)
try:
    s.setsockopt(socket.SOL_SOCKET, 36, 9)
    print("marked")
except OSError as error:
    print(error.strerror)
SCRIPT
chmod 644 "$work/low"
in_near "${sockd_run[@]}" -- /usr/bin/python3 "$work/low" 81 >"$work/low.root" 2>&1
contains "root binds what it may" "$work/low.root" '^bound'
in_near "${sockd_run[@]}" -- "${powerless[@]}" /usr/bin/python3 "$work/low" 81 >"$work/low.user" 2>&1
contains "a program that gave up root is not lent it" "$work/low.user" '^Permission denied'
counted "in nothing" 0 "$work/low.user" 'bound|marked'
in_near "${sockd_run[@]}" -- setpriv --inh-caps=-all --bounding-set=-net_bind_service,-net_admin,-net_raw \
	/usr/bin/python3 "$work/low" 81 >"$work/low.less" 2>&1
counted "nor is one that gave up capabilities" 0 "$work/low.less" 'bound|marked'

echo "--- a supervisor with few descriptors"
few() {
	ulimit -n "$1"
	supervised -- /usr/bin/python3 "$work/low" "$2"
}
for n in 7 8 9 10 12 20; do
	(few "$n" 81) >"$work/few" 2>&1
	status=$?
	[ "$status" -eq 0 ] || [ "$status" -eq 125 ] || fail "limit $n: status $status"
	counted "limit $n: nothing is bound that should not be" 0 "$work/few" 'bound|marked'
	[ "$status" -eq 0 ] || counted "limit $n: one line says why" 1 "$work/few" .
	contains "limit $n: there is an answer" "$work/few" 'Permission denied|Too many open files'
done

echo "--- a supervisor that cannot be"
# Who lives alone, so that the limit counts none but these: sockd-run, the supervisor, the program, and its threads.
# (The check for leaks would make another one.)
scarce() {
	local client_uid=$((60100 + $1)) sanitizer_options=$sanitizer_options:detect_leaks=0 powerless
	nobody_is "$client_uid"
	powerless+=(prlimit --nproc="$1")
	run --mode=seccomp --quiet -- /usr/bin/python3 "$work/low" 81
}
for n in 1 2 3 4 5; do
	(scarce "$n") >"$work/few" 2>&1
	status=$?
	expect "no more than $n processes and threads: the exit status ($status)" [ "$status" -eq 125 ]
	counted "no more than $n: one line says why" 1 "$work/few" .
done
