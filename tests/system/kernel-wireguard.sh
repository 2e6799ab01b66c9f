#!/usr/bin/env bash
# usage: kernel-wireguard.sh FOLDER RP ROSENPASS RP_FAST WIREGUARD_PROBE
# vm_wireguard.sh in a virtual machine whose kernel has WireGuard; FOLDER keeps the kernel. Skipped (77) where such
# a machine cannot be made. The last line is "N passed, N failed".
set -uo pipefail

here=$(dirname "${BASH_SOURCE[0]}")
folder=$1
shift
output=$(VM_SECONDS=240 "$here/../../scripts/vm.sh" "$folder" "$here/vm_wireguard.sh" "$@" 2>&1)
status=$?
echo "$output"
[ "$status" -ne 77 ] || exit 77
# The machine says more after the script's last line.
grep -E '^[0-9]+ passed, [0-9]+ failed$' <<<"$output" | tail -n 1
exit "$status"
