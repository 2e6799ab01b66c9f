#!/usr/bin/env bash
# usage: chroot.sh SOURCE_ROOT
# scripts/test-in.sh with a chroot of busybox, which a stand-in for mmdebstrap makes: what it copies and runs, how it ends,
# and that it leaves no mount and no process. The last line is "N passed, N failed".
source "$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")/../../scripts/start.bash"
# shellcheck source=common.bash
source "$root/tests/system/common.bash"

source_root=$(absolute "$1")
script=scripts/test-in.sh

# --- a tree of our own -----------------------------------------------------------------------------------------------

in_folder tree
mkdir scripts build sub
cp "$source_root/$script" "$source_root/scripts/start.bash" scripts
printf '#!/bin/sh\necho "the tests of $(cat version)"\nexit 3\n' >scripts/test.sh
chmod 755 scripts/test.sh
echo committed >version
echo product >build/product
echo '/build/' >.gitignore
echo tracked >sub/tracked
echo removed >sub/removed
ln -s ../version sub/link
tree=$PWD

# --- the command line ------------------------------------------------------------------------------------------------

# usage WORD...: it says how it is used, and ends with 2.
usage()
{
	local status=0

	bash "$tree/$script" "$@" >usage.out 2>&1 </dev/null || status=$?
	[ "$status" -eq 2 ] && grep -q '^usage: scripts/test-in.sh RELEASE' usage.out
}
check "without words: usage" usage
check "an unknown option: usage" usage trixie --nonsense
check "a release that is none: usage" usage ../trixie
check "an option without its value: usage" usage trixie --folder=

if is_root; then
	check "not root: it says so" bash -c '! setpriv --reuid 65534 bash "$1" trixie >out 2>&1 && grep -q "only root" out' - \
		"$tree/$script"
fi

# --- runs ------------------------------------------------------------------------------------------------------------

skip_runs()
{
	skip "runs in a chroot: $*"
	finish
	exit
}
is_root || skip_runs "needs root"
busybox=$(command -v busybox) || skip_runs "busybox is missing"
! ldd "$busybox" >/dev/null 2>&1 || skip_runs "busybox needs libraries"
unshare --mount --pid --fork true 2>/dev/null || skip_runs "this system gives no namespaces"
command -v git >/dev/null || skip_runs "git is missing"

mkdir "$work/bin" "$work/chroots"
cat >"$work/bin/mmdebstrap" <<END
#!/bin/sh
# The last two words are the release and where to.
for word; do before=\$last; last=\$word; done
echo "\$before" >>"$work/made"
mkdir -p "\$last/bin" "\$last/usr/bin" "\$last/usr/sbin" "\$last/etc" "\$last/root" "\$last/proc" "\$last/sys" "\$last/dev" \\
	"\$last/run" "\$last/tmp"
cp "$busybox" "\$last/bin/busybox"
for name in sh cat ls sleep mount ps grep echo true touch; do ln -s busybox "\$last/bin/\$name"; done
ln -s ../../bin/busybox "\$last/usr/bin/env"
[ ! -e "$work/mmdebstrap-fails" ]
END
chmod 755 "$work/bin/mmdebstrap"
export PATH=$work/bin:$PATH
folder=$work/chroots

git init -q . && git add -A && git -c user.name=x -c user.email=x@localhost commit -qm x
echo changed >version
echo new >sub/new
rm sub/removed

