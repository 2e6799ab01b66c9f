#!/usr/bin/env bash
# usage: scripts/vm.sh FOLDER SCRIPT [FILE]...
# Runs SCRIPT (for dash) as root in a virtual machine with Debian's cloud kernel, which has WireGuard, and ends with its
# exit status. The machine has busybox, ip, wg, ping and setpriv, and each FILE under its own name in /work. There is no network
# but what SCRIPT makes, no disk, and an end after VM_SECONDS (100).
# FOLDER keeps the kernel for the next time. Needs qemu-system-x86_64, busybox, dash, cpio, modprobe, ip, wg, ping, setpriv, and
# for the first time apt-get; no root. Exit status 77: something of that is missing, and one line says what.
[ -n "${BASH_VERSION-}" ] || exec bash -- "$0" "$@"
source "$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")/start.bash"
set -euo pipefail
export LC_ALL=C

if [ ! -r "$2" ]; then
	echo "vm.sh: cannot read the script $2" >&2
	exit 2
fi
mkdir -p "$1"
folder=$(realpath "$1")
script=$(realpath "$2")
shift 2
seconds=${VM_SECONDS:-100}

lacking()
{
	echo "no virtual machine: $*"
	exit 77
}
[ "$(uname -m)" = x86_64 ] || lacking "this is not x86-64"
PATH=$PATH:/usr/sbin:/sbin
for needed in qemu-system-x86_64 busybox dash cpio gzip modprobe depmod ip wg ping setpriv; do
	command -v "$needed" >/dev/null || lacking "$needed is missing"
done

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

# The package of this release's kernel; nothing if none is known.
kernel_package()
{
	apt-cache depends linux-image-cloud-amd64 2>/dev/null |
		sed -n 's/^ *Depends: \(linux-image-[0-9].*\)/\1/p' | head -n 1
}
download()
{
	(cd "$work" && apt-get -q download "$1")
}

# The kernel: unpacked, not installed. Lists of packages may be absent or name one that the mirror no longer has.
if [ ! -f "$folder/vmlinuz" ]; then
	for needed in apt-get dpkg; do
		command -v "$needed" >/dev/null || lacking "$needed, for Debian's cloud kernel, is missing"
	done
	package=$(kernel_package)
	if [ -z "$package" ] || ! download "$package" >"$work/download.log" 2>&1; then
		apt-get -q update >"$work/download.log" 2>&1 || true
		package=$(kernel_package)
		[ -n "$package" ] || lacking "no package linux-image-cloud-amd64 is known here"
		download "$package" >"$work/download.log" 2>&1 ||
			lacking "$package could not be fetched: $(tail -n 1 "$work/download.log")"
	fi
	dpkg -x "$work"/linux-image-*.deb "$work/kernel"
	rm -rf "$folder/modules"
	# Newer releases have all of /lib in /usr/lib.
	modules=$work/kernel/lib/modules
	[ -d "$modules" ] || modules=$work/kernel/usr/lib/modules
	mv "$modules" "$folder/modules"
	# Last: it tells that all is there.
	cp "$work"/kernel/boot/vmlinuz-* "$folder/vmlinuz.new"
	mv "$folder/vmlinuz.new" "$folder/vmlinuz"
fi
version=$(basename "$folder"/modules/*)

# What the machine boots into.
image=$work/root
mkdir -p "$image"/{bin,dev,etc,lib/modules,proc,run,sys,tmp,usr/bin,var,work}
ln -s ../run "$image/var/run"
# add PROGRAM TARGET: with the libraries that it is linked to.
add()
{
	local library

	install -m 755 -D "$1" "$image$2"
	# A static program has none.
	{ ldd "$1" 2>/dev/null | grep -oE '/[^ ]+' || true; } | while read -r library; do
		[ -e "$image$library" ] || install -m 755 -D "$(realpath "$library")" "$image$library"
	done
}
add "$(command -v busybox)" /bin/busybox
# Not busybox sh: that one prefers its own ip and ping.
for program in dash ip wg ping setpriv; do
	add "$(command -v $program)" "/usr/bin/$program"
done
for file in "$@"; do
	add "$file" "/work/$(basename "$file")"
done
cp "$script" "$image/work/script"
printf 'root:x:0:0:root:/:/bin/sh\n' >"$image/etc/passwd"
printf 'root:x:0:\n' >"$image/etc/group"
printf '127.0.0.1 localhost\n' >"$image/etc/hosts"

# Modules in the order in which they have to be loaded.
mkdir -p "$work/lib" "$work/usr"
ln -s ../lib "$work/usr/lib"
ln -s "$folder/modules" "$work/lib/modules"
[ -f "$folder/modules/$version/modules.dep.bin" ] || depmod -b "$work" "$version"
for module in wireguard veth; do
	modprobe -d "$work" -S "$version" --show-depends "$module" || true
done | sed -n 's/^insmod \([^ ]*\).*/\1/p' | awk '!seen[$0]++' >"$work/list"
[ -s "$work/list" ] || lacking "the kernel package has no module wireguard"
case $(head -n 1 "$work/list") in
*.xz) unpack=xz ;;
*.zst) unpack=zstd ;;
*) unpack= ;;
esac
[ -z "$unpack" ] || command -v "$unpack" >/dev/null || lacking "$unpack, for the kernel's modules, is missing"
while read -r path; do
	name=$(basename "$path")
	name=${name%%.*}.ko
	${unpack:-cat} ${unpack:+-qdc} "$path" >"$image/lib/modules/$name"
	echo "$name"
done <"$work/list" >"$image/lib/modules/order"

cat >"$image/init" <<'END'
#!/bin/busybox sh
export PATH=/usr/bin:/bin HOME=/ ROSENPASS_VM=yes
/bin/busybox --install -s /bin
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev
mount -t tmpfs tmp /tmp
mount -t tmpfs run /run
while read -r module; do
	insmod "/lib/modules/$module" || echo "cannot load $module"
done </lib/modules/order
ip link set lo up
cd /tmp
dash /work/script </dev/null
echo "The script ended with status $?"
sync
poweroff -f
END
chmod 755 "$image/init"
(cd "$image" && find . | cpio -o -H newc --quiet --owner 0:0 | gzip -1) >"$work/initrd"

# By emulation alone: hardware virtualisation inside other virtual machines cannot be relied on. In the foreground, so
# that a signal to this script's process group ends the machine too.
status=0
timeout --foreground "$seconds" qemu-system-x86_64 -accel tcg -cpu max -m 768 -smp 2 -no-reboot -nodefaults \
	-display none -serial stdio -kernel "$folder/vmlinuz" -initrd "$work/initrd" \
	-append 'console=ttyS0 quiet panic=-1 random.trust_cpu=on' </dev/null >"$work/console" 2>&1 || status=$?
tr -d '\r' <"$work/console"
[ "$status" -ne 124 ] || { echo "the virtual machine was ended after $seconds seconds"; exit 1; }
status=$(tr -d '\r' <"$work/console" | sed -n 's/^The script ended with status \([0-9]*\)$/\1/p' | tail -n 1)
[ -n "$status" ] || { echo "the virtual machine did not come to the end of the script"; exit 1; }
exit "$status"
