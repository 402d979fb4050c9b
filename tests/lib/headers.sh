#!/bin/bash
# The public headers stand alone, can be included twice, and are C99, C17 and C++ without a warning; what they declare
# can be linked from C++.
set -u
: "${SOCKD_SOURCE:=$(cd "$(dirname "$0")/../.." && pwd -P)}"
: "${SOCKD_BUILD:=$SOCKD_SOURCE/build/plain}"
failures=0
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
strict=(-pedantic -Wall -Wextra -Wundef -Werror -fsyntax-only -I"$work/include")

# As they are installed: nothing else of the source is found.
mkdir "$work/include"
cp "$SOCKD_SOURCE"/lib/sockd*.h "$work/include/"
headers=("$work"/include/*.h)
headers=("${headers[@]##*/}")

installed=$(sed -n '/^include_HEADERS/,/[^\\]$/p' "$SOCKD_SOURCE/Makefile.am" | grep -o 'lib/[a-z-]*\.h' | cut -d / -f 2 | sort)
if [ "$installed" = "$(printf '%s\n' "${headers[@]}" | sort)" ]; then
	echo "ok all of lib/sockd*.h are installed"
else
	echo "FAIL all of lib/sockd*.h are installed: $installed"
	failures=1
fi

# compiles NAME HEADER COMPILER...
compiles() {
	local name=$1 header=$2 said
	shift 2
	if said=$(printf '#include <%s>\n#include <%s>\nint main(void);\nint main(void) { return 0; }\n' "$header" "$header" |
		"$@" "${strict[@]}" - 2>&1); then
		echo "ok $header is $name"
	else
		echo "FAIL $header is $name"
		echo "$said"
		failures=1
	fi
}

c=${CC:-gcc} cpp=${CXX:-g++}
command -v "$c" >/dev/null || { echo "SKIP: no compiler is installed"; exit 77; }
for header in "${headers[@]}"; do
	compiles C99 "$header" "$c" -std=c99 -Wstrict-prototypes -xc
	compiles C17 "$header" "$c" -std=c17 -Wstrict-prototypes -xc
	if command -v "$cpp" >/dev/null; then
		compiles C++11 "$header" "$cpp" -std=c++11 -xc++
		compiles C++20 "$header" "$cpp" -std=c++20 -xc++
	else
		echo "SKIP $header is C++: no C++ compiler is installed"
	fi
done

# As whoever copies one compiles it: without what this build defines.
for example in "$SOCKD_SOURCE"/examples/*.c; do
	if said=$("$c" "${strict[@]}" "$example" 2>&1); then
		echo "ok the example ${example##*/} compiles by itself"
	else
		echo "FAIL the example ${example##*/} compiles by itself"
		echo "$said"
		failures=1
	fi
done

if command -v "$cpp" >/dev/null; then
	cat >"$work/program.cc" <<-'CC'
	#include <sockd.h>
	#include <cstdio>
	int main()
	{
		unsigned char bytes[8];
		sockd_request *request = sockd_request_new(AF_INET, SOCK_STREAM, 0);
		sockd_request_free(request);
		return request && sockd_pack(bytes, sizeof bytes, "!HI", 1, 2u) == 6 ? 0 : 1;
	}
	CC
	libraries=$SOCKD_BUILD/lib/.libs
	sanitizers=()
	nm -D "$libraries/libsockd.so" | grep -q __asan && sanitizers=(-fsanitize=address,undefined)
	nm -D "$libraries/libsockd.so" | grep -q __tsan && sanitizers=(-fsanitize=thread)
	if "$cpp" -std=c++11 ${sanitizers[@]+"${sanitizers[@]}"} -I"$work/include" "$work/program.cc" -o "$work/program" \
		-L"$libraries" -lsockd && LD_LIBRARY_PATH=$libraries "$work/program"; then
		echo "ok a program in C++ is linked with libsockd and runs"
	else
		echo "FAIL a program in C++ is linked with libsockd and runs"
		failures=1
	fi
fi
exit "$failures"
