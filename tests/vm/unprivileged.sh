#!/bin/bash
# The unit tests once more, as nobody: what needs no root must need none on this kernel either.
. "$(dirname "$0")/../lib.sh"
need_root
need_programs setpriv
work=$(mktemp -d "${TMPDIR:-/tmp}/sockd-test.XXXXXX") || exit 1
trap 'rm -rf "$work"' EXIT
chmod 755 "$work"
install -d -m 755 -o "$client_uid" -g "$client_uid" "$work/home"

found=0
for program in "$SOCKD_BUILD"/tests/unit/test-* "$SOCKD_BUILD"/tests/lib/test-*; do
	[ -f "$program" ] && [ -x "$program" ] || continue
	name=${program##*/}
	# It starts a sockd, which takes root.
	[ "$name" != test-lib ] || continue
	found=1
	# The build may be where nobody may not look.
	install -m 755 "$program" "$work/$name"
	status=0
	(cd "$work/home" && "${powerless[@]}" env HOME="$work/home" "$work/$name") >"$work/$name.said" 2>&1 || status=$?
	case $status in
	0) ok "$name ($(sed -n 's/^[0-9]*%: Checks: \([0-9]*\),.*/\1 checks/p' "$work/$name.said"))" ;;
	77) echo "SKIP $name: $(sed -n 's/^SKIP: //p' "$work/$name.said" | head -n 1)" ;;
	*)
		fail "$name (exit status $status)"
		tail -n 20 "$work/$name.said"
		;;
	esac
done
[ "$found" = 1 ] || skip_all "there are no unit tests in this build"
[ "$failures" -eq 0 ]
