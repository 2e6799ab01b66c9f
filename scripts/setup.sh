#!/usr/bin/env bash
# usage: scripts/setup.sh [--for=build|demo|test]
# Looks for what building (the default), scripts/demo.sh or testing needs and is not here. On Debian and Ubuntu it says what is
# missing and installs it with apt-get; elsewhere it prints the list and exits 1. Changes nothing when all is here.
[ -n "${BASH_VERSION-}" ] || exec bash -- "$0" "$@"
source "$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")/start.bash"
set -euo pipefail
export LC_ALL=C

purpose='build'
for argument in "$@"; do
	case $argument in
	--for=build) purpose='build' ;;
	--for=demo) purpose='demo' ;;
	--for=test) purpose='test' ;;
	*)
		echo "usage: scripts/setup.sh [--for=build|demo|test]" >&2
		exit 2
		;;
	esac
done

have()
{
	command -v "$1" >/dev/null 2>&1
}

compiler()
{
	local name

	for name in "${CC:-cc}" gcc clang; do
		# CC may hold arguments too.
		if have "${name%% *}"; then
			echo "$name"
			return 0
		fi
	done
	return 1
}

has_libc_headers()
{
	local cc

	cc=$(compiler) && echo '#include <stdio.h>' | $cc -E -x c - >/dev/null 2>&1
}

# has_library NAME [--atleast-version=VERSION]
has_library()
{
	have pkg-config && pkg-config "${2:---exists}" "$1"
}

has_valgrind()
{
	local cc

	have valgrind && cc=$(compiler) && echo '#include <valgrind/memcheck.h>' | $cc -E -x c - >/dev/null 2>&1
}

has_mceliece()
{
	local cc

	cc=$(compiler) && echo '#include <mceliece.h>' | $cc -E -x c - >/dev/null 2>&1
}

# The tests want the program, the demonstration is content with the kernel.
has_wireguard()
{
	have wireguard-go || { [ "$purpose" != test ] && [ -d /sys/module/wireguard ]; }
}

# Links a program, for the run-time library of the sanitizers is a package of its own in some releases.
has_clang_sanitizers()
{
	have clang && echo 'int main(void) { return 0; }' |
		clang -fsanitize=address,undefined -x c -o /dev/null - >/dev/null 2>&1
}

has_english()
{
	have aspell && aspell --lang=en list <<<word >/dev/null 2>&1
}

# Fills missing[] (packages) and reasons[].
look()
{
	local cpu

	missing=()
	reasons=()
	want compiler gcc "compiles the C code"
	want has_libc_headers libc6-dev "headers of the C library"
	want 'have meson' meson "describes the build"
	want 'have ninja' ninja-build "runs the build"
	want 'have pkg-config' pkg-config "finds libraries"
	want 'has_library libsodium --atleast-version=1.0.18' libsodium-dev "ChaCha20-Poly1305 and locked memory"
	want 'has_library libseccomp --atleast-version=2.5' libseccomp-dev "the system calls that a process may make"
	want 'has_library jansson' libjansson-dev "JSON of the control socket"
	[ "$purpose" != build ] || return 0
	# Without root there is no VPN to show.
	if [ "$purpose" = test ] || [ "$(id -u)" -eq 0 ]; then
		want 'have ip' iproute2 "network namespaces"
		want 'have ping' iputils-ping "shows that a tunnel works"
		want has_wireguard wireguard-go "WireGuard where the kernel has none"
	fi
	[ "$purpose" = test ] || return 0
	want 'have gcc' gcc "first of the two compilers that are tested"
	want 'have clang' clang "second of the two compilers that are tested, and the sanitizers"
	want has_clang_sanitizers "$(sanitizer_package)" "run-time library of the sanitizers"
	want 'has_library cmocka' libcmocka-dev "unit tests"
	want 'has_library libcrypto' libssl-dev "what the measurements compare with"
	want has_valgrind valgrind "constant-time tests"
	for cpu in i686-linux-gnu aarch64-linux-gnu arm-linux-gnueabihf riscv64-linux-gnu powerpc64le-linux-gnu \
		s390x-linux-gnu mips-linux-gnu x86_64-linux-gnu; do
		want_if_known "have $cpu-cpp" "cpp-${cpu//_/-}" "gcc for another CPU, whose branches are looked at"
	done
	want_if_known has_mceliece libmceliece-dev "the authors' Classic McEliece, which ours is compared with"
	want 'have mandoc' mandoc "manual pages"
	want 'have codespell' codespell "common misspellings"
	want 'have aspell' aspell "spelling of documents, messages and comments"
	want has_english aspell-en "the words that aspell knows"
	want 'have abidiff' abigail-tools "compares the library's interface with that of before"
	want 'have wg' wireguard-tools "looks at WireGuard from outside"
	want 'have systemd-analyze' systemd "checks the units"
	want 'have iptables' iptables "what wg-quick needs for a tunnel that takes all packets"
	want 'have strace' strace "kills a daemon between two system calls"
	want 'have pgrep' procps "looks whether a process is gone"
	if [ "$(uname -m)" = x86_64 ]; then
		want 'have qemu-system-x86_64' qemu-system-x86 "a machine whose kernel has WireGuard"
		want 'have busybox' busybox-static "what that machine starts with"
		want 'have cpio' cpio "packs what it starts with"
		want 'have modprobe' kmod "which modules it needs"
		want 'have xz' xz-utils "unpacks them"
	fi
	# A daemon of their own is started by root alone.
	if [ "$(id -u)" -eq 0 ]; then
		want 'have dockerd' docker.io "images, with a daemon of the test's own"
		# From Debian 13 on the client is a package of its own.
		want_if_known 'have docker' docker-cli "the client of that daemon"
		want 'have mmdebstrap' mmdebstrap "what images and machines of tests are made from"
		want 'have git' git "what is in the images"
	fi
}

