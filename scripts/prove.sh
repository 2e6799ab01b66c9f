#!/usr/bin/env bash
# usage: scripts/prove.sh [--self-test] [--check] [--jobs=N] [--folder=DIR] [--mirror=URL] [NAME]...
# Runs the proofs of tests/prove, or those that are named, with the model checker CBMC. Prints a line for each, with its
# CPU time and what is proved, and in the end "N passed, N failed"; the exit status is 0 only if nothing failed. Needs CBMC 6.
# Where CBMC is missing, the proofs run in a chroot with Debian 13 that scripts/test-in.sh makes, which needs root, mmdebstrap
# and the network. A proof that takes 600 s of CPU time or 8 GB of memory is stopped and fails.
#   --self-test    applies the fault that each proof names to a copy of the source; passes if the proof then fails
#   --check        checks only that each proof is described and that its fault still fits the source; needs no CBMC
#   --jobs=N       how many run at the same time (1)
#   --folder=DIR, --mirror=URL   for test-in.sh
# Logs are in build/prove/ of the tree, or of the copy of the tree in the chroot.
[ -n "${BASH_VERSION-}" ] || exec bash -- "$0" "$@"
source "$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")/start.bash"
set -euo pipefail
export LC_ALL=C

cd -- "$root"
mode=prove
jobs=1
# Of CPU time, for each proof. Two minutes are enough for each; a self-test may have to look longer for the fault.
limit_seconds=600
# Of address space, for each proof.
limit_kilobytes=8000000
install=no
chroot_options=()
inner_options=()
names=()
for argument in "$@"; do
	case $argument in
	--self-test) mode='self-test' ;;
	--check) mode='check' ;;
	--jobs=[1-9]*) jobs=${argument#*=} ;;
	--folder=?* | --mirror=?*) chroot_options+=("$argument") ;;
	--install) install=yes ;;
	-*)
		echo "${start_head[0]}" >&2
		exit 2
		;;
	*) names+=("$argument") ;;
	esac
	case $argument in
	--folder=* | --mirror=*) ;;
	*) inner_options+=("$argument") ;;
	esac
done

has_cbmc()
{
	local version

	version=$(cbmc --version 2>/dev/null) || return 1
	[[ $version =~ ^([0-9]+)\. ]] && [ "${BASH_REMATCH[1]}" -ge 6 ]
}

# Within the chroot.
install_cbmc()
{
	echo "Installing CBMC"
	{
		apt-get update -qq && DEBIAN_FRONTEND=noninteractive \
			apt-get install -y -qq --no-install-recommends cbmc gcc libc6-dev libsodium-dev linux-libc-dev
	} >/var/log/prove-install.log 2>&1 || {
		tail -n 20 /var/log/prove-install.log >&2
		echo "prove.sh: CBMC could not be installed" >&2
		exit 1
	}
}

# list: a line for each proof, with tabs: source, name, options, file of the fault, sed command of the fault, and the first
# sentence of its description.
list()
{
	awk -v OFS='\t' '
		/^\/\*/ {
			sentence = ""
			is_complete = 0
		}
		/^ \* (prove|fault): / {
			kind = $2
			text[kind] = $0
			sub(/^ \* [a-z]+: /, "", text[kind])
			next
		}
		# The rest of it.
		/^ \*     / && kind != "" {
			sub(/^ \*     /, "")
			text[kind] = text[kind] " " $0
			next
		}
		{
			kind = ""
		}
		# The description begins behind these lines.
		/^ \* / && "fault:" in text && !is_complete {
			sub(/^ \* /, "")
			sentence = sentence (sentence == "" ? "" : " ") $0
			is_complete = sentence ~ /[.]( |$)/
			sub(/[.]( .*)?$/, "", sentence)
			next
		}
		/^PROOF\(/ {
			name = options = text["prove:"]
			file = fault = text["fault:"]
			sub(/ .*/, "", name)
			sub(/^[^ ]* */, "", options)
			sub(/ .*/, "", file)
			sub(/^[^ ]* */, "", fault)
			if ($0 != "PROOF(" name ")" || options == "" || fault == "" || !is_complete) {
				print FILENAME ":" FNR ": not described by prove:, fault: and a sentence" >"/dev/stderr"
				bad = 1
			}
			print FILENAME, name, options, file, fault, sentence
			delete text
		}
		END { exit bad }' tests/prove/prove_*.c
}

copy_sources()
{
	mkdir -p "$1/tests"
	cp -R src include "$1"
	cp -R tests/prove "$1/tests"
}

# damage TREE FILE SED-COMMAND: applies a fault to the copy of the sources in TREE.
damage()
{
	sed -i -e "$3" "$1/$2" && ! cmp -s "$2" "$1/$2"
}

# set_sizes TREE OPTIONS: gives constants the values that a proof wants.
set_sizes()
{
	local option pair name files

	for option in $2; do
		[[ $option == sizes=* ]] || continue
		for pair in ${option//[=,]/ }; do
			[[ $pair == *:* ]] || continue
			name=${pair%:*}
			mapfile -t files < <(grep -rlE "^#define $name [0-9]+" "$1/src" "$1/include")
			[ ${#files[@]} -eq 1 ] || return 1
			sed -i -E "s/^(#define $name) [0-9]+/\\1 ${pair#*:}/" "${files[0]}"
		done
	done
}

# cbmc_flags OPTIONS: the checks and bounds, into flags[] and replaced[].
cbmc_flags()
{
	local option value without=,
	local checks=(bounds pointer pointer-overflow signed-overflow unsigned-overflow conversion undefined-shift
		div-by-zero)

	flags=(--unwinding-assertions --slice-formula --object-bits 10)
	replaced=()
	for option in $1; do
		value=${option#*=}
		case $option in
		unwind=*,*) flags+=(--unwind "${value%%,*}" --unwindset "${value#*,}") ;;
		unwind=*) flags+=(--unwind "$value") ;;
		without=*) without=,$value, ;;
		replace=*)
			for value in ${value//,/ }; do
				replaced+=(--replace-calls "$value")
			done
			;;
		sizes=*) ;;
		*) return 1 ;;
		esac
	done
	for value in "${checks[@]}"; do
		[[ $without == *,$value,* ]] || flags+=("--$value-check")
	done
}

