#!/usr/bin/env bash
# usage: run.sh ROSENPASS RP SOURCE_ROOT [DOCUMENT]...
# Follows README.md, doc/*.md, docker/USAGE.md and the manual pages: runs each command, validates each configuration, and
# compares commands within sentences with the help. Each host of a document has its own directory, where paths such as /etc
# lead too; public keys are copied between hosts, and two daemons with outfiles have to agree on a key. `rp exchange` has
# to get as far as the missing CAP_NET_ADMIN. An example that is not run needs a line with a reason in marks.txt.
source "$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")/../../scripts/start.bash"
set -euo pipefail
export LC_ALL=C PYTHONDONTWRITEBYTECODE=1
unset RUST_LOG

rosenpass=$(realpath -- "$1")
rp=$(realpath -- "$2")
source_root=$(realpath -- "$3")
shift 3
for needed in python3 unshare setpriv ip; do
	command -v "$needed" >/dev/null || { echo "needs $needed"; exit 77; }
done
# Ports of documents may be in use, and other daemons may run: a network and a /run of our own. Without root, also a user
# namespace.
namespaces=(--net --mount)
[ "$(id -u)" -eq 0 ] || namespaces+=(--user --map-root-user)
unshare "${namespaces[@]}" mount -t tmpfs none /run 2>/dev/null || { echo "no network namespaces here"; exit 77; }

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
umask 022
# shellcheck disable=SC2016
unshare "${namespaces[@]}" bash -c 'mount -t tmpfs none /run && ip link set lo up && exec python3 "$@"' - \
	"$root/tests/examples/run.py" "$rosenpass" "$rp" "$source_root" "$work" "$@"
