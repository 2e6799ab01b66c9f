#!/usr/bin/env bash
# usage: links.sh SOURCE_ROOT
# What the documents point to exists: files and headings of links and pictures, and files of src, tests, scripts, doc, bench
# and include that the text names in backquotes. A name of tests may leave out the ending.
source "$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")/../../scripts/start.bash"
set -euo pipefail
export LC_ALL=C

cd "$1"
failed=0
count=0

fail()
{
	echo "links.sh: $*" >&2
	failed=1
}

# anchors DOCUMENT: as GitHub makes them of headings.
anchors()
{
	sed -n '/^```/,/^```/d; s/^##* //p' "$1" | tr '[:upper:]' '[:lower:]' | sed 's/[^a-z0-9 _-]//g; s/ /-/g'
}

# check_link DOCUMENT TARGET
check_link()
{
	local document=$1 path=${2%%#*} anchor=

	[[ $2 != *'#'* ]] || anchor=${2#*#}
	if [ -z "$path" ]; then
		path=$document
	else
		path=$(dirname -- "$document")/$path
	fi
	[ -e "$path" ] || fail "$document: $2 does not exist"
	[ -z "$anchor" ] || [ ! -e "$path" ] || grep -qxF -- "$anchor" <(anchors "$path") ||
		fail "$document: $2: there is no such heading"
}

# check_file DOCUMENT PATH
check_file()
{
	[ -e "$2" ] || compgen -G "$2.*" >/dev/null || fail "$1: there is no file $2"
}

for document in *.md doc/*.md docker/*.md; do
	while read -r target; do
		count=$((count + 1))
		check_link "$document" "$target"
	done < <(grep -oE '\]\([^)]+\)' "$document" | sed 's/^..//; s/)$//' | grep -v '^[a-z]*:' || true)
	while read -r path; do
		count=$((count + 1))
		check_file "$document" "$path"
	done < <(grep -oE '`(src|tests|scripts|doc|bench|include)/[a-zA-Z0-9_./-]+`' "$document" | tr -d '`' || true)
done
[ "$count" -ge 60 ] || fail "only $count links and files were found"
echo "$count links and files looked at"
exit "$failed"
