#!/usr/bin/env bash
# usage: messages.sh SOURCE_ROOT [--write]
# Compares doc/messages.md, the table of all messages, with the sources, from which it is made; --write makes it again.
# tests/check/messages.txt says when the messages of a file appear.
source "$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")/../../scripts/start.bash"
set -euo pipefail
export LC_ALL=C.UTF-8 PYTHONDONTWRITEBYTECODE=1

source_root=$(realpath -- "$1")
shift
exec python3 "$root/tests/check/messages.py" "$source_root" "$source_root/tests/check/messages.txt" \
	"$source_root/doc/messages.md" "$@"
