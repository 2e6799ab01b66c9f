#!/usr/bin/env bash
# usage: layers.sh SOURCE_ROOT [PROTOCOL_LIBRARY]
# Arrows point down only: rosenpass, rp -> programs -> monitor -> delivery, engine, control -> config, wireguard ->
# system -> protocol -> base -> crypto.
# Looks at every #include below src/, and within src/protocol at the calls from file to file as well, which the
# symbols of the built library tell.
source "$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")/../../scripts/start.bash"
set -euo pipefail
export LC_ALL=C

library=${2:+$(realpath -- "$2")}
cd -- "$1/src"
failed=0
files=0

# Headers of C itself that need no operating system. netinet/in.h is for the addresses that it declares.
plain='assert|inttypes|limits|stdalign|stdarg|stdbool|stddef|stdint|stdlib|string'

# check FOLDER QUOTED ANGLED: extended regular expressions of what may stand in "" and in <>.
check()
{
	local folder=$1 quoted=$2 angled=$3 file line name rule

	[ -d "$folder" ] || return 0
	while IFS= read -r file; do
		files=$((files + 1))
		while IFS= read -r line; do
			name=${line#*[<\"]}
			name=${name%%[>\"]*}
			case $line in
			*\"*) rule=$quoted ;;
			*) rule=$angled ;;
			esac
			if ! [[ $name =~ ^($rule)$ ]]; then
				echo "src/$file includes $name, which is not below $folder" >&2
				failed=1
			fi
		done < <(grep -E '^[[:space:]]*#[[:space:]]*include' "$file")
	done < <(find "$folder" -name '*.[ch]' | sort)
}

check crypto 'crypto/.*' "($plain)\.h|sodium\.h|valgrind/memcheck\.h"
check base '(crypto/ct\.h|base/.*)' "($plain|netinet/in)\.h"
check protocol '(crypto|base|protocol)/.*|rosenpass\.h' "($plain)\.h"
check system '(crypto|base|protocol|system)/.*|rosenpass\.h' '.*'
check config '(crypto|base|protocol|config)/.*|rosenpass\.h' '.*'
check wireguard '(crypto|base|protocol|system|wireguard)/.*|rosenpass\.h' '.*'
check control '(crypto|base|protocol|system|control)/.*|rosenpass\.h' '.*'
check engine '(crypto|base|protocol|system|engine)/.*|rosenpass\.h' '.*'
check delivery '(crypto|base|protocol|system|config|wireguard|delivery)/.*|rosenpass\.h' '.*'
check monitor '(crypto|base|protocol|system|config|wireguard|engine|control|delivery|monitor)/.*|rosenpass\.h' '.*'
# Of the monitor, programs see what they run, and what they ask before.
run='monitor/(monitor|daemon_check|claims)\.h'
check programs "(crypto|base|protocol|system|config|wireguard|programs)/.*|$run|rosenpass\.h" '.*'
check rosenpass "(crypto|base|protocol|system|config|wireguard|control|delivery|programs|rosenpass)/.*|$run|rosenpass\.h" '.*'
check rp "(crypto|base|protocol|system|config|wireguard|control|delivery|programs|rp)/.*|$run|rosenpass\.h" '.*'

# A folder without a rule would go unseen.
for folder in */; do
	case ${folder%/} in
	crypto | base | protocol | system | config | wireguard | engine | control | delivery | monitor | programs | rosenpass | rp) ;;
	*)
		echo "src/$folder has no rule in layers.sh" >&2
		failed=1
		;;
	esac
done

# Inside src/protocol a file uses files of its own row and of those below, without a circle. The row below all
# of these is that of the concepts, which know no engine.
protocol_rows='
engine peers
complete respond
crossing initiate
inbox peer_table
endpoint
outbox
state
'

# Prints a line "FROM TO" for every file of src/protocol that includes the header of another.
protocol_includes()
{
	grep -HoE '^[[:space:]]*#[[:space:]]*include[[:space:]]*"protocol/[^"]*\.h"' protocol/*.[ch] |
		sed -E 's|^protocol/([^:]*)\.[ch]:.*"protocol/(.*)\.h"$|\1 \2|' | awk '$1 != $2' | sort -u
}

# protocol_calls LIBRARY: the same for every file that uses a symbol of another.
protocol_calls()
{
	nm -A "$1" | awk '
		{
			file = $1
			sub(/\.o:.*$/, "", file)
			sub(/^.*[\/:]/, "", file)
			sub(/\.c$/, "", file)
		}
		$(NF - 1) ~ /^[A-TV-Z]$/ { home[$NF] = file }
		$(NF - 1) == "U" { uses[file " " $NF] }
		END {
			for (use in uses) {
				split(use, part, " ")
				if (part[2] in home)
					print part[1], home[part[2]]
			}
		}' | awk '$1 != $2' | sort -u
}

# check_rows WAY ARROWS: complains about arrows that lead upwards and about circles.
check_rows()
{
	local way=$1 arrows=$2 upwards circles

	if [ -z "$arrows" ]; then
		echo "layers.sh: no file of src/protocol $way another" >&2
		failed=1
	fi
	upwards=$(awk -v rows="$protocol_rows" '
		BEGIN {
			bottom = split(rows, lines, "\n") + 1
			for (i in lines) {
				n = split(lines[i], names, " ")
				for (j = 1; j <= n; j++)
					row[names[j]] = i
			}
		}
		function row_of(name) { return name in row ? row[name] : bottom }
		row_of($1) + 0 > row_of($2) + 0 { print $1, $2 }' <<<"$arrows")
	if [ -n "$upwards" ]; then
		sed "s|^\([^ ]*\) \(.*\)|src/protocol/\1 $way \2, which is in a row above|" <<<"$upwards" >&2
		failed=1
	fi
	if ! circles=$(tsort <<<"$arrows" 2>&1 >/dev/null); then
		# The first is enough: mended, the next will show.
		circles=$(awk '/loop/ { circles++ } !/loop/ && circles == 1 { print $NF }' <<<"$circles")
		printf 'Files of src/protocol, each of which %s the next, in a circle:\n%s\n' "$way" "$circles" >&2
		failed=1
	fi
}

for name in $protocol_rows; do
	if ! [ -e "protocol/$name.c" ]; then
		echo "layers.sh names src/protocol/$name.c, which is not there" >&2
		failed=1
	fi
done
check_rows includes "$(protocol_includes)"
if [ -n "$library" ]; then
	check_rows uses "$(protocol_calls "$library")"
fi

if [ "$files" -eq 0 ]; then
	echo "layers.sh: no file found below src/" >&2
	failed=1
fi
echo "$files files looked at"
exit "$failed"
