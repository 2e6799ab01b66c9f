#!/usr/bin/env bash
# usage: hardening.sh PROGRAM yes|no
# What the compiler and the linker were asked for against taking over the program is really in it. The second
# word says whether it was built with FORTIFY, which needs an optimiser.
source "$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")/../../scripts/start.bash"
set -euo pipefail
export LC_ALL=C

program=$1
fortified=$2
checks=0
failed=0

# check WORDS COMMAND...: complains in these words when the command fails.
check()
{
	local words=$1

	shift
	checks=$((checks + 1))
	if ! "$@"; then
		echo "hardening.sh: $program: $words" >&2
		failed=1
	fi
}

has()
{
	grep -Eq "$1" <<<"$2"
}

has_not()
{
	if has "$1" "$2"; then
		return 1
	fi
}

segments=$(readelf -lW "$program")
dynamic=$(readelf -dW "$program")
names=$(nm -D --undefined-only "$program" | awk '{ print $2 }' | sed 's/@.*//')

check 'is not a position-independent program (PIE)' has '\(FLAGS_1\).* PIE' "$dynamic"
check 'has no read-only relocations (RELRO)' has '^ *GNU_RELRO ' "$segments"
check 'leaves its relocations writable (no BIND_NOW)' has '\((FLAGS\).*BIND_NOW|FLAGS_1\).* NOW)' "$dynamic"
check 'writes into its code when it starts (TEXTREL)' has_not 'TEXTREL' "$dynamic"
check 'searches libraries where it was built (RPATH)' has_not '\((RPATH|RUNPATH)\)' "$dynamic"
# Without this header the stack of some architectures is executable.
check 'does not say that its stack holds no code' has '^ *GNU_STACK ' "$segments"
check 'has an executable stack' has_not '^ *GNU_STACK .* RWE ' "$segments"
check 'has a segment that is writable and executable' has_not '^ *LOAD .* RWE ' "$segments"
check 'has no stack protector' has '^__stack_chk_fail$' "$names"
# Other C libraries than glibc have no such functions.
if [ "$fortified" = yes ] && has 'NEEDED.*\[libc\.so\.6\]' "$dynamic"; then
	check 'has no fortified functions (_FORTIFY_SOURCE)' \
		has '^__(memcpy|memset|memmove|snprintf|vsnprintf|read|recv|poll)_chk$' "$names"
fi

echo "$checks properties looked at"
exit "$failed"
