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
jobs=$(nproc)

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
common=(-std=gnu11 -nostdinc -isystem tests/ct/headers -Isrc -fno-unroll-loops)
# Scheduling is off for gcc because it moves instructions away from their lines, and for the time that it takes.
gcc_common=(-quiet -g1 -gno-variable-location-views -fno-tree-vectorize -fno-peel-loops -fno-split-loops
	-fno-schedule-insns -fno-schedule-insns2)
# To clang, a level that comes later turns vectorisation on again.
clang_common=(-S -gline-tables-only)
clang_last=(-fno-vectorize -fno-slp-vectorize)

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

mapfile -t sources < <(find src/crypto tests/ct/fault.c -name '*.c' | sort)
# Each is for one kind of CPU, and empty for all others.
mapfile -t by_hand < <(find src/crypto -name '*.S' | sort)
mapfile -t assembly < <(find src/crypto -name '*.[cS]' | sort | sed 's/.$/s/')
mapfile -t texts < <(find src/crypto -name '*.[ch]' | sort)

if command -v clang >/dev/null && ! clang -std=gnu11 -c -nostdinc -isystem tests/ct/headers -o /dev/null tests/ct/fault.c; then
	echo "branches.sh: clang is installed and does not work" >&2
	exit 1
fi

if ! grep -q 'ct_fault_above() has bnez' < <(awk -v cpu=riscv64 -v build=loop -f tests/ct/branches.awk tests/ct/loop.s); then
	echo "branches.sh: the deliberate fault in tests/ct/loop.s was not found" >&2
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

# compile_gcc CPU LEVEL: leaves the assembly beside the sources.
compile_gcc()
{
	local options proper file

	read -ra options <<<"${gcc_options[$1]}"
	proper=$(gcc_proper "$1")
	for file in "${sources[@]}"; do
		"$proper" "${gcc_common[@]}" "${options[@]}" "${common[@]}" "$2" -o "${file%.c}.s" "$file"
	done
}

# The same. Starting clang takes longer than most of the files; its compiler proper takes many at once, and writes beside
# them if it is not told where.
compile_clang()
{
	local options words word proper=() skip=no

	read -ra options <<<"${clang_options[$1]}"
	words=$(clang -### --target="${triples[$1]}" "${clang_common[@]}" "${options[@]}" "${common[@]}" "$2" "${clang_last[@]}" \
		"${sources[0]}" 2>&1 | grep -e '"-cc1"' | xargs printf '%s\n')
	while IFS= read -r word; do
		case $skip$word in
		no-o | no-main-file-name) skip=yes ;;
		no"${sources[0]}") ;;
		no*) proper+=("$word") ;;
		yes*) skip=no ;;
		esac
	done <<<"$words"
	"${proper[@]}" "${sources[@]}"
}

# What is written in assembly is looked at as the assembler would see it.
preprocess_gcc()
{
	"${triples[$1]}-cpp" -P "$2"
}

preprocess_clang()
{
	clang --target="${triples[$1]}" -E -P "$2"
}

# build CPU COMPILER VERSION LEVEL: compiles all, and leaves what was found in a file; none means that all is well.
build()
{
	local name=$1-$2-$3 folder=$work/$1-$2-$3$4 file fault

	mkdir -p "$folder/src" "$folder/tests/ct"
	cp -rsf "$root/src/crypto" "$folder/src"
	cp -rsf "$root/tests/ct/fault.c" "$root/tests/ct/headers" "$folder/tests/ct"
	(
		cd "$folder"
		"compile_$2" "$1" "$4" || true
		for file in "${by_hand[@]}"; do
			"preprocess_$2" "$1" "$file" >"${file%.S}.s" || echo "$name$4: $file was not preprocessed"
		done
		for file in "${sources[@]}"; do
			[ -s "${file%.c}.s" ] || echo "$name$4: $file was not compiled"
		done
		awk -v cpu="$1" -v build="$name" -v level="$4" -f "$root/tests/ct/branches.awk" "$root/tests/ct/branches.txt" \
			"${texts[@]}" "${assembly[@]}" || true
		# If the deliberate faults are not found, nothing else would be.
		awk -v cpu="$1" -v build="$name" -v level="$4" -f "$root/tests/ct/branches.awk" tests/ct/fault.s >faults || true
		for fault in ct_fault_branch ct_fault_return; do
			grep -q "$fault() has" faults || echo "$name$4: the deliberate $fault() was not found"
		done
	) >"$folder/found" 2>&1
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
