# The first thing that each script of this repository does. It is sourced with the script's own arguments and sets $root,
# the absolute path of the checkout, however the script was started: by bash or by its name, through a symbolic link,
# from any directory. For --help it prints the comment at the head of the script. If arguments are missing it prints
# the usage line there and exits with status 2.
# shellcheck shell=bash

# With CDPATH, cd may choose another directory than the one that it is given, and prints it.
unset CDPATH
start_script=$(readlink -f -- "${BASH_SOURCE[1]}")
root=$(readlink -f -- "${BASH_SOURCE[0]}")
root=${root%/scripts/start.bash}

# Read the comment at the head of the script, without the lines for other programs, into start_head[].
start_read_head()
{
	local line

	start_head=()
	while IFS= read -r line && [[ $line == '#'* ]]; do
		[[ $line == '#!'* || $line == '# shellcheck '* ]] || start_head+=("${line#'# '}")
	done <"$start_script"
}

# Count the words after the script's name in the usage line that are not in brackets, into start_required.
start_count_required()
{
	local words word

	start_required=-1
	read -r -a words <<<"${start_head[0]}"
	for word in "${words[@]}"; do
		if [ "$start_required" -lt 0 ]; then
			[ "${word##*/}" != "${start_script##*/}" ] || start_required=0
		elif [[ $word != \[* ]]; then
			start_required=$((start_required + 1))
		fi
	done
}

start_read_head
start_count_required
case ${1-} in
-h | --help)
	printf '%s\n' "${start_head[@]}"
	exit 0
	;;
esac
if [ $# -lt "$start_required" ]; then
	echo "${start_head[0]}" >&2
	exit 2
fi
