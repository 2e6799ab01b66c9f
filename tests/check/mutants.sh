#!/usr/bin/env bash
# usage: mutants.sh SOURCE_ROOT
# Looks whether each mutant of tests/mutants finds its place in the sources, and whether those that find none are reported
# by their titles; and whether "changed" chooses by what differs from a commit, and is skipped without a history. Nothing is
# built here: scripts/test.sh tries the mutants of what was changed, a few minutes of them, and scripts/mutants.sh all.
source "$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")/../../scripts/start.bash"
set -euo pipefail
export LC_ALL=C PYTHONDONTWRITEBYTECODE=1
unset GIT_DIR GIT_WORK_TREE GIT_INDEX_FILE

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

# changed STATUS WORDS: so "changed" ends in the small tree, without a build.
changed()
{
	local status=0

	python3 "$work/tests/mutants/mutants.py" changed >"$work/out" 2>&1 || status=$?
	[ "$status" = "$1" ] && grep -q "$2" "$work/out" || fail "changed: $status, not $1 and \"$2\": $(cat "$work/out")"
}

# git WORDS: in the small tree, whatever the user has configured.
small_git()
{
	HOME=$work GIT_CONFIG_NOSYSTEM=1 git -C "$work" -c user.name=test -c user.email=test@example.org \
		-c init.defaultBranch=main -c safe.directory='*' "$@" >/dev/null 2>&1
}

changed 77 "^skipped: there is no earlier commit"
if command -v git >/dev/null; then
	echo out >"$work/.gitignore"
	small_git init && small_git add . && small_git commit -m one || fail "git cannot make a history"
	changed 77 "^skipped: there is no earlier commit"
	echo one >"$work/other" && small_git add . && small_git commit -m two
	changed 0 "^no mutant concerns what was changed"
	# Then there is one, for which there is nothing to build here.
	echo >>"$work/src/crypto/one.c"
	changed 1 "meson setup failed"
fi

exit "$failed"
