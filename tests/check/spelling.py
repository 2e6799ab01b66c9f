"""Finds misspelled words in what people read: documents, manual pages, help, messages, comments. spelling.sh starts it.

Words in documents are looked up by aspell. A word that is part of an identifier in the sources, or stands in words.txt,
is right. Code within a document, and words with digits or capitals inside, are not looked up.
"""
import os
import re
import subprocess
import sys

WORD = re.compile(r"(?<![\w@/.$%-])[A-Za-z](?:[a-z]|'(?=[a-z]))+(?![\w@/]|\.\w)")
COMMENT_OR_STRING = re.compile(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', re.DOTALL)
SCRIPT_COMMENT = re.compile(r"(?:^|\s)#[ !].*$", re.MULTILINE)
FOLDERS = ("src", "include", "tests", "bench", "doc", "scripts", "docker", "packaging", "completions")


def blank(match):
    return re.sub(r"[^\n]", " ", match.group())


def text_of_c(text):
    """Comments and messages, each at its place; the rest is blank."""
    kept = []
    at = 0
    for match in COMMENT_OR_STRING.finditer(text):
        kept.append(re.sub(r"[^\n]", " ", text[at:match.start()]))
        part = match.group()
        if part.startswith('"'):
            # No format of a number or of a time, and nothing that is a word of a protocol.
            part = re.sub(r"%[-+ #0-9.*]*(?:hh|h|ll|l|z|j)?[a-zA-Z]|\\[nteu]", "  ", part)
            if " " not in part.strip():
                part = re.sub(r"[^\n]", " ", part)
        elif part.startswith("'"):
            part = re.sub(r"[^\n]", " ", part)
        kept.append(part)
        at = match.end()
    return "".join(kept)


def text_of_markdown(text):
    text = re.sub(r"^\s*```.*?^\s*```", blank, text, flags=re.MULTILINE | re.DOTALL)
    text = re.sub(r"^(?: {4}|\t)(?![-*] ).*$", blank, text, flags=re.MULTILINE)
    return re.sub(r"`[^`]*`|\]\([^)]*\)|https?://\S+|<[^>]*>", blank, text)


def text_of_page(text):
    text = re.sub(r"^\.Bd -literal.*?^\.Ed", blank, text, flags=re.MULTILINE | re.DOTALL)
    # Macros for what is typed as it is; those with text of their own remain.
    text = re.sub(r"^\.(?:Dl|Ql|Pa|Ev|Va|Cm|Ic|Fl|Dv|Lk|Xr|Ar|Nm|It (?:Pa|Ev|Va|Cm|Ic|Fl|Dv)|Bl|Dd|Dt|Os|Bd) ?.*$", blank,
                  text, flags=re.MULTILINE)
    return re.sub(r"^\.[A-Z][a-z] |\b(?:Ta|Ns|No|Em|Va|Qq|Op)\b|\\[e&-]", blank, text, flags=re.MULTILINE)


def text_of_script(text):
    return "\n".join(" ".join(SCRIPT_COMMENT.findall(line)) for line in text.split("\n"))


def reader_of(path):
    name = os.path.basename(path)
    if path.startswith(("tests/data/", "tests/check/words.txt", "tests/ct/branches.txt", "tests/mutants/")):
        return None
    if name.endswith((".c", ".h")):
        return text_of_c
    if name.endswith(".md"):
        return text_of_markdown
    if re.search(r"\.[1-9]$", name):
        return text_of_page
    if name.endswith((".sh", ".bash", ".py", ".service", ".rules", ".build", "Dockerfile")) or name in ("run", "vectors"):
        return text_of_script
    return None


def files(root):
    for folder, folders, names in os.walk(root):
        inside = os.path.relpath(folder, root)
        if inside == ".":
            folders[:] = sorted(name for name in folders if name in FOLDERS)
        for name in sorted(names):
            path = os.path.normpath(os.path.join(inside, name))
            if reader_of(path) is not None:
                yield path


def identifiers(text):
    """Names in C sources, and their parts."""
    code = COMMENT_OR_STRING.sub(" ", text)
    for name in re.findall(r"[A-Za-z_]\w+", code):
        yield name
        yield from name.split("_")


def main():
    root, words_path = sys.argv[1], sys.argv[2]
    with open(words_path) as file:
        accepted = {line.strip() for line in file if line.strip() and not line.startswith("#")}
    known = set()
    places = {}
    for path in files(root):
        with open(os.path.join(root, path), errors="replace") as file:
            text = file.read()
        reader = reader_of(path)
        if reader is text_of_c:
            known.update(identifiers(text))
        for number, line in enumerate(reader(text).split("\n"), 1):
            for word in WORD.findall(line):
                places.setdefault(word, f"{path}:{number}")
    known |= {word.lower() for word in known}
    result = subprocess.run(["aspell", "--lang=en", "--encoding=utf-8", "list"], input="\n".join(places), text=True,
                            stdout=subprocess.PIPE, check=True)
    problems = sorted({word for word in result.stdout.split("\n") if word} & set(places), key=lambda word: places[word])
    found = 0
    for word in problems:
        plain = re.sub(r"'s$", "", word)
        if not {word, plain, plain.lower()} & (accepted | known):
            print(f"{places[word]}: {word}")
            found += 1
    print(f"{len(places)} words looked up, {found} not known")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
