#!/usr/bin/env bash
# usage: spelling.sh SOURCE_ROOT
# Looks for misspelled words: codespell, which knows common mistakes, in all texts and sources, and aspell in documents,
# manual pages, help, messages and comments. words.txt lists what is right all the same.
source "$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")/../../scripts/start.bash"
set -euo pipefail
export LC_ALL=C.UTF-8 PYTHONDONTWRITEBYTECODE=1

words=$(readlink -f -- "$root/tests/check/words.txt")
cd -- "$1"
failed=0
looked=0

if command -v codespell >/dev/null; then
	looked=1
	codespell --ignore-words="$words" --skip='*/data,*/corpus,*/mutants,*/branches.txt,*/words.txt,*/build,*.pyc' \
		README.md CONTRIBUTING.md doc docker src include tests bench scripts packaging completions meson.build \
		meson_options.txt || failed=1
else
	echo "codespell is not here: common mistakes were not looked for"
fi
if command -v aspell >/dev/null && aspell --lang=en list <<<word >/dev/null 2>&1; then
	looked=1
	python3 "$root/tests/check/spelling.py" . "$words" || failed=1
else
	echo "aspell with an English dictionary is not here: words were not looked up"
fi
[ "$looked" -eq 1 ] || exit 77
exit "$failed"