# want CHECK PACKAGE REASON
want()
{
	local package

	# The check may be two words.
	# shellcheck disable=SC2086
	$1 >/dev/null && return 0
	[ -n "$2" ] || return 0
	for package in "${missing[@]}"; do
		[ "$package" != "$2" ] || return 0
	done
	missing+=("$2")
	reasons+=("$3")
}

# The same for a package that not every release has; a test that needs it is skipped.
want_if_known()
{
	# shellcheck disable=SC2086
	$1 >/dev/null && return 0
	if have apt-cache && apt-cache show "$2" >/dev/null 2>&1; then
		want "$@"
	fi
}

# Named after clang's version, which is only known once clang is there: nothing before.
sanitizer_package()
{
	local version

	have clang || return 0
	version=$(clang -dumpversion)
	echo "libclang-rt-${version%%.*}-dev"
}

print_missing()
{
	local i

	for i in "${!missing[@]}"; do
		printf '  %-16s %s\n' "${missing[i]}" "${reasons[i]}"
	done
}

as_root()
{
	if [ "$(id -u)" -eq 0 ]; then
		"$@"
	else
		sudo "$@"
	fi
}

apt()
{
	as_root env DEBIAN_FRONTEND=noninteractive apt-get -q -y "$@" </dev/null
}

# A service that is installed for its program is not started, neither now nor with the machine.
policy=/usr/sbin/policy-rc.d
services=()
hold_services()
{
	local service

	[[ " ${missing[*]} " == *" docker.io "* && ! -e $policy ]] || return 0
	for service in docker.service docker.socket containerd.service; do
		[ -e "/lib/systemd/system/$service" ] || services+=("$service")
	done
	trap release_services EXIT
	printf '#!/bin/sh\nexit 101\n' | as_root tee "$policy" >/dev/null
	as_root chmod 755 "$policy"
}
release_services()
{
	trap - EXIT
	as_root rm -f "$policy"
	! have systemctl || as_root systemctl disable "${services[@]}" >/dev/null 2>&1 || true
}

install_missing()
{
	local log

	if ! have apt-get; then
		echo "These are missing (names as in Debian); install them and start again:" >&2
		print_missing >&2
		exit 1
	fi
	if [ "$(id -u)" -ne 0 ] && ! have sudo; then
		echo "These packages are missing, and installing needs root (there is no sudo here). Run as root:" >&2
		echo "  apt-get install --no-install-recommends ${missing[*]}" >&2
		exit 1
	fi
	echo "Installing with apt-get what is needed to $purpose and is not here:"
	print_missing
	log=$(mktemp)
	hold_services
	# The package lists may be absent or old: fetch them only then.
	if ! apt install --no-install-recommends "${missing[@]}" >"$log" 2>&1; then
		if ! { apt update && apt install --no-install-recommends "${missing[@]}"; } >"$log" 2>&1; then
			cat "$log" >&2
			rm -f "$log"
			echo "setup.sh: apt-get could not install these packages; see above" >&2
			exit 1
		fi
	fi
	rm -f "$log"
	if [ -n "$(trap -p EXIT)" ]; then
		release_services
	fi
}

# One package can only be named once another is there, hence twice; the same list twice is of no use.
look
before=
while [ "${#missing[@]}" -gt 0 ] && [ "${missing[*]}" != "$before" ]; do
	before=${missing[*]}
	install_missing
	hash -r
	look
done
if [ "${#missing[@]}" -gt 0 ]; then
	echo "setup.sh: these are still missing after installing their packages:" >&2
	print_missing >&2
	exit 1
fi

IFS=. read -r major minor _ <<<"$(meson --version)"
if [ "$major" -eq 0 ] && [ "$minor" -lt 59 ]; then
	echo "setup.sh: meson $major.$minor is too old; 0.59 or newer is needed" >&2
	exit 1
fi
