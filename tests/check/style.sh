#!/usr/bin/env bash
# usage: style.sh SOURCE_ROOT
# What can be checked mechanically: layout by clang-format, left-over marks, length of files and lines, ends of
# lines, whether the build lists every source, and whether the shell can read our scripts.
source "$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")/../../scripts/start.bash"
set -euo pipefail
export LC_ALL=C

cd -- "$1"
failed=0

# complain WORDS [LINES]: prints both and remembers the failure; nothing to say without lines.
complain()
{
	[ -n "$2" ] || return 0
	printf '%s\n%s\n' "$1" "$2" >&2
	failed=1
}

mapfile -t sources < <(find include src tests bench doc -name '*.[ch]' | sort)
mapfile -t scripts < <(find scripts tests .ci -type f \( -name '*.sh' -o -name run -o -name vectors \) | sort)
mapfile -t texts < <(find . -path ./.git -prune -o -path ./build -prune -o -path ./tests/data -prune -o \
	-path ./tests/fuzz/corpus -prune -o -type f ! -name 'LICENSE*' -print | sort)

tab=$(printf '\t')
complain 'Carriage returns:' "$(grep -lI $'\r' "${texts[@]}" || true)"
complain 'White space at the end of a line:' "$(grep -nIE "[ $tab]+\$" "${texts[@]}" || true)"
complain 'No newline at the end of the file:' "$(for file in "${texts[@]}"; do
	[ ! -s "$file" ] || [ -z "$(tail -c 1 "$file")" ] || echo "$file"
done)"
complain 'Left-over marks:' "$(grep -nE '\b(TODO|FIXME|XXX|HACK)\b' "${sources[@]}" || true)"
complain 'Files of 700 lines or more:' "$(for file in "${sources[@]}"; do
	lines=$(wc -l <"$file")
	[ "$lines" -lt 700 ] || echo "$file: $lines"
done)"
complain 'Lines beyond column 110:' "$(for file in "${sources[@]}"; do
	expand -t 8 "$file" | awk -v file="$file" 'length($0) > 110 { print file ":" NR }'
done)"
# The lists in the build files are written by hand. tests/ct compiles by itself.
complain 'Named in no meson.build of their folder or the one above:' "$(
	find src tests bench -name '*.c' ! -path 'tests/ct/*' | sort | while IFS= read -r file; do
		folder=${file%/*}
		name=${file##*/}
		grep -qsF "'$name'" "$folder/meson.build" ||
			grep -qsF "'${folder##*/}/$name'" "${folder%/*}/meson.build" || echo "$file"
	done
)"
for script in "${scripts[@]}"; do
	bash -n "$script" || failed=1
	[ -x "$script" ] || complain 'Not executable:' "$script"
done

# Other versions of clang-format break some lines elsewhere: only the one we format with counts.
formatter=
for name in clang-format-14 clang-format; do
	if "$name" --version 2>/dev/null | grep -q 'version 14\.'; then
		formatter=$name
		break
	fi
done
if [ -n "$formatter" ]; then
	"$formatter" --dry-run -Werror --ferror-limit=3 "${sources[@]}" || failed=1
else
	echo "clang-format 14 is not here: layout was not checked"
fi

echo "${#sources[@]} sources, ${#scripts[@]} scripts, ${#texts[@]} text files looked at"
exit "$failed"
