#!/bin/bash
# Programs that no preload library reaches, or that use sockets in a way of their own: Go without a C library, Rust,
# Node and Java on port 80, and raw ICMP from Go.
. "$(dirname "$0")/../lib.sh"
begin tcpdump
samples=$SOCKD_SOURCE/tests/samples

policy <<'JSON'
{
  "rules": [
    {
      "name": "web",
      "peers": { "uid": 65534 },
      "family": ["inet", "inet6"], "type": "stream", "protocol": "tcp", "ports": [80]
    },
    {
      "name": "echo",
      "peers": { "uid": 65534 },
      "family": "inet", "type": "raw", "protocol": "icmp"
    }
  ]
}
JSON

# Each is compiled here and offline; what is not installed is skipped alone.
programs=()
have() {
	local name=$1 command
	shift
	for command; do
		command -v "$command" >/dev/null || {
			echo "SKIP $name: the program $command is not installed"
			return 1
		}
	done
}

compile() {
	local name=$1
	shift
	if ! "$@" >"$work/compile.log" 2>&1; then
		cat "$work/compile.log"
		fail "$name compiles"
		return 1
	fi
}

go_build() {
	compile "$1" env HOME="$work" GOCACHE="$work/go-cache" GOPATH="$work/go" GO111MODULE=off GOPROXY=off GOTOOLCHAIN=local \
		CGO_ENABLED=0 go build -o "$work/bin/$1" "$2"
}

if have go go && go_build go-listen "$samples/listen.go" && go_build go-icmp "$samples/icmp.go"; then
	programs+=(go)
fi
if have rust rustc && compile rust rustc -o "$work/bin/rust-listen" "$samples/listen.rs"; then
	programs+=(rust)
fi
have node node && copy_program node && cp "$samples/listen.js" "$work/" && programs+=(node)
# A copy would not find its libraries. It has neither capabilities nor a setuid bit.
have java java javac && cp "$samples/Listen.java" "$work/" && programs+=(java)

# Sets the command of a server on a port.
server() {
	case $1 in
	go) command=("$work/bin/go-listen" "0.0.0.0:$2") ;;
	rust) command=("$work/bin/rust-listen" "0.0.0.0:$2") ;;
	node) command=("$work/bin/node" "$work/listen.js" 0.0.0.0 "$2") ;;
	java) command=(java -XX:TieredStopAtLevel=1 "$work/Listen.java" 0.0.0.0 "$2") ;;
	esac
}

fetch() {
	in_far /usr/bin/python3 -c '
import sys, urllib.request
opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
sys.stdout.write(opener.open(sys.argv[1], timeout=10).read().decode())' "$1"
}

gone() {
	! kill -0 "$1" 2>/dev/null
}

in_home() {
	cd "$work/home" || exit 1
	"$@"
}

export HOME=$work/home
for name in ${programs[@]+"${programs[@]}"}; do
	server "$name" 80
	refused "$name: port 80 needs sockd" '[Pp]ermission denied|EACCES' without timeout 20 "${command[@]}"
done

start_sockd
for name in ${programs[@]+"${programs[@]}"}; do
	server "$name" 80
	in_home run_exec --mode=seccomp -- "${command[@]}" >"$work/$name.log" 2>&1 &
	pid=$!
	remember
	wait_for 20 listens t 80 || { cat "$work/$name.log"; fail "$name listens"; continue; }
	expect "$name serves on port 80" [ "$(fetch http://10.99.0.1/)" = "served by ${name^}" ]
	wait_for 10 gone "$pid" || fail "$name ends by itself"
	status=0
	wait "$pid" || status=$?
	expect "$name: its exit status is that of success ($status)" [ "$status" -eq 0 ]
	server "$name" 81
	refused "$name: a port that no rule names stays refused" '[Pp]ermission denied|EACCES' \
		run --mode=seccomp -- timeout 20 "${command[@]}"
done

if [ -x "$work/bin/go-icmp" ]; then
	refused "go: raw ICMP needs sockd" 'operation not permitted' without "$work/bin/go-icmp" listen 10.99.0.2
	watch_far icmp
	for how in listen dial; do
		run --mode=seccomp -- "$work/bin/go-icmp" "$how" 10.99.0.2 >"$work/go-icmp.log" 2>&1
		contains "go: raw ICMP, by $how" "$work/go-icmp.log" '^answered 10\.99\.0\.2$'
	done
	seen_far
	counted "the other end saw its two echoes" 2 "$work/far.txt" '10\.99\.0\.1 > 10\.99\.0\.2: ICMP echo request'
fi
expect "the supervisors are gone with their programs" wait_for 5 no_runners
