#!/bin/bash
# The completion for bash offers what sockctl and sockd-run have, no more and no less.
set -u
: "${SOCKD_SOURCE:=$(cd "$(dirname "$0")/../.." && pwd -P)}"
: "${SOCKD_BUILD:=$SOCKD_SOURCE/build/plain}"
failures=0
PATH=$SOCKD_BUILD/client:$SOCKD_BUILD/client/run:$PATH
export SOCKD_SOCKET=/nowhere SOCKD_MANAGEMENT=/nowhere

compopt() { :; }
. "$SOCKD_SOURCE/client/completion.bash"

# offered WORD...: what is offered for the last word, sorted, on one line; words are split as bash does.
offered() {
	local word function

	COMP_WORDS=()
	for word; do
		case $word in
		--*=) COMP_WORDS+=("${word%=}" '=') ;;
		--*=*) COMP_WORDS+=("${word%%=*}" '=' "${word#*=}") ;;
		*) COMP_WORDS+=("$word") ;;
		esac
	done
	COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
	function=$(complete -p "$1")
	function=${function#*-F }
	COMPREPLY=()
	"${function% *}" 2>/dev/null
	[ ${#COMPREPLY[@]} -eq 0 ] || printf '%s\n' "${COMPREPLY[@]}" | LC_ALL=C sort -u | paste -sd ' '
}

# The same, only the names of options.
offered_options() {
	offered "$@" -- | tr ' ' '\n' | sed 's/=$//' | LC_ALL=C sort -u | paste -sd ' '
}

# same NAME EXPECTED ACTUAL
same() {
	if [ "$2" = "$3" ] && [ -n "$2" ]; then
		echo "ok $1"
	else
		echo "FAIL $1: \"$2\" and \"$3\""
		failures=1
	fi
}

options_of() {
	"$1" --help | grep -oE -- '--[a-z]+[a-z-]*' | LC_ALL=C sort -u | paste -sd ' '
}

verbs=$(sockctl --help | sed -n '/^Commands:/,/^$/s/^  \([a-z]\+\) .*/\1/p' | LC_ALL=C sort | paste -sd ' ')
same "the commands of sockctl" "$verbs" "$(offered sockctl '')"
same "its options" "$(options_of sockctl)" "$(for verb in $verbs; do
	offered_options sockctl "$verb"
done | tr ' ' '\n' | LC_ALL=C sort -u | paste -sd ' ')"
same "the options of sockd-run" "$(options_of sockd-run)" "$(offered_options sockd-run)"
taking=" $(offered sockctl open --) $(offered sockctl check --) $(offered sockctl share --) "
taking=${taking/ --action= / }
for verb in $verbs; do
	case $verb in
	open | check) arguments=(inet stream) ;;
	share | fromshare | store | fetch | forget) arguments=(0) ;;
	*) arguments=() ;;
	esac
	has=()
	for option in $(options_of sockctl); do
		given=$option
		[[ $option == --action ]] && given+="=share"
		[[ $taking == *" $option= "* ]] && given+="=1"
		# What it says of the rest does not matter.
		sockctl "$verb" "$given" ${arguments[@]+"${arguments[@]}"} 2>&1 </dev/null | grep -q 'has no option' ||
			has+=("$option")
	done
	same "the options of sockctl $verb" "${has[*]}" "$(offered_options sockctl "$verb")"
done
same "the families" "$(sockctl families 2>/dev/null | awk 'NR > 1 { print $1 }' | LC_ALL=C sort | paste -sd ' ')" \
	"$(offered sockctl check '')"
same "a type" "raw rdm" "$(offered sockctl --json=short open --count=2 inet r)"
same "nothing where nothing is known" "x" "x$(offered sockctl open inet raw icm)"
same "a value" "pretty" "$(offered sockctl list --json=p)"
same "a value that is empty" "auto preload seccomp" "$(offered sockd-run --mode=)"
same "a user" "root" "$(offered sockctl check --user=roo)"
same "a command with the socket" "bash" "$(offered sockctl open inet stream -- bash | tr ' ' '\n' | grep -x bash)"
same "a program" "bash" "$(offered sockd-run --mode=seccomp --quiet bash | tr ' ' '\n' | grep -x bash)"
same "a program behind --" "bash" "$(offered sockd-run -- bash | tr ' ' '\n' | grep -x bash)"
same "its argument" "/etc/passwd" "$(offered sockd-run --learn=/tmp/x bash /etc/passw | tr ' ' '\n' | grep -x /etc/passwd)"
exit "$failures"