# verify TREE SOURCE NAME DIRECTORY: runs CBMC; what it prints is for the log. Its status: 0 proved, 10 refuted.
verify()
{
	local tree=$1 source=$2 name=$3 directory=$4 sodium

	read -ra sodium < <(pkg-config --cflags libsodium 2>/dev/null) || true
	(cd "$tree" && goto-cc -std=gnu11 -D_GNU_SOURCE -DPROVE_CBMC -Isrc -Iinclude -Itests/prove "${sodium[@]}" \
		--function "$name" -o "$directory/compiled" "$source") || return 1
	goto-instrument "${replaced[@]}" --drop-unused-functions "$directory/compiled" "$directory/program" || return 1
	# Ends with this shell, if that is killed.
	ulimit -t "$limit_seconds" -v "$limit_kilobytes"
	setpriv --pdeathsig KILL cbmc "${flags[@]}" "$directory/program"
}

# one SOURCE NAME OPTIONS FILE FAULT SENTENCE: runs a proof, or its self-test, and prints its line, with the reasons of a failure.
one()
{
	local source=$1 name=$2 options=$3 file=$4 fault=$5 sentence=$6
	local directory=$work/$name log=build/prove/$name.$mode.log status=0 TIMEFORMAT=%0U
	local tree=$directory/tree

	copy_sources "$tree"
	if [ "$mode" != prove ] && ! damage "$tree" "$file" "$fault" 2>"$log"; then
		echo "FAIL  $name: its fault does not fit $file $(head -n 1 "$log")"
		return
	fi
	if ! set_sizes "$tree" "$options" || ! cbmc_flags "$options"; then
		echo "FAIL  $name: its options fit no constant: $options"
		return
	fi
	if [ "$mode" = check ]; then
		echo "$name" >>"$work/passed"
		return
	fi
	{ time verify "$tree" "$source" "$name" "$directory" >"$log" 2>&1; } 2>"$directory/seconds" || status=$?
	# A function without a body does nothing and returns anything: then nothing is proved.
	if grep -q 'no body for callee .*FAILURE$' "$log"; then
		echo "FAIL  $name: $(grep 'no body for callee .*FAILURE$' "$log" | head -n 1) ($log)"
	elif [ "$mode" = prove ] && [ "$status" -eq 0 ] && grep -qx 'VERIFICATION SUCCESSFUL' "$log"; then
		echo "PASS  $name ($(tail -n 1 "$directory/seconds") s): $sentence" | tee -a "$work/passed"
	elif [ "$mode" = self-test ] && [ "$status" -eq 10 ] && grep -qx 'VERIFICATION FAILED' "$log"; then
		echo "PASS  $name notices: $(grep ': FAILURE$' "$log" | head -n 1)" | tee -a "$work/passed"
	elif [ "$status" -gt 128 ]; then
		echo "FAIL  $name: killed by signal $((status - 128)) (limits: $limit_seconds s of CPU time, memory)"
	elif [ "$mode" = self-test ] && [ "$status" -eq 0 ]; then
		echo "FAIL  $name does not notice its fault in $file: $fault"
	else
		echo "FAIL  $name ($log)"
		grep ': FAILURE$' "$log" | head -n 5 || tail -n 5 "$log"
	fi
	rm -rf "$directory"
}

if [ "$mode" != check ] && ! has_cbmc; then
	if [ "$install" = no ]; then
		exec scripts/test-in.sh trixie "${chroot_options[@]}" scripts/prove.sh --install "${inner_options[@]}"
	fi
	install_cbmc
fi

if [ "$mode" != check ]; then
	for tool in goto-cc goto-instrument; do
		"$tool" --version >/dev/null 2>&1 || {
			echo "prove.sh: $tool, a part of CBMC, does not run" >&2
			exit 1
		}
	done
fi

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
stop()
{
	local pids

	mapfile -t pids < <(jobs -p)
	if [ ${#pids[@]} -gt 0 ]; then
		kill "${pids[@]}" 2>/dev/null || true
		wait
	fi
	exit "$1"
}
trap 'stop 130' INT
trap 'stop 143' TERM HUP
: >"$work/passed"
mkdir -p build/prove
list >"$work/list"

count=0
running=0
while IFS=$'\t' read -r source name options file fault sentence; do
	if [ ${#names[@]} -gt 0 ] && [[ " ${names[*]} " != *" $name "* ]]; then
		continue
	fi
	count=$((count + 1))
	if [ "$running" -ge "$jobs" ]; then
		wait -n || true
		running=$((running - 1))
	fi
	one "$source" "$name" "$options" "$file" "$fault" "$sentence" </dev/null &
	running=$((running + 1))
done <"$work/list"
wait
if [ "$count" -eq 0 ]; then
	echo "prove.sh: there is no such proof: ${names[*]}" >&2
	exit 1
fi
passed=$(wc -l <"$work/passed")
echo "$passed passed, $((count - passed)) failed"
[ "$passed" -eq "$count" ]
