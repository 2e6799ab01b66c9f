#!/usr/bin/env bash
# usage: symbols.sh LIBRARY
# The shared library shows exactly the names in symbols.txt, and needs nothing from outside that could
# reach a clock, a file, a socket or the system's random numbers.
source "$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")/../../scripts/start.bash"
set -euo pipefail
export LC_ALL=C

library=$1
failed=0

# The name of the version is listed too, as an absolute symbol.
exported=$(nm -D --defined-only "$library" | awk '$2 != "A" { print $3 }' | sed 's/@.*//' | sort)
if ! diff <(sort "$root/tests/check/symbols.txt") <(printf '%s\n' "$exported"); then
	echo "symbols.sh: exported names differ from tests/check/symbols.txt (< expected, > found)" >&2
	failed=1
fi

# Each name carries the version of the interface that it came with.
if nm -D --defined-only --with-symbol-versions "$library" | awk '$2 != "A" { print $3 }' | grep -v '@@ROSENPASS_1$'; then
	echo "symbols.sh: the names above have no version" >&2
	failed=1
fi

# Memory, our allocator's default, assert, the AEAD and what has to be called before it. Fortified twins
# (__memcpy_chk) count as the function.
allowed='^(memcpy|memset|memmove|memcmp|strlen|strcmp|calloc|free|__stack_chk_fail|__assert_fail|abort)$'
allowed+='|^__(memcpy|memset|memmove)_chk$'
allowed+='|^sodium_init$'
allowed+='|^crypto_aead_(xchacha20poly1305|chacha20poly1305)_ietf_(encrypt|decrypt)(_detached)?$'

# Weak names (w, v) belong to the start-up code of the compiler.
undefined=$(nm -D --undefined-only "$library" | awk '$1 != "w" && $1 != "v" { print $2 }' | sed 's/@.*//' | sort)
if foreign=$(grep -Ev "$allowed" <<<"$undefined"); then
	printf '%s\n' "$foreign" >&2
	echo "symbols.sh: the library needs the names above, which are not on its list" >&2
	failed=1
fi

echo "$(wc -l <<<"$exported") names exported, $(wc -l <<<"$undefined") needed from outside"
exit "$failed"
