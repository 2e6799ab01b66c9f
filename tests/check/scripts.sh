#!/usr/bin/env bash
# usage: scripts.sh SOURCE_ROOT
# Starts every script of the tree, copied to a directory whose name has spaces and begins with a dash, in each way in which
# a script can be started: by bash and by its name, by relative and absolute paths, through symbolic links, through PATH,
# from other directories and with CDPATH. A script that needs arguments prints its usage line and exits with status 2. The
# others get as far as their first compiler, meson or docker, which are replaced here, and are to call it in the
# checkout. Scripts that are added later are found and tried too.
source "$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")/../../scripts/start.bash"
set -euo pipefail
export LC_ALL=C

source_root=$(realpath -- "$1")
failed=0
count=0
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
work=$(realpath "$work")
checkout="$work/some trees/-check out"
elsewhere="$work/- else where"
# What a careless cd finds through CDPATH.
decoy="$work/decoy"
unset IMAGES IMAGE_PREFIX BASE_IMAGE BUILD_OPTIONS TAG_AS_RELEASE TAG_AS_LATEST CC

# Looks at the machine, not at the checkout, hence needs no directory.
placeless=(scripts/setup.sh)

fail()
{
	echo "scripts.sh: $*" >&2
	failed=1
}

copy_tree()
{
	local files="$work/files"

	mkdir -p "$checkout" "$elsewhere" "$decoy"/{scripts,tests/{check,ct,system},.ci,"-check out"}
	if ! git -c safe.directory='*' -C "$source_root" ls-files -z --cached --others --exclude-standard \
		>"$files" 2>/dev/null; then
		(cd "$source_root" && find . \( -path ./build -o -path ./.git \) -prune -o -type f -print0) >"$files"
	fi
	# A file may have been deleted, but not from the list.
	tar --create --directory "$source_root" --null --files-from "$files" --ignore-failed-read 2>/dev/null |
		tar --extract --directory "$checkout"
	# docker-buildscript.sh builds what is committed.
	(cd "$checkout" && git init --quiet . && git add --all &&
		git -c user.name=test -c user.email=test@example.org commit --quiet --message "The tree") >/dev/null 2>&1 || true
}

# Replace the programs with which the scripts begin their work: they write down their directory, and fail where the work
# would begin. The rest is what setup.sh looks for, so that it installs nothing here.
replace_programs()
{
	local name

	mkdir "$work/bin"
	cat >"$work/bin/program" <<'END'
#!/bin/sh
echo "$PWD" >>"$CALLS"
case ${0##*/}/$* in
meson/--version) echo 1.0.0 ;;
cbmc/--version) echo 6.6.0 ;;
docker/build* | *\ -x\ c\ *) cat >/dev/null ;;
meson/* | ninja/* | dot/* | goto-cc/* | apt-get/* | sudo/* | gcc/*\ -c\ * | clang/*\ -c\ *) exit 1 ;;
esac
END
	chmod 755 "$work/bin/program"
	for name in meson ninja dot apt-get sudo gcc clang cc docker dockerd mmdebstrap valgrind objdump \
		ip ping wireguard-go wg mandoc codespell aspell cbmc goto-cc pgrep qemu-system-x86_64 busybox cpio modprobe; do
		ln -s program "$work/bin/$name"
	done
	export PATH=$work/bin:$PATH CALLS=$work/calls
}

# started WAY DIRECTORY COMMAND...: starts $script in this way, and looks at what it does.
started()
{
	local way=$1 directory=$2 status=0 expected=1

	shift 2
	count=$((count + 1))
	: >"$CALLS"
	(cd -- "$directory" && timeout 60 "$@") >"$work/out" 2>"$work/err" </dev/null || status=$?
	if $needs_arguments; then
		expected=2
		grep -q '^usage: ' "$work/err" || fail "$script, $way: no usage line"
		[ "$(wc -l <"$work/err")" -eq 1 ] || fail "$script, $way: more than the usage line: $(head -n 3 "$work/err")"
	elif [[ " ${placeless[*]} " != *" $script "* ]]; then
		grep -qxF -- "$checkout" "$CALLS" ||
			fail "$script, $way: no work in the checkout: $(tail -n 3 "$work/err") $(sort -u "$CALLS")"
	fi
	case $script in
	docker-buildscript.sh | scripts/setup.sh) expected=0 ;;
	esac
	[ "$status" -eq "$expected" ] ||
		fail "$script, $way: status $status, not $expected: $(tail -n 3 "$work/err")"
	if grep -E 'o such file|ot a directory|not found|unbound' "$work/out" "$work/err" >&2; then
		fail "$script, $way: does not find its place"
	fi
}

# answers_help: what the head of the script says, and nothing else.
answers_help()
{
	(cd "$elsewhere" && timeout 60 "$checkout/$script" --help) >"$work/out" 2>"$work/err" </dev/null ||
		fail "$script --help: status $?"
	[ ! -s "$work/err" ] || fail "$script --help: $(head -n 3 "$work/err")"
	head -n 1 "$work/out" | grep -qE "^usage: .*${script##*/}( |\$)" || fail "$script --help: no usage line"
	[ "$(wc -l <"$work/out")" -ge 2 ] || fail "$script --help: does not say what the script does"
}

