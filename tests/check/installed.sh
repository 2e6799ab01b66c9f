#!/usr/bin/env bash
# usage: installed.sh SOURCE_ROOT BUILD_ROOT CC...
# Installs into an empty folder, builds doc/examples/embed.c from what was installed and nothing else, runs it.
source "$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")/../../scripts/start.bash"
set -euo pipefail

source_root=$1
build_root=$2
shift 2
cc=("$@")

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

fail()
{
	echo "installed.sh: $*" >&2
	exit 1
}

DESTDIR=$work/root meson install -C "$build_root" --no-rebuild >"$work/log" 2>&1 || {
	cat "$work/log" >&2
	fail "meson install failed"
}

pc=$(find "$work/root" -name rosenpass.pc)
[ -n "$pc" ] || fail "rosenpass.pc was not installed"
prefix=$(sed -n 's/^prefix=//p' "$pc")
library=$(find "$work/root" -name 'librosenpass.so.1')
[ -n "$library" ] || fail "librosenpass.so.1 was not installed"
[ -x "$work/root$prefix/bin/rosenpass" ] || fail "the program rosenpass was not installed"

export PKG_CONFIG_PATH
PKG_CONFIG_PATH=$(dirname "$pc")${PKG_CONFIG_PATH:+:$PKG_CONFIG_PATH}
# Only our own prefix moves; libsodium stays where it is.
moved=--define-variable=prefix=$work/root$prefix
read -ra cflags < <(pkg-config "$moved" --cflags rosenpass)
read -ra libs < <(pkg-config "$moved" --libs rosenpass)
read -ra sodium < <(pkg-config --cflags --libs libsodium)

"${cc[@]}" -std=c11 -Wall -Wextra -Werror -o "$work/embed" "${cflags[@]}" "$source_root/doc/examples/embed.c" \
	"${libs[@]}" "${sodium[@]}"

# The header alone, as older C and, by the first compiler here that can, as C++.
echo '#include <rosenpass.h>' >"$work/header.c"
for standard in c99 c11 c17; do
	"${cc[@]}" -std="$standard" -pedantic -Wall -Wextra -Wconversion -Werror -fsyntax-only "${cflags[@]}" \
		"$work/header.c"
done
checked_cxx=no
for cxx in "${cc[*]}" clang; do
	if $cxx -x c++ -fsyntax-only /dev/null 2>/dev/null; then
		for standard in c++11 c++17; do
			$cxx -x c++ "-std=$standard" -pedantic -Wall -Wextra -Wconversion -Werror -fsyntax-only \
				"${cflags[@]}" "$work/header.c"
		done
		checked_cxx=yes
		break
	fi
done
[ "$checked_cxx" = yes ] || echo "no C++ compiler is here: the header was not checked as C++"

LD_LIBRARY_PATH=$(dirname "$library") "$work/embed" | tee "$work/out"
grep -q 'the same key' "$work/out" || fail "embed did not find the same key on both sides"

"$work/root$prefix/bin/rosenpass" --version
