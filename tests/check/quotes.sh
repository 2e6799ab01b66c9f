#!/usr/bin/env bash
# usage: quotes.sh SOURCE_ROOT
# The program still prints what the documents quote. A block ```text of a document holds lines of the program, in
# which "…" stands for what varies. The texts of the sources, joined where a text goes on in the next line, have to
# contain each part of such a line, or both pieces of a part that is put together there. Error texts of the C library
# count as varying.
source "$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")/../../scripts/start.bash"
set -euo pipefail
export LC_ALL=C

cd "$1"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failed=0
count=0

# Texts of more than one line are joined; quotation marks inside a text lose their backslash.
cat src/*/*.c src/*/*.h | tr '\n' ' ' | sed 's/"[ \t]*"//g; s/\\"/"/g' >"$work/texts"

# quotes DOCUMENT: lines "LINE<tab>PART". Parts end where texts may be put together: at "…", ": ", ", ", "; " and " (".
quotes()
{
	awk '
		/^```/ { inside = !inside && $0 == "```text"; next }
		inside {
			line = $0
			gsub(/Connection refused|No route to host|Network is unreachable/, "\t", line)
			gsub(/Permission denied|Address already in use/, "\t", line)
			gsub(/ from …|…|: |, |; | \(/, "\t", line)
			n = split(line, parts, "\t")
			for (i = 1; i <= n; i++) {
				gsub(/^[ :,;.()]+|[ :,;.)]+$/, "", parts[i])
				if (length(parts[i]) >= 8)
					print FNR "\t" parts[i]
			}
		}' "$1"
}

has()
{
	grep -qF -- "$1" "$work/texts"
}

# has_pieces PART: cut at one of its spaces, each piece of at least two words.
has_pieces()
{
	local head=$1 tail=

	while [[ $head == *' '* ]]; do
		tail="${head##* }${tail:+ $tail}"
		head=${head% *}
		if [[ $head == *' '* && $tail == *' '* ]] && has "$head" && has "$tail"; then
			return 0
		fi
	done
	return 1
}

for document in README.md doc/*.md docker/*.md; do
	while IFS=$'\t' read -r line part; do
		count=$((count + 1))
		if ! has "$part" && ! has_pieces "$part"; then
			echo "$document:$line: the program does not print \"$part\"" >&2
			failed=1
		fi
	done < <(quotes "$document")
done
[ "$count" -ge 60 ] || { echo "quotes.sh: only $count parts of quoted lines were found" >&2; failed=1; }
echo "$count parts of quoted lines were looked for"
exit "$failed"
