#!/usr/bin/env bash
# usage: scripts/test-in.sh RELEASE [--folder=DIR] [--mirror=URL] [--fresh] [COMMAND [ARGUMENT]...]
# Runs scripts/test.sh, or COMMAND, in a chroot with that release of Debian (bookworm, trixie, ...), on a copy of this tree
# with all changes that are not committed, and ends with its exit status. Needs root, mmdebstrap and the network.
#   --folder=DIR   keeps the chroot, with the packages that the tests need, in DIR/RELEASE for the next time (build/chroot)
#   --mirror=URL   where packages come from, if not from mmdebstrap's own choice
#   --fresh        throws away a chroot that was kept
# The copy is DIR/RELEASE/root/rosenpass, where the logs can be read afterwards (build/). Mounts and processes belong to
# namespaces of this script and end with it, however it ends.
[ -n "${BASH_VERSION-}" ] || exec bash -- "$0" "$@"
source "$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")/start.bash"
set -euo pipefail
export LC_ALL=C

tree=$root
script=$tree/scripts/test-in.sh

usage()
{
	sed -n '2,9s/^# //p' "$script" >&2
	exit 2
}

fail()
{
	echo "test-in.sh: $*" >&2
	exit 1
}

# --- the chroot, within the namespaces -------------------------------------------------------------------------------

# make_chroot: $root, as a whole or not at all.
make_chroot()
{
	local words=(--variant=minbase --include=apt,bash,ca-certificates,git)

	echo "Making a chroot with $release in $root"
	rm -rf --one-file-system "$root.new"
	mmdebstrap "${words[@]}" "$release" "$root.new" ${mirror:+"$mirror"} >"$root.log" 2>&1 || {
		tail -n 20 "$root.log" >&2
		rm -rf --one-file-system "$root.new"
		fail "mmdebstrap could not make a chroot with $release"
	}
	# Services of packages that are installed later are not for us.
	printf '#!/bin/sh\nexit 101\n' >"$root.new/usr/sbin/policy-rc.d"
	chmod 755 "$root.new/usr/sbin/policy-rc.d"
	mv "$root.new" "$root"
}

mount_all()
{
	mount --bind "$root" "$root"
	mount -t proc proc "$root/proc"
	mount --rbind /sys "$root/sys"
	mount --rbind /dev "$root/dev"
	mount -t devpts -o newinstance,ptmxmode=0666,mode=0620 devpts "$root/dev/pts"
	mount -t tmpfs -o mode=755 run "$root/run"
	mount -t tmpfs -o mode=1777 tmp "$root/tmp"
}

# The network is ours, so names are resolved as here.
copy_network()
{
	local name

	for name in resolv.conf hosts; do
		# A link may lead out of the chroot.
		rm -f "$root/etc/$name"
		[ ! -e "/etc/$name" ] || cat "/etc/$name" >"$root/etc/$name"
	done
}

# All that git knows or would like to know, as it is in the working tree; without git, all but build/.
list_tree()
{
	if git -c safe.directory='*' -C "$tree" rev-parse --git-dir >/dev/null 2>&1; then
		git -c safe.directory='*' -C "$tree" ls-files -z --cached --others --exclude-standard |
			while IFS= read -r -d '' file; do
				# Removed, but not committed as that.
				[ ! -e "$tree/$file" ] && [ ! -L "$tree/$file" ] || printf '%s\0' "$file"
			done
	else
		(cd "$tree" && find . -path ./build -prune -o -path ./.git -prune -o ! -type d -print0)
	fi
}

copy_tree()
{
	rm -rf --one-file-system "$root/root/rosenpass"
	mkdir -p "$root/root/rosenpass"
	list_tree | tar -C "$tree" --null -T - -cf - | tar -C "$root/root/rosenpass" --no-same-owner -xf -
}

inside()
{
	local name environment=(PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C TERM="${TERM:-dumb}")

	for name in http_proxy https_proxy no_proxy; do
		[ -z "${!name:-}" ] || environment+=("$name=${!name}")
	done
	[ -e "$root" ] || make_chroot
	copy_network
	copy_tree
	mount_all
	# shellcheck disable=SC2016
	chroot "$root" /usr/bin/env -i "${environment[@]}" /bin/sh -c '
		cd /root/rosenpass || exit 1
		if [ -x /usr/bin/git ]; then
			# So that tests find a clone, and see whether they changed something.
			git init -q . && git add -A &&
				git -c user.name=test -c user.email=test@localhost commit -q -m "What is tested"
		fi
		if [ -x /usr/bin/dpkg ]; then
			# What an earlier run was interrupted at.
			DEBIAN_FRONTEND=noninteractive dpkg --configure -a >/dev/null
		fi
		exec "$@"' - "${command[@]}" </dev/null
}

# --- from outside ----------------------------------------------------------------------------------------------------

release=
folder=$tree/build/chroot
mirror=
fresh=no
is_inside=no
while [ $# -gt 0 ]; do
	case $1 in
	--folder=?*) folder=${1#*=} ;;
	--mirror=?*) mirror=${1#*=} ;;
	--fresh) fresh=yes ;;
	--inside) is_inside=yes ;;
	-*) usage ;;
	*)
		[ -z "$release" ] || break
		release=$1
		;;
	esac
	shift
done
[[ $release =~ ^[a-z]+$ ]] || usage
command=("${@:-scripts/test.sh}")
if [ "$is_inside" = yes ]; then
	root=$folder/$release
	inside
	exit
fi

[ "$(id -u)" -eq 0 ] || fail "only root can make a chroot and mount in it"
for needed in mmdebstrap unshare setpriv flock tar; do
	command -v $needed >/dev/null || fail "$needed is missing (apt-get install mmdebstrap util-linux tar)"
done
mkdir -p "$folder"
folder=$(realpath "$folder")
exec 9>"$folder/$release.lock"
flock -n 9 || fail "$folder/$release is in use by another run"
[ $fresh = no ] || rm -rf --one-file-system "${folder:?}/$release"

# A process id namespace as well, so that nothing goes on after us: its first process is killed when unshare is, which is
# killed when we end.
runner=
end()
{
	trap - EXIT INT TERM HUP
	if [ -n "$runner" ] && kill -KILL "$runner" 2>/dev/null; then
		wait "$runner" 2>/dev/null || true
	fi
	exit "$1"
}
trap 'end 130' INT
trap 'end 143' TERM
trap 'end 129' HUP
setpriv --pdeathsig KILL unshare --mount --pid --fork --kill-child=KILL --mount-proc --propagation private \
	bash "$script" --inside --folder="$folder" ${mirror:+--mirror="$mirror"} "$release" "${command[@]}" 9>&- </dev/null &
runner=$!
status=0
wait "$runner" || status=$?
runner=
exit "$status"
