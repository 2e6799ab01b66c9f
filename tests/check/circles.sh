#!/usr/bin/env bash
# usage: circles.sh SOURCE_ROOT BUILD_ROOT
# Within each directory of src no files may use each other in a circle. Which file uses which is read from the symbols
# of the objects below BUILD_ROOT/src. The circles that there are still are listed below: one that has grown, shrunk or
# gone is a failure, too, so that the list stays true. src/monitor and src/delivery do not read the clock either.
source "$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")/../../scripts/start.bash"
set -euo pipefail
export LC_ALL=C

# A line for each circle: the directory, and the files from each of which every other one can be reached.
exceptions='
daemon monitor monitor_delivery monitor_engine monitor_events monitor_listen monitor_peers monitor_plan monitor_wireguard
'

source_root=$(realpath -- "$1")
build_root=$(realpath -- "$2")
failed=0

# list_objects DIRECTORY: prints "FILE OBJECT" for each source file below src/DIRECTORY.
list_objects()
{
	local directory=$1 file name object

	while IFS= read -r file; do
		name=${file#"$source_root/src/$directory/"}
		name=${name%.c}
		for object in "$build_root/src/$directory/"{"lib$directory.a","$directory"}".p/${name//\//_}.c.o"; do
			if [ -e "$object" ]; then
				echo "$name $object"
				continue 2
			fi
		done
		echo "circles.sh: src/$directory/$name.c has no object below $build_root" >&2
		return 1
	done < <(find "$source_root/src/$directory" -name '*.c' | sort)
}

# list_symbols DIRECTORY: prints "FILE home SYMBOL" and "FILE uses SYMBOL".
list_symbols()
{
	local name object objects

	objects=$(list_objects "$1")
	while read -r name object; do
		nm -- "$object" | awk -v name="$name" '
			$(NF - 1) == "U" { print name, "uses", $NF }
			$(NF - 1) ~ /^[A-TX-Z]$/ { print name, "home", $NF }'
	done <<<"$objects"
}

# list_circles DIRECTORY: prints a line "DIRECTORY FILE FILE..." for each circle.
list_circles()
{
	local directory=$1 symbols

	symbols=$(list_symbols "$directory")
	if ! grep -q ' home ' <<<"$symbols"; then
		echo "circles.sh: the objects of src/$directory define nothing" >&2
		return 1
	fi
	awk -v directory="$directory" '
		$2 == "home" { home[$3] = $1; if (!($1 in seen)) { seen[$1]; file[++files] = $1 } }
		$2 == "uses" { uses[$1, $3] }
		END {
			for (use in uses) {
				split(use, part, SUBSEP)
				if (part[2] in home && home[part[2]] != part[1])
					reaches[part[1], home[part[2]]]
			}
			for (m = 1; m <= files; m++)
				for (i = 1; i <= files; i++)
					if ((file[i], file[m]) in reaches)
						for (j = 1; j <= files; j++)
							if ((file[m], file[j]) in reaches)
								reaches[file[i], file[j]]
			for (i = 1; i <= files; i++) {
				if (!((file[i], file[i]) in reaches) || file[i] in printed)
					continue
				line = directory
				for (j = i; j <= files; j++)
					if ((file[i], file[j]) in reaches && (file[j], file[i]) in reaches) {
						line = line " " file[j]
						printed[file[j]]
					}
				print line
			}
		}' <<<"$symbols"
}

# What waits for a time waits for that of its loop, which tests can move.
for directory in delivery monitor; do
	users=$(list_symbols "$directory" | awk '$2 == "uses" && $3 == "clock_now_ns" { print $1 }')
	for user in $users; do
		# What it costs to reconcile a device is measured, and nothing waits for that.
		if [ "$directory/$user" != delivery/device ]; then
			echo "src/$directory/$user.c uses clock_now_ns() instead of the time of its loop" >&2
			failed=1
		fi
	done
done

found=
directories=0
for directory in "$source_root"/src/*/; do
	directories=$((directories + 1))
	found+=$(list_circles "$(basename "$directory")")$'\n'
done
while IFS= read -r circle; do
	if [ -n "$circle" ] && ! grep -Fxq -- "$circle" <<<"$exceptions"; then
		echo "files of src/${circle%% *} use each other in a circle: ${circle#* }" >&2
		failed=1
	fi
done <<<"$found"
while IFS= read -r circle; do
	if [ -n "$circle" ] && ! grep -Fxq -- "$circle" <<<"$found"; then
		echo "circles.sh lists a circle that is not there any more: $circle" >&2
		failed=1
	fi
done <<<"$exceptions"
if [ "$directories" -eq 0 ]; then
	echo "circles.sh: no directory below $source_root/src" >&2
	failed=1
fi
echo "$directories directories checked"
exit "$failed"
