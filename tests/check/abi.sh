#!/usr/bin/env bash
# usage: abi.sh LIBRARY [--renew]
# The library shows what tests/abi/librosenpass.abi says: its functions and everything about the types that they take.
# Where something has changed in a way that programs do not notice, as the header promises (a function, a value of an
# enum, a member at the end of a struct with a size), --renew writes the file anew. Any other change needs another soname.
# Skipped (77) where libabigail is not installed, and on other machines than x86-64, which the file was made on.
source "$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")/../../scripts/start.bash"
set -euo pipefail
export LC_ALL=C

library=$1
baseline=$root/tests/abi/librosenpass.abi
if [ "$(uname -m)" != x86_64 ]; then
	echo "abi.sh: the stored interface is that of x86-64"
	exit 77
fi
if ! command -v abidiff >/dev/null || ! command -v abidw >/dev/null; then
	echo "abi.sh: libabigail (abigail-tools) is not here"
	exit 77
fi

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# describe LIBRARY OUT: nothing in it depends on the place or the compiler.
describe()
{
	abidw --headers-dir "$root/include" --drop-private-types --exported-interfaces-only --no-show-locs \
		--no-corpus-path --no-comp-dir-path --no-parameter-names --no-elf-needed --out-file "$2" "$1"
}

if [ "${2-}" = --renew ]; then
	mkdir -p "${baseline%/*}"
	describe "$library" "$baseline"
	echo "abi.sh: $baseline is renewed"
	exit 0
fi

describe "$library" "$work/now.abi"
functions=$(grep -c '<elf-symbol ' "$work/now.abi" || true)
types=$(grep -c '<class-decl .*rosenpass_' "$work/now.abi" || true)
# A library without debugging information would agree with everything.
if [ "$functions" -lt 28 ] || [ "$types" -lt 7 ]; then
	echo "abi.sh: only $functions functions and $types structs are seen: was the library built with -g?" >&2
	exit 1
fi
status=0
abidiff --harmless "$baseline" "$work/now.abi" || status=$?
if [ "$status" -ne 0 ]; then
	echo "abi.sh: the interface has changed (abidiff: $status); see the head of this script" >&2
	exit 1
fi
echo "$functions symbols and $types structs are those of tests/abi/librosenpass.abi"
