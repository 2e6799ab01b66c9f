#!/usr/bin/env bash
# usage: installed.sh SOURCE_ROOT BUILD_ROOT CC...
# Installs into an empty folder, builds doc/examples/embed.c from what was installed and nothing else, runs it.
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
library=$(find "$work/root" -name 'librosenpass.so.0')
[ -n "$library" ] || fail "librosenpass.so.0 was not installed"
[ -x "$work/root$prefix/bin/rosenpass" ] || fail "the program rosenpass was not installed"

export PKG_CONFIG_PATH
PKG_CONFIG_PATH=$(dirname "$pc")${PKG_CONFIG_PATH:+:$PKG_CONFIG_PATH}
# Only our own prefix moves; libsodium stays where it is.
read -ra ours < <(pkg-config --define-variable=prefix="$work/root$prefix" --cflags --libs rosenpass)
read -ra sodium < <(pkg-config --cflags --libs libsodium)

"${cc[@]}" -std=c11 -Wall -Wextra -Werror -o "$work/embed" "$source_root/doc/examples/embed.c" \
	"${ours[@]}" "${sodium[@]}"

# The header alone, as older C and as C++.
echo '#include <rosenpass.h>' >"$work/header.c"
"${cc[@]}" -std=c99 -pedantic -Wall -Wextra -Werror -fsyntax-only "${ours[@]}" "$work/header.c"
"${cc[@]}" -x c++ -std=c++11 -Wall -Wextra -Werror -fsyntax-only "${ours[@]}" "$work/header.c"

LD_LIBRARY_PATH=$(dirname "$library") "$work/embed" | tee "$work/out"
grep -q 'the same key' "$work/out" || fail "embed did not find the same key on both sides"

"$work/root$prefix/bin/rosenpass" --version
