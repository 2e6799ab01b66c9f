#!/usr/bin/env bash
# usage: stack.sh SOURCE_ROOT CC...
# No function of the library may take more than the limit of stack, nor an amount that is only known at run time;
# with gcc, which can write down who calls whom, no chain of calls either. Reports the biggest ones.
# Calls through pointers (the caller's random source and allocator) and into libsodium and libc count as 0.
source "$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")/../../scripts/start.bash"
set -euo pipefail
export LC_ALL=C

function_limit_bytes=24576
chain_limit_bytes=32768
source_root=$1
shift
cc=("$@")
# ccache gives objects back without the call graphs that were written beside them.
export CCACHE_DISABLE=1

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$source_root"

read -ra sodium < <(pkg-config --cflags libsodium) || true
flags=(-std=gnu11 -O2 -fstack-protector-strong -fstack-usage -Isrc -Iinclude)
chains=no
if echo 'int x;' | "${cc[@]}" -fcallgraph-info=su -x c -c -o "$work/try.o" - 2>/dev/null; then
	flags+=(-fcallgraph-info=su)
	chains=yes
	rm -f "$work"/try.*
fi

count=0
while IFS= read -r file; do
	count=$((count + 1))
	"${cc[@]}" "${flags[@]}" "${sodium[@]}" -c -o "$work/$count.o" "$file"
done < <(find src/crypto src/base src/protocol -name '*.c' | sort)
if [ "$count" -eq 0 ]; then
	echo "stack.sh: no source found" >&2
	exit 1
fi
failed=0

# file:line[:column]:function <tab> bytes <tab> static|dynamic|dynamic,bounded
cat "$work"/*.su | sort -t "$(printf '\t')" -k2,2nr >"$work/all"
echo "$count files; biggest stack frames in bytes:"
head -n 5 "$work/all" | awk -F '\t' '{ sub(/.*\//, "", $1); printf "%8d  %s\n", $2, $1 }'
awk -F '\t' -v limit="$function_limit_bytes" '
	$2 > limit { print $1 ": " $2 " bytes, more than " limit; bad = 1 }
	$3 == "dynamic" { print $1 ": takes an amount of stack that is only known at run time"; bad = 1 }
	END { exit bad }' "$work/all" >&2 || failed=1

if [ "$chains" = no ]; then
	echo "this compiler writes no call graph: chains were not checked"
	exit "$failed"
fi

# Longest way through the graph from every function.
cat "$work"/*.ci | awk -v limit="$chain_limit_bytes" '
	function name_after(key, rest)
	{
		rest = substr($0, index($0, key) + length(key))
		return substr(rest, 1, index(rest, "\"") - 1)
	}
	function deepest(f, i, n, best, depth, callees)
	{
		if (f in total)
			return total[f]
		if (f in entered) {
			print f ": calls itself, so that its stack has no bound"
			bad = 1
			return 0
		}
		entered[f] = 1
		n = split(calls[f], callees, "\t")
		best = 0
		for (i = 1; i <= n; i++) {
			depth = deepest(callees[i])
			if (depth > best) {
				best = depth
				next_of[f] = callees[i]
			}
		}
		delete entered[f]
		total[f] = frame[f] + best
		return total[f]
	}
	/^node:/ && match($0, /[0-9]+ bytes \(/) {
		frame[name_after("title: \"")] = substr($0, RSTART, RLENGTH) + 0
	}
	/^edge:/ {
		source = name_after("sourcename: \"")
		target = name_after("targetname: \"")
		if (!((source, target) in seen)) {
			seen[source, target] = 1
			calls[source] = calls[source] (calls[source] == "" ? "" : "\t") target
		}
	}
	END {
		for (f in frame)
			if (deepest(f) > total[deep])
				deep = f
		printf "deepest chain of calls: %d bytes\n", total[deep]
		for (f = deep; f != ""; f = next_of[f])
			printf "%8d  %s\n", frame[f], f
		if (total[deep] > limit) {
			print "more than " limit " bytes"
			bad = 1
		}
		exit bad
	}' || failed=1
exit "$failed"
