"""Reads the lists of mutants and finds the place of each in the sources. README.md describes the form of the lists."""
import glob
import os
import re

AREAS = ("base", "crypto", "protocol", "system", "config", "wireguard", "engine", "control", "delivery", "monitor",
         "programs", "rp")
FIELDS = ("title", "file", "in", "tests", "hangs", "unnoticed")


class EntryError(Exception):
    """A list that cannot be used as it is: one line for each fault, with file and line."""


class Entry:
    """One mutant: what to replace, by what, and who has to notice."""

    def __init__(self, area, place):
        self.area = area
        self.place = place
        self.fields = {}
        self.old = []
        self.new = []
        self.file = None

    title = property(lambda self: self.fields.get("title", "(no title)"))
    tests = property(lambda self: self.fields.get("tests", "").split())
    hangs = property(lambda self: "hangs" in self.fields)
    unnoticed = property(lambda self: self.fields.get("unnoticed"))

    def mentions(self, word):
        return any(word in text for text in (self.title, self.file, *self.tests))

    def pattern(self):
        """The old text as a regular expression to which all white space is the same."""
        words = "\n".join(self.old).split()
        expression = r"\s+".join(re.escape(word) for word in words)
        before = r"(?<!\w)" if re.match(r"\w", words[0]) else ""
        after = r"(?!\w)" if re.search(r"\w$", words[-1]) else ""
        return re.compile(before + expression + after)

    def spans(self, text):
        """Return the parts of a file in which to look: the function that the entry names, else all of it."""
        name = self.fields.get("in")
        if not name:
            return [(0, len(text))]
        head = re.compile(r"^(?![#\s/])(?:[^\n;{}()]*[\s*])?" + re.escape(name) + r"\([^;{}]*\)\s*\{.*?^\}",
                          re.MULTILINE | re.DOTALL)
        return [match.span() for match in head.finditer(text)]

    def matches(self, text):
        pattern = self.pattern()
        return [match.span() for start, end in self.spans(text) for match in pattern.finditer(text, start, end)]

    def apply(self, text):
        (start, end), = self.matches(text)
        new = "\n".join(self.new).strip()
        # What is left of a statement that another one needs, as after an if. A branch that begins with else leaves nothing.
        if not new and text[end - 1] == ";" and not re.match(r"else\b", text[start:end]):
            new = ";"
        return text[:start] + new + text[end:]

    def find(self, sources):
        """Set the file in which the old text stands. Returns what is wrong, or None."""
        found = [path for path, text in sources.items() for _ in self.matches(text)]
        if not found and "in" in self.fields:
            # The function may have another name now; the text alone is enough if it is unique.
            is_there = any(self.spans(text) for text in sources.values())
            name = self.fields.pop("in")
            found = [path for path, text in sources.items() for _ in self.matches(text)]
            if is_there or len(found) != 1:
                return f"not found in the function {name}"
        if not found:
            return f"not found below src/{self.area}"
        if len(found) > 1:
            found = [path for path in found if os.path.basename(path) == self.fields.get("file")] or found
        if len(found) > 1:
            return f"found {len(found)} times: " + ", ".join(sorted(set(found)))
        self.file = found[0]
        return None


def complete(entry):
    """Return what an entry lacks, or None."""
    for field in ("title", "tests"):
        if not entry.fields.get(field):
            return f"no {field}"
    if not "".join(entry.old).strip():
        return "no old text"
    if " ".join(entry.old).split() == " ".join(entry.new).split():
        return "the new text is the old one"
    return None


def read_list(path, area):
    """Return the entries of one list, and what is wrong with its lines."""
    entries, faults = [], []
    entry = None
    with open(path, encoding="utf-8") as file:
        for number, line in enumerate(file.read().split("\n"), 1):
            place = f"{path}:{number}"
            if line.startswith("#"):
                continue
            if not line.strip():
                entry = None
                continue
            if entry is None:
                entry = Entry(area, place)
                entries.append(entry)
            name, colon, value = line.partition(": ")
            if line[0] == "-":
                entry.old.append(line[1:])
            elif line[0] == "+":
                entry.new.append(line[1:])
            elif colon and name in FIELDS and name not in entry.fields:
                entry.fields[name] = value.strip()
            else:
                faults.append(f"{place}: not understood: {line}")
    return entries, faults


def has_case(path, case):
    with open(path, encoding="utf-8") as file:
        return re.search(rf"\b{re.escape(case)}\b", file.read()) is not None


def read_sources(root, area):
    sources = {}
    for path in sorted(glob.glob(os.path.join(root, "src", area, "**", "*.[chS]"), recursive=True)):
        with open(path, encoding="utf-8") as file:
            sources[os.path.relpath(path, root)] = file.read()
    return sources


def read_entries(root):
    """Return all entries, each with the file that it changes. Raises EntryError, which names all that do not fit."""
    entries, faults, titles = [], [], set()
    for area in AREAS:
        path = os.path.join(root, "tests", "mutants", f"{area}.txt")
        if not os.path.exists(path):
            continue
        sources = read_sources(root, area)
        found, wrong = read_list(path, area)
        faults += wrong
        for entry in found:
            fault = complete(entry) or entry.find(sources)
            for name in entry.tests:
                program, _, case = name.partition("/")
                path = os.path.join(root, "tests", "unit", f"{program}.c")
                if program.startswith("test_") and not os.path.exists(path):
                    fault = f"there is no tests/unit/{program}.c"
                elif case and not has_case(path, case):
                    fault = f"tests/unit/{program}.c has no {case}"
            if (area, entry.title) in titles:
                fault = "another entry has the same title"
            titles.add((area, entry.title))
            if fault:
                faults.append(f"{entry.place}: {entry.title}: {fault}")
        entries += found
    if faults:
        raise EntryError("\n".join(os.path.relpath(fault, root) if fault.startswith(root) else fault for fault in faults))
    return entries
