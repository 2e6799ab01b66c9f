#!/usr/bin/env bash
# usage: scripts/mutants.sh WHICH... [--jobs=N] [--limit=N] [--minutes=N] [--base=COMMIT] [--others]
# Puts deliberate faults (mutants) into copies of the tree, one at a time, and looks whether the tests notice them. The
# faults are listed in tests/mutants/AREA.txt, each with the tests that have to fail; tests/mutants/README.md explains them.
# WHICH is one or more of
#   all      every mutant (about 20 minutes with two cores)
#   changed  those of the files and tests that differ from COMMIT, which is by default the merge base with main, or on main
#            itself the commit before
#   check    builds nothing: only looks whether each entry is complete and its text is found exactly once
#   AREA     base, crypto, protocol, system, config, wireguard, engine, control, delivery, monitor, programs or rp
#   WORDS    what a title, a file's name or a test's name contains, for example aead.c or test_claims
# --jobs=N uses N copies, in build/mutants/1 to N (by default 2). --limit=N tries N of the mutants at most, spread
# evenly. --minutes=N begins none after that time. --others tells of each mutant that survives which other unit tests
# notice it.
# The exit status is 0 if each mutant that was tried was noticed, and those that are listed as unnoticeable were not; 77 if
# "changed" alone is asked for and there is no history to compare with. The copies stay for the next run. Writes to
# build/mutants alone.
[ -n "${BASH_VERSION-}" ] || exec bash -- "$0" "$@"
source "$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")/start.bash"
set -euo pipefail

export PYTHONDONTWRITEBYTECODE=1
cd "$root"
exec python3 tests/mutants/mutants.py "$@"
