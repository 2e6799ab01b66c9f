#!/usr/bin/env bash
# usage: mutants.sh SOURCE_ROOT
# Looks whether each mutant of tests/mutants finds its place in the sources, and whether those that find none are reported
# by their titles.
source "$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")/../../scripts/start.bash"
set -euo pipefail
export LC_ALL=C PYTHONDONTWRITEBYTECODE=1

cd -- "$1"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failed=0

fail()
{
	echo "mutants.sh: $*" >&2
	failed=1
}

python3 tests/mutants/mutants.py check || fail "tests/mutants does not fit the sources"

# refuses WORDS ENTRY: a list of this entry alone is refused, with its title and these words.
refuses()
{
	printf '%s\n' "$2" >"$work/tests/mutants/crypto.txt"
	if python3 "$work/tests/mutants/mutants.py" check >"$work/out" 2>&1; then
		fail "was accepted: $2"
	elif ! grep -q "crypto.txt:1: A fault: .*$1" "$work/out"; then
		fail "expected \"$1\", not: $(cat "$work/out")"
	fi
}

mkdir -p "$work/tests/mutants" "$work/tests/unit" "$work/src/crypto"
cp tests/mutants/*.py "$work/tests/mutants"
touch "$work/tests/unit/test_one.c"
printf 'int one(int a)\n{\n\treturn a + 1;\n}\n\nint two(int a)\n{\n\treturn a + 1;\n}\n' >"$work/src/crypto/one.c"

refuses "found 2 times" $'title: A fault\ntests: test_one\n-a + 1\n+a + 2'
refuses "not found" $'title: A fault\ntests: test_one\n-a + 3\n+a + 2'
refuses "not found" $'title: A fault\nin: three\ntests: test_one\n-a + 1\n+a + 2'
refuses "no tests/unit/test_two.c" $'title: A fault\nin: one\ntests: test_two\n-a + 1\n+a + 2'
refuses "the new text is the old one" $'title: A fault\nin: one\ntests: test_one\n-a + 1\n+a  +  1'
refuses "no tests" $'title: A fault\nin: one\n-a + 1\n+a + 2'
printf 'title: A fault\nin: two\ntests: test_one\n-return a\n-+ 1;\n+return a + 2;\n' >"$work/tests/mutants/crypto.txt"
python3 "$work/tests/mutants/mutants.py" check >"$work/out" 2>&1 ||
	fail "a good entry is refused: $(cat "$work/out")"

exit "$failed"