# exits_with STATUS COMMAND...: its output is in run.out.
exits_with()
{
	local expected=$1 status=0

	shift
	"$@" >"$work/run.out" 2>&1 </dev/null || status=$?
	[ "$status" -eq "$expected" ] || { echo "status $status"; cat "$work/run.out"; false; }
}
# clean: no mount of it is left, and nobody runs in it.
clean()
{
	local root

	! grep -F "$folder" /proc/self/mountinfo || return 1
	for root in /proc/[0-9]*/root; do
		case $(readlink "$root") in
		"$folder"/*)
			echo "$root leads there"
			return 1
			;;
		esac
	done
}
prints()
{
	grep -qxF -- "$1" "$work/run.out" || { cat "$work/run.out"; false; }
}

check "a stand-in that fails: status 1" bash -c 'touch "$1/mmdebstrap-fails"; bash "$2" trixie --folder="$3"; [ $? -eq 1 ]' - \
	"$work" "$script" "$folder"
check "a stand-in that fails: nothing stays" bash -c '[ ! -e "$1/trixie" ] && [ ! -e "$1/trixie.new" ]' - "$folder"
rm -f "$work/mmdebstrap-fails" "$work/made"

# However it is started.
ln -s "$tree/$script" "$work/link"
ln -s tree "$work/linked-tree"
for way in "bash $script" "./$script" "$tree/$script" "$work/link" "bash $work/linked-tree/$script" "(cd /; bash $tree/$script)" \
	"(cd scripts; ./test-in.sh)" "(cd scripts; bash test-in.sh)"; do
	case $way in
	"("*) words="${way%)} trixie --folder=$folder)" ;;
	*) words="$way trixie --folder=$folder" ;;
	esac
	check "$way: the status of the tests" exits_with 3 bash -c "$words"
	check "$way: what is tested has changes that are not committed" prints 'the tests of changed'
done
check "the chroot is made once" [ "$(cat "$work/made")" = trixie ]
check "afterwards: nothing is left" clean
check "--fresh: it is made again" exits_with 3 bash "$script" trixie --fresh --folder="$folder"
check "--fresh: it was" [ "$(wc -l <"$work/made")" -eq 2 ]
check "another release" exits_with 0 bash "$script" bookworm --folder="$folder" true
check "another release: a chroot of its own" [ "$(tail -n 1 "$work/made")" = bookworm ]

check "a command: its status" exits_with 7 bash "$script" trixie --folder="$folder" sh -c 'exit 7'
check "a command: its words" exits_with 0 bash "$script" trixie --folder="$folder" echo 'two  words' '*'
check "a command: each is one" prints 'two  words *'
check "the copy" exits_with 0 bash "$script" trixie --folder="$folder" sh -c 'ls -a . sub; cat sub/link'
for file in .gitignore tracked new link; do
	check "the copy: $file" prints "$file"
done
check "the copy: what a link leads to" prints changed
check "the copy: no removed file" not prints removed
check "the copy: no products" not prints build
check "the copy: an earlier one is gone" exits_with 0 bash "$script" trixie --folder="$folder" sh -c 'touch left'
check "the copy: it is" exits_with 1 bash "$script" trixie --folder="$folder" ls left
check "the tree stays as it was" bash -c '[ "$(git status --porcelain | wc -l)" -eq 3 ] && [ ! -e left ]'
check "a chroot in the tree" exits_with 3 bash "$script" trixie
check "a chroot in the tree: it is in build/" [ -d build/chroot/trixie ]
check "a chroot in the tree: git does not see it" bash -c '[ "$(git status --porcelain | wc -l)" -eq 3 ]'
rm -rf .git
check "without git" exits_with 3 bash "$script" trixie --folder="$folder"
check "without git: no products" exits_with 1 bash "$script" trixie --folder="$folder" ls build

# --- other ends ------------------------------------------------------------------------------------------------------

inner_runs()
{
	[ -e "$folder/trixie/root/rosenpass/inside" ]
}
for signal in INT TERM HUP KILL; do
	# A script without job control starts its children with SIGINT ignored, and nohup with SIGHUP.
	run "end-$signal" env --default-signal=INT,TERM,HUP bash "$script" trixie --folder="$folder" \
		sh -c 'sleep 1000 & touch inside; sleep 1000'
	check "SIG$signal: it runs" within 20 inner_runs
	if [ $signal = TERM ]; then
		check "a second run is told so" exits_with 1 bash "$script" trixie --folder="$folder" true
		check "a second run: by whom" grep -q 'is in use by another run' "$work/run.out"
	fi
	kill -s $signal "$pid"
	check "SIG$signal: it ends" within 10 gone "$pid"
	check "SIG$signal: nothing is left" within 10 clean
	rm -f "$folder/trixie/root/rosenpass/inside"
done
check "afterwards: the next run works" exits_with 0 bash "$script" trixie --folder="$folder" true

finish
