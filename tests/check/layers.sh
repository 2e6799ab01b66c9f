#!/usr/bin/env bash
# usage: layers.sh SOURCE_ROOT
# Arrows point down only: programs -> daemon -> config, wireguard -> system -> protocol -> crypto.
# Looks at every #include below src/.
source "$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")/../../scripts/start.bash"
set -euo pipefail
export LC_ALL=C

cd -- "$1/src"
failed=0
files=0

# Headers of C itself that need no operating system.
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
check protocol '(crypto|protocol)/.*|rosenpass\.h' "($plain)\.h"
check system '(crypto|protocol|system)/.*|rosenpass\.h' '.*'
check config '(crypto|protocol|config)/.*|rosenpass\.h' '.*'
check wireguard '(crypto|protocol|system|wireguard)/.*|rosenpass\.h' '.*'
check daemon '(crypto|protocol|system|config|wireguard|daemon)/.*|rosenpass\.h' '.*'
check rosenpass '(crypto|protocol|system|config|wireguard|daemon|rosenpass)/.*|rosenpass\.h' '.*'
check rp '(crypto|protocol|system|config|wireguard|daemon|rp)/.*|rosenpass\.h' '.*'

# A folder without a rule would go unseen.
for folder in */; do
	case ${folder%/} in
	crypto | protocol | system | config | wireguard | daemon | rosenpass | rp) ;;
	*)
		echo "src/$folder has no rule in layers.sh" >&2
		failed=1
		;;
	esac
done

if [ "$files" -eq 0 ]; then
	echo "layers.sh: no file found below src/" >&2
	failed=1
fi
echo "$files files looked at"
exit "$failed"