# A script can be started by itself: it has a line that names its interpreter.
scripts_of_tree()
{
	(cd "$checkout" && find . -path ./.git -prune -o -path ./tests/data -prune -o -type f -print0 |
		xargs -0 awk 'FNR == 1 && /^#!/ { print substr(FILENAME, 3) } { nextfile }' | sort)
}

copy_tree
replace_programs
mapfile -t scripts < <(scripts_of_tree)
[ "${#scripts[@]}" -ge 30 ] || fail "only ${#scripts[@]} scripts were found"

for script in "${scripts[@]}"; do
	name=${script##*/}
	folder=$checkout/$script
	folder=${folder%/*}
	answers_help
	read -r _ interpreter < <(head -n 1 "$checkout/$script" | tr '/' ' ' | awk '{ print "x", $NF }')
	# The usage line has words outside of brackets after the name.
	needs_arguments=false
	! head -n 1 "$work/out" | sed "s|.*${name}||; s/\[[^]]*\]*//g" | grep -q '[A-Z]' || needs_arguments=true

	started "by name" "$checkout" "./$script"
	started "by $interpreter" "$checkout" "$interpreter" "$script"
	started "by $interpreter, without a slash" "$folder" "$interpreter" "$name"
	started "absolute" "$elsewhere" "$checkout/$script"
	started "by $interpreter, absolute" "$elsewhere" "$interpreter" "$checkout/$script"
	started "a path that begins with a dash" "$checkout/.." "$interpreter" -- "-check out/$script"
	started "CDPATH" "$checkout" env CDPATH="$decoy" "$interpreter" "$script"
	started "CDPATH, by name" "$checkout/.." env CDPATH="$decoy:." "./-check out/$script"
	started "in PATH" "$elsewhere" env PATH="$folder:$PATH" "$name"

	ln -sf "$checkout/$script" "$elsewhere/one"
	ln -sf "../some trees/-check out/$script" "$elsewhere/two"
	ln -sf two "$elsewhere/three"
	ln -sfn "$folder" "$elsewhere/four"
	started "absolute link" "$elsewhere" "$interpreter" one
	started "relative link" "$elsewhere" ./two
	started "link to a link" "$work" "$interpreter" "$elsewhere/three"
	started "link to its directory" "$elsewhere" "$interpreter" "four/$name"
	# What people start themselves is also started with sh, whatever the first line says.
	case $script in
	scripts/*.sh | .ci/* | *.sh)
		[[ $script == tests/* ]] || started "by sh" "$folder" sh "$name"
		;;
	esac
	# In one way alone.
	if [ "$interpreter" = bash ] && [ "$(grep '[B]ASH_SOURCE' "$checkout/$script" | grep -cvE '^	?source .*/start\.bash"$')" -ne 0 ]; then
		fail "$script looks for its place by itself, instead of beginning with scripts/start.bash"
	fi
done

echo "${#scripts[@]} scripts started in $count ways"
exit "$failed"
