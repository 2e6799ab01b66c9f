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

# Print the comment at the head of the script, without the lines for other programs.
start_head()
{
	sed -n '2,${ /^#/!q; s/^# \{0,1\}//; /^shellcheck /!p; }' "$start_script"
}

# Print the number of words after the script's name in the usage line that are not in brackets.
start_required()
{
	local words word count=-1

	read -r -a words <<<"$(start_head | head -n 1)"
	for word in "${words[@]}"; do
		if [ "$count" -lt 0 ]; then
			[ "${word##*/}" != "${start_script##*/}" ] || count=0
		elif [[ $word != \[* ]]; then
			count=$((count + 1))
		fi
	done
	echo "$count"
}

case ${1-} in
-h | --help)
	start_head
	exit 0
	;;
esac
if [ $# -lt "$(start_required)" ]; then
	start_head | head -n 1 >&2
	exit 2
fi
