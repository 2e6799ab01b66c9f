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
mkdir "$work/documents" "$work/wrong"

# follow DIRECTORY [DOCUMENT]...
follow()
{
	# shellcheck disable=SC2016
	unshare "${namespaces[@]}" bash -c 'mount -t tmpfs none /run && ip link set lo up && exec python3 "$@"' - \
		"$root/tests/examples/run.py" "$rosenpass" "$rp" "$source_root" "$@"
}

# wrong NAME TEXT: a document with a mistake, which has to be found.
wrong()
{
	printf 'Text.\n\n%b\n' "$2" >"$work/wrong/$1.md"
}

follow "$work/documents" "$@"
[ $# -eq 0 ] || exit 0

wrong command '    rosenpass gen-key -p a -s b'
wrong option '    server$ rosenpass gen-keys --publik-key a --secret-key b'
wrong argument '    server$ rp exchange keys lisen 9999 peer server-public'
wrong daemon '    server$ rosenpass gen-keys -p a -s b\n    server$ rosenpass exchange public-key a secret-key b listen x'
wrong summary '    rosenpass status [NAME] [--jsn]'
wrong sentence 'See `rosenpass stats`.'
wrong unit 'See `rosenpasss@wg0`.'
wrong key '    listen = ["9999"]\n    [[peers]]\n    endpiont = "192.0.2.1:9999"'
wrong value '    private_keys_dir = "x"\n    [[peers]]\n    allowed_ips = "10.0.0.0/33"'
wrong program '    frobnicate --all'
wrong language '```ruby\nputs 1\n```'
if follow "$work/mistakes" "$work"/wrong/*.md >"$work/out" 2>"$work/err"; then
	echo "run.sh: documents with mistakes were accepted" >&2
	exit 1
fi
for document in "$work"/wrong/*.md; do
	grep -qF "$document:" "$work/err" || {
		echo "run.sh: the mistake in ${document##*/} was not found" >&2
		exit 1
	}
done
