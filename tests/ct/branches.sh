#!/usr/bin/env bash
# usage: branches.sh [--keep=DIR] [CPU]...
# Compiles src/crypto for many kinds of CPU, with gcc and clang at several levels of optimisation, and compares the
# conditional branches in it with the reviewed list branches.txt, which says why each of them depends on nothing secret.
# valgrind shows this for the CPU that it runs on; here what matters is that compilers turn masks into branches on some
# CPUs and not on others. Neither a C library nor an assembler for the CPU is needed. A compiler that is not installed
# is skipped, and what is found with a version that the list was not reviewed for is printed but is no failure.
#   --keep=DIR   leaves the assembly in DIR
# How a branch is judged is written in branches.awk. A compiler's attribution of instructions to lines is what it rests
# on, which is exact as long as loops are not vectorised or unrolled: both are turned off. That neither makes a branch
# from a mask is left to valgrind (run).
source "$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")/../../scripts/start.bash"
set -euo pipefail
export LC_ALL=C

all_cpus=(x86_64 i686 aarch64 armv7 riscv64 ppc64le s390x mips)
levels=(-O2 -O3 -Os)
reviewed=' gcc-12 gcc-14 clang-14 clang-19 '
jobs=2

# Per CPU: Debian's name of the target, and the options that are Debian's defaults there.
declare -A triples=(
	[x86_64]=x86_64-linux-gnu [i686]=i686-linux-gnu [aarch64]=aarch64-linux-gnu [armv7]=arm-linux-gnueabihf
	[riscv64]=riscv64-linux-gnu [ppc64le]=powerpc64le-linux-gnu [s390x]=s390x-linux-gnu [mips]=mips-linux-gnu
)
declare -A gcc_options=(
	[x86_64]=-march=x86-64 [i686]=-march=i686 [aarch64]=-march=armv8-a
	[armv7]='-march=armv7-a+fp -mfloat-abi=hard -mthumb' [riscv64]='-march=rv64gc -mabi=lp64d' [ppc64le]=-mcpu=power8
	[s390x]=-march=z196 [mips]='-march=mips32r2 -mabi=32'
)
declare -A clang_options=(
	[x86_64]='' [i686]='' [aarch64]='' [armv7]='-march=armv7-a' [riscv64]='-march=rv64gc' [ppc64le]='' [s390x]=''
	[mips]='-march=mips32r2'
)
common=(-std=gnu11 -nostdinc -isystem tests/ct/headers -Isrc -Iinclude -fno-unroll-loops)
gcc_common=(-quiet -g1 -gno-variable-location-views -fno-tree-vectorize -fno-peel-loops -fno-split-loops)
clang_common=(-S -gline-tables-only -fno-vectorize -fno-slp-vectorize)

cd "$root"
work=
cpus=()
for argument in "$@"; do
	case $argument in
	--keep=?*) work=$(realpath -m -- "${argument#*=}") ;;
	*)
		[ -n "${triples[$argument]:-}" ] || {
			echo "branches.sh: no CPU $argument; there are: ${all_cpus[*]}" >&2
			exit 2
		}
		cpus+=("$argument")
		;;
	esac
done
[ ${#cpus[@]} -gt 0 ] || cpus=("${all_cpus[@]}")
if [ -n "$work" ]; then
	mkdir -p "$work"
else
	work=$(mktemp -d)
	trap 'rm -rf "$work"' EXIT
fi

mapfile -t sources < <(find src/crypto -name '*.c' | sort)
mapfile -t texts < <(find src/crypto -name '*.[ch]' | sort)

if command -v clang >/dev/null && ! clang -std=gnu11 -c -nostdinc -isystem tests/ct/headers -o /dev/null tests/ct/fault.c; then
	echo "branches.sh: clang is installed and does not work" >&2
	exit 1
fi

# gcc's compiler proper comes with its preprocessor, a package without a C library and an assembler.
gcc_proper()
{
	local cpp=${triples[$1]}-cpp proper

	command -v "$cpp" >/dev/null || return 1
	proper=$("$cpp" -print-prog-name=cc1)
	[ -x "$proper" ] && echo "$proper"
}

# Prints the major version, or fails if that compiler is not here.
version()
{
	case $2 in
	gcc) gcc_proper "$1" >/dev/null && "${triples[$1]}-cpp" -dumpversion | cut -d. -f1 ;;
	clang)
		command -v clang >/dev/null || return 1
		# A clang may have been built without this CPU.
		echo 'int x;' | clang --target="${triples[$1]}" -S -o /dev/null -x c - 2>/dev/null || return 1
		clang -dumpversion | cut -d. -f1
		;;
	esac
}

# compile CPU COMPILER OPTIONS FILE OUTPUT
compile()
{
	local options

	if [ "$2" = gcc ]; then
		read -ra options <<<"${gcc_options[$1]}"
		"$(gcc_proper "$1")" "${gcc_common[@]}" "${options[@]}" "${common[@]}" "$3" -o "$5" "$4"
	else
		read -ra options <<<"${clang_options[$1]}"
		clang --target="${triples[$1]}" "${clang_common[@]}" "${options[@]}" "${common[@]}" "$3" -o "$5" "$4"
	fi
}

# build CPU COMPILER VERSION LEVEL: compiles all, and leaves what was found in a file; none means that all is well.
build()
{
	local name=$1-$2-$3 folder=$work/$1-$2-$3$4 file fault

	mkdir -p "$folder"
	: >"$folder/found"
	{
		for file in "${sources[@]}" tests/ct/fault.c; do
			compile "$1" "$2" "$4" "$file" "$folder/${file//\//,}.s" || echo "$name$4: $file was not compiled"
		done
		awk -v cpu="$1" -v build="$name" -v level="$4" -f tests/ct/branches.awk tests/ct/branches.txt \
			"${texts[@]}" "$folder"/src,*.s || true
		# If the deliberate faults are not found, nothing else would be.
		awk -v cpu="$1" -v build="$name" -v level="$4" -f tests/ct/branches.awk \
			"$folder"/tests,ct,fault.c.s >"$folder/faults" || true
		for fault in ct_fault_branch ct_fault_return; do
			grep -q "$fault() has" "$folder/faults" || echo "$name$4: the deliberate $fault() was not found"
		done
	} >"$folder/found" 2>&1
}

count=0
names=()
skipped=()
for cpu in "${cpus[@]}"; do
	for compiler in gcc clang; do
		version=$(version "$cpu" "$compiler") || {
			skipped+=("$cpu-$compiler")
			continue
		}
		names+=("$cpu-$compiler-$version")
		for level in "${levels[@]}"; do
			[ "$count" -lt "$jobs" ] || wait -n || true
			build "$cpu" "$compiler" "$version" "$level" &
			count=$((count + 1))
		done
	done
done
wait

passed=0
failed=0
for name in "${names[@]}"; do
	found=$(cat "$work/$name"-O*/found)
	compiler=${name#*-}
	if [ -z "$found" ]; then
		echo "$name: passed"
		passed=$((passed + 1))
	elif [[ $reviewed == *" $compiler "* ]]; then
		printf '%s\n' "$name: FAILED" "$(sort -u <<<"$found" | sed 's/^/    /')"
		failed=$((failed + 1))
	else
		printf '%s\n' "$name: differs, but the list was not reviewed for $compiler" "$(sort -u <<<"$found" | sed 's/^/    /')"
	fi
done
[ ${#skipped[@]} -eq 0 ] || echo "skipped, no such compiler: ${skipped[*]}"
if [ "${#names[@]}" -eq 0 ]; then
	echo "branches.sh: no compiler is installed" >&2
	exit 77
fi
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
