#!/usr/bin/env bash
# usage: kernel-wireguard.sh FOLDER RP ROSENPASS RP_FAST WIREGUARD_PROBE
# vm_wireguard.sh in a virtual machine whose kernel has WireGuard; FOLDER keeps the kernel. Skipped (77) where such
# a machine cannot be made. The last line is "N passed, N failed".
source "$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")/../../scripts/start.bash"
set -uo pipefail

folder=$1
shift
output=$(VM_SECONDS=900 "$root/scripts/vm.sh" "$folder" "$root/tests/system/vm_wireguard.sh" "$@" 2>&1)
status=$?
echo "$output"
[ "$status" -ne 77 ] || exit 77
# The machine says more after the script's last line.
grep -E '^[0-9]+ passed, [0-9]+ failed$' <<<"$output" | tail -n 1
exit "$status"
