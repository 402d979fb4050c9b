# shellcheck shell=bash
# Completion of sockctl(1) and sockd-run(1) for bash, installed by the names of both. Beyond bash-completion's folder it
# needs nothing of it; with it, commands behind "--" are completed by their own.

# The word at the cursor, and the option whose value it is: bash splits words at "=".
_sockd_word() {
	option='' word=${COMP_WORDS[COMP_CWORD]}
	if [[ $word == '=' ]]; then
		option=${COMP_WORDS[COMP_CWORD - 1]} word=
	elif ((COMP_CWORD > 2)) && [[ ${COMP_WORDS[COMP_CWORD - 1]} == '=' ]]; then
		option=${COMP_WORDS[COMP_CWORD - 2]}
	fi
}

_sockd_words() {
	mapfile -t COMPREPLY < <(compgen "$@" -- "$word")
}

_sockd_files() {
	compopt -o filenames
	_sockd_words -f
}

# What takes a value is offered with its "=", and no space after that.
_sockd_options() {
	compopt -o nospace
	_sockd_words -W "$1"
	[[ ${#COMPREPLY[@]} -ne 1 || ${COMPREPLY[0]} == *= ]] || compopt +o nospace
}

# The command that begins with this word of the line.
_sockd_command() {
	local word=${COMP_WORDS[COMP_CWORD]}

	if declare -F _comp_command_offset >/dev/null; then
		_comp_command_offset "$1"
	elif declare -F _command_offset >/dev/null; then
		_command_offset "$1"
	elif ((COMP_CWORD == $1)); then
		_sockd_words -c
	else
		_sockd_files
	fi
}

_sockd_namespaces() {
	ip netns list 2>/dev/null | cut -d ' ' -f 1
}

_sockd_units() {
	systemctl list-units --plain --no-legend "$@" 2>/dev/null | cut -d ' ' -f 1
}

_sockctl_value() {
	case $option in
	--user) _sockd_words -u ;;
	--gid | --groups) _sockd_words -g ;;
	--json) _sockd_words -W 'short pretty off' ;;
	--action) _sockd_words -W 'share receive store fetch' ;;
	--netns) _sockd_words -W "peer broker $(_sockd_namespaces)" ;;
	--unit) _sockd_words -W "$(_sockd_units)" ;;
	--slice) _sockd_words -W "$(_sockd_units --type=slice)" ;;
	--management) _sockd_files ;;
	esac
}

_sockctl_options() {
	local all='--json= --no-pager --help --version' steps='--bind= --connect= --listen --option= --netns='

	case $1 in
	'' | check | list | status | reload | families) all+=' --management=' ;;&
	open) all+=" $steps --count= --dry-run" ;;
	check)
		all+=" $steps --action= --name= --common --user= --uid= --gid= --groups= --message= --listener= --unit= --slice="
		all+=' --user-unit= --foreign --apply'
		;;
	share) all+=' --expires= --pid= --user= --uid= --gid=' ;;
	store) all+=' --expires= --new --common' ;;
	fetch) all+=' --take --common' ;;
	forget) all+=' --common' ;;
	esac
	_sockd_options "$all"
}

_sockctl_argument() {
	case $1:$2 in
	:*) _sockd_words -W 'open check share fromshare store fetch stored forget list status reload families' ;;
	open:0 | check:0)
		_sockd_words -W 'unix inet inet6 netlink packet vsock can bluetooth tipc rds alg qipcrtr xdp key smc ax25 netrom
			rose appletalk x25 atmpvc atmsvc pppox llc rxrpc isdn phonet ieee802154 caif nfc kcm iucv mctp'
		;;
	open:1 | check:1) _sockd_words -W 'stream dgram raw seqpacket rdm' ;;
	fetch:0 | forget:0)
		_sockd_words -W "$(sockctl stored --json=short 2>/dev/null | grep -o '"name":"[^"]*"' | cut -d '"' -f 4)"
		;;
	esac
}

_sockctl() {
	local option word verb='' n=0 i

	COMPREPLY=()
	for ((i = 1; i < COMP_CWORD; i++)); do
		case ${COMP_WORDS[i]} in
		--)
			_sockd_command "$((i + 1))"
			return
			;;
		=) i=$((i + 1)) ;;
		-*) ;;
		*) if [[ -z $verb ]]; then verb=${COMP_WORDS[i]}; else n=$((n + 1)); fi ;;
		esac
	done
	_sockd_word
	if [[ -n $option ]]; then
		_sockctl_value
	elif [[ $word == -* ]]; then
		_sockctl_options "$verb"
	else
		_sockctl_argument "$verb" "$n"
	fi
}

_sockd_run_value() {
	case $option in
	--mode) _sockd_words -W 'auto seccomp preload' ;;
	--netns) _sockd_words -W "broker $(_sockd_namespaces)" ;;
	--socket | --learn) _sockd_files ;;
	esac
}

_sockd_run() {
	local option word i

	COMPREPLY=()
	for ((i = 1; i < COMP_CWORD; i++)); do
		case ${COMP_WORDS[i]} in
		--) i=$((i + 1)) ;&
		[!-=]*)
			_sockd_command "$i"
			return
			;;
		=) i=$((i + 1)) ;;
		esac
	done
	_sockd_word
	if [[ -n $option ]]; then
		_sockd_run_value
	elif [[ $word == -* ]]; then
		_sockd_options '--mode= --socket= --netns= --map-root --allow-io-uring --learn= --dry-run --require --quiet
			--verbose --help --version'
	else
		_sockd_command "$COMP_CWORD"
	fi
}

complete -F _sockctl sockctl
complete -F _sockd_run sockd-run
