"""Finds the examples in documents: blocks of Markdown and of manual pages, and code within sentences."""
import re

FENCE = re.compile(r"^\s*```(\S*)\s*$")
PROMPT = re.compile(r"^(?:([a-z][a-z0-9-]*)?[#$] )(.*)$")
MAN_ESCAPES = (("\\e", "\\"), ("\\(dq", '"'), ("\\-", "-"), ("\\&", ""))


class Block:
    """Lines of one example, without indentation. The section is the number of headings before it."""

    def __init__(self, path, line, language, lines, section):
        self.path = path
        self.section = section
        self.line = line
        self.language = language
        self.lines = lines

    def where(self, offset=0):
        return f"{self.path}:{self.line + offset}"

    def text(self):
        return "\n".join(self.lines) + "\n"


class Command:
    """A command line, with continuation lines joined. The host is the word before the prompt."""

    def __init__(self, block, offset, host, text):
        self.where = block.where(offset)
        self.path = block.path
        self.host = host
        self.text = text


def unindent(lines):
    filled = [line for line in lines if line.strip()]
    depth = min((len(line) - len(line.lstrip(" ")) for line in filled), default=0)
    return [line[depth:] for line in lines]


def markdown_blocks(path, text):
    lines = text.split("\n")
    at = 0
    after_blank = True
    in_list = False
    section = 0
    while at < len(lines):
        fence = FENCE.match(lines[at])
        if fence:
            end = at + 1
            while end < len(lines) and not FENCE.match(lines[end]):
                end += 1
            yield Block(path, at + 2, fence.group(1), unindent(lines[at + 1:end]), section)
            at = end + 1
            continue
        # Within a list four spaces continue an item; a block has eight.
        indent = " " * (8 if in_list else 4)
        if after_blank and lines[at].startswith(indent):
            end = at
            while end < len(lines) and (lines[end].startswith(indent) or not lines[end].strip()):
                end += 1
            last = end
            while not lines[last - 1].strip():
                last -= 1
            yield Block(path, at + 1, "", unindent(lines[at:last]), section)
            at = end
            after_blank = True
            continue
        if re.match(r"^([-*]|\d+\.) ", lines[at]):
            in_list = True
        elif lines[at].strip() and not lines[at].startswith(" "):
            in_list = False
        section += lines[at].startswith("## ")
        after_blank = not lines[at].strip()
        at += 1


def man_unescape(text):
    for escape, meaning in MAN_ESCAPES:
        text = text.replace(escape, meaning)
    return text


def man_blocks(path, text):
    lines = text.split("\n")
    start = None
    section = 0
    for at, line in enumerate(lines):
        section += line.startswith(".Sh ")
        if line.startswith(".Bd -literal"):
            start = at + 1
        elif line.startswith(".Ed") and start is not None:
            yield Block(path, start + 1, "", [man_unescape(inside) for inside in lines[start:at]], section)
            start = None
        elif line.startswith(".Dl "):
            yield Block(path, at + 1, "", [man_unescape(line[4:])], section)


def blocks(path, text):
    return list(markdown_blocks(path, text) if path.endswith(".md") else man_blocks(path, text))


def inline_code(path, text):
    """Yields the line number and the text of code within sentences, tables and quoted literals."""
    lines = text.split("\n")
    if path.endswith(".md"):
        inside = {block.line - 1 + n for block in markdown_blocks(path, text) for n in range(len(block.lines))}
        for at, line in enumerate(lines):
            if at not in inside:
                for match in re.finditer(r"`([^`]+)`", line):
                    yield at + 1, match.group(1)
    else:
        for at, line in enumerate(lines):
            match = re.match(r"^\.(?:Ql|Dl) (.*)$", line)
            if match:
                yield at + 1, man_unescape(re.sub(r" [.,;:)]$", "", match.group(1)))


def commands(block):
    """The command lines of a block: those with a prompt, or all lines if no line has one."""
    has_prompt = any(PROMPT.match(line) for line in block.lines)
    found = []
    at = 0
    while at < len(block.lines):
        first = at
        line = block.lines[at]
        while line.endswith("\\") and at + 1 < len(block.lines):
            at += 1
            line = line[:-1].rstrip() + " " + block.lines[at].strip()
        at += 1
        match = PROMPT.match(line)
        if match and has_prompt:
            found.append(Command(block, first, match.group(1) or "", match.group(2).strip()))
        elif not has_prompt and line.strip() and not line.startswith("#"):
            found.append(Command(block, first, "", line.strip()))
    return found
