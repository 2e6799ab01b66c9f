#!/usr/bin/env bash
# usage: scripts/test.sh
# Builds with gcc, with clang, with clang's address and undefined-behaviour sanitizers, and with its thread sanitizer,
# all with warnings as errors, and runs the tests. Then some deliberate faults in what was changed have to be noticed (scripts/mutants.sh);
# without a history nothing counts as changed, and this is skipped. The last line is "N passed, N failed"; the exit
# status is 0 only if nothing failed.
# Writes to build/ alone.
[ -n "${BASH_VERSION-}" ] || exec bash -- "$0" "$@"
source "$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")/start.bash"
set -uo pipefail
export LC_ALL=C

cd "$root" || exit 1
# Mutants of what was changed: so many at most, and none begins after so many minutes.
mutants=30
mutant_minutes=5
passed=0
failed=0
pids=()

finish()
{
	local pid

	for pid in "${pids[@]}"; do
		kill "$pid" 2>/dev/null && wait "$pid" 2>/dev/null
	done
}
trap finish EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

headline()
{
	printf '\n== %s\n' "$*"
}

# result PASS|FAIL WORDS: one case of this script's own.
result()
{
	echo "$1  $2"
	if [ "$1" = PASS ]; then
		passed=$((passed + 1))
	else
		failed=$((failed + 1))
	fi
}

# build NAME CC MESON-OPTION...: sets up build/NAME from nothing and builds all of it.
build()
{
	local name=$1 cc=$2

	shift 2
	headline "build/$name ($cc${*:+ $*})"
	rm -rf "build/$name"
	if CC=$cc meson setup "build/$name" -Dwerror=true -Dtests=enabled -Dbench=enabled "$@" >"build/$name.log" 2>&1 &&
		ninja -C "build/$name" >>"build/$name.log" 2>&1; then
		result PASS "build/$name without a warning"
	else
		tail -n 100 "build/$name.log"
		result FAIL "build/$name, see build/$name.log"
	fi
}

# tests NICENESS NAME ARGUMENT...: runs meson test in build/NAME.
tests()
{
	local niceness=$1 name=$2

	shift 2
	nice -n "$niceness" meson test -C "build/$name" --no-rebuild --print-errorlogs --timeout-multiplier 3 "$@" </dev/null
}

# count NAME: adds up what meson wrote down. A test counts with each of its cases, where it reports them as cmocka
# does or in a last line "N passed, N failed", else as one.
count()
{
	local name=$1 sums ok bad skipped

	if [ ! -s "build/$name/meson-logs/testlog.json" ]; then
		result FAIL "build/$name: no test was run"
		return
	fi
	sums=$(awk '
		{
			match($0, /"result": "[A-Z]*"/)
			outcome = substr($0, RSTART + 11, RLENGTH - 12)
			run = gsub(/\[ RUN      \]/, "")
			good = gsub(/\[       OK \]/, "")
			marked = gsub(/\[  SKIPPED \]/, "")
			if (run == 0 && match($0, /[0-9]+ passed, [0-9]+ failed\\n"/)) {
				split(substr($0, RSTART), words, " ")
				good = words[1]
				run = words[1] + words[3]
			}
			# A program may end well in the middle of a case: that case did not pass.
			if (outcome == "OK" && (run == good || marked > 0)) {
				ok += run > 0 ? good : 1
				skipped += run - good
			} else if (outcome == "SKIP") {
				skipped++
			} else {
				ok += good
				bad += run > good ? run - good : 1
			}
		}
		END { print ok + 0, bad + 0, skipped + 0 }' "build/$name/meson-logs/testlog.json")
	read -r ok bad skipped <<<"$sums"
	echo "build/$name: $ok passed, $bad failed, $skipped skipped"
	passed=$((passed + ok))
	failed=$((failed + bad))
}

tree_state()
{
	git status --porcelain 2>/dev/null || true
}

scripts/setup.sh --for=test || exit 1
mkdir -p build
before=$(tree_state)

build gcc gcc
build clang clang
build sanitize clang -Db_sanitize=address,undefined -Db_lundef=false
build threads clang -Db_sanitize=thread -Db_lundef=false

headline "tests: build/gcc all, beside it with lower priority build/sanitize unit, vectors, sim and fuzz"
tests 5 sanitize --suite unit --suite vectors --suite sim --suite fuzz >build/sanitize-tests.log 2>&1 &
pids+=($!)
tests 0 gcc
gcc_status=$?
headline "tests: build/sanitize"
wait "${pids[0]}"
sanitize_status=$?
pids=()
cat build/sanitize-tests.log

# What runs on several threads.
headline "tests: build/threads"
tests 0 threads test_engine_workers test_receive_steps test_engine_receive
threads_status=$?

headline "mutants of what was changed"
scripts/mutants.sh changed --limit="$mutants" --minutes="$mutant_minutes"
case $? in
0) result PASS "the tests notice the mutants that were tried" ;;
77) echo "SKIP  mutants of what was changed: there is no history" ;;
*) result FAIL "the tests do not notice every mutant" ;;
esac

headline "outcome"
count gcc
count sanitize
count threads
if [ "$(tree_state)" = "$before" ]; then
	result PASS "the tests left the tree as it was"
else
	result FAIL "the tests changed the tree (git status)"
fi
# Should meson have seen a failure that the sums do not show, the run is not green.
if [ "$failed" -eq 0 ] && [ "$gcc_status$sanitize_status$threads_status" != 000 ]; then
	result FAIL "meson test reported failure ($gcc_status, $sanitize_status, $threads_status)"
fi
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
