"""Lists the messages of the programs as a Markdown table, from the sources; messages.sh starts it and explains it.

The line of a message names its level and, if the sources say so in a comment beside it, when it appears. messages.txt says
for each file what the program does at that time.
"""
import os
import re
import sys

SKIPPED = ("src/crypto", "src/protocol")
LEVELS = {f"log_{name}": name for name in ("error", "warn", "info", "debug", "trace")}
DETAIL = "detail"
# Functions that take a whole message, or the beginning of one, and no format.
PLAIN = {"usage_error": 0, "say": 0}
# They print a status or a request, not a message.
NO_MESSAGE = {"put", "make_text", "make_line", "write_now", "append"}
CALL = re.compile(r"\b([a-z_]\w*)\s*\(")
STRING = re.compile(r'"((?:\\.|[^"\\\n])*)"')
CONVERSION = re.compile(r"%(?:%|[-+ #0]*(?:\*|\d+)?(?:\.(?:\*|\d+))?(?:hh|h|ll|l|z|j)?[a-zA-Z])")


def matching_end(text, start):
    """The place after the parenthesis that closes the one at start."""
    depth = 0
    at = start
    while at < len(text):
        c = text[at]
        if c in "\"'":
            at += 1
            while text[at] != c:
                at += 2 if text[at] == "\\" else 1
        elif c == "(":
            depth += 1
        elif c == ")":
            depth -= 1
            if depth == 0:
                return at + 1
        at += 1
    raise ValueError("a parenthesis is not closed")


def split_arguments(text):
    arguments = []
    depth = 0
    start = at = 0
    while at < len(text):
        c = text[at]
        if c in "\"'":
            at += 1
            while text[at] != c:
                at += 2 if text[at] == "\\" else 1
        elif c in "([{":
            depth += 1
        elif c in ")]}":
            depth -= 1
        elif c == "," and depth == 0:
            arguments.append(text[start:at].strip())
            start = at + 1
        at += 1
    arguments.append(text[start:].strip())
    return arguments


def unescape(text):
    return text.replace('\\"', '"').replace("\\\\", "\\").replace("\\n", " ").replace("\\t", " ")


def joined_strings(text, macros):
    """The text of adjacent strings, with macros that stand for a string or a conversion."""
    out = []
    for token in re.findall(r'"(?:\\.|[^"\\\n])*"|PRI[a-zA-Z0-9]+|\b[A-Z][A-Z_0-9]{2,}\b', text):
        if token.startswith('"'):
            out.append(unescape(token[1:-1]))
        elif token.startswith("PRI"):
            out.append("u")
        else:
            out.append(macros.get(token, token))
    return "".join(out)


def placeholder(argument, macros):
    """What stands in the place of an argument: its alternatives if it has some, else its name in capitals."""
    strings = [joined_strings(part, macros) for part in re.findall(r'(?:"(?:\\.|[^"\\\n])*"\s*)+', argument)]
    if "?" in argument and strings:
        chosen = [string for string in strings if string.strip()]
        has_other = len(strings) < argument.count(":") + 1 or len(chosen) < len(strings)
        if len(chosen) == 1 and has_other and len(strings) > 1:
            return "[" + chosen[0] + "]"
        if chosen:
            return "{" + "|".join(chosen) + ("|..." if len(strings) <= argument.count(":") else "") + "}"
    if argument.startswith("place_call("):
        return "{" + "|".join(strings) + "}"
    if argument.startswith('"'):
        return joined_strings(argument, macros)
    if "strerror" in argument:
        return "ERROR"
    argument = re.sub(r"^\((?:[a-z_]+ )*[a-z_0-9]+\)", "", argument)
    numbers = re.search(r"\? (\d+) : (\d+)\)?$", argument)
    if numbers:
        return "{" + "|".join(numbers.groups()) + "}"
    names = re.findall(r"[a-zA-Z_]\w*", re.sub(r"\[[^]]*\]|\([^()]*\)$", "", argument))
    name = names[-1] if names else "NUMBER"
    if name == "peer_label" or argument.endswith("->label"):
        return "PEER"
    # A limit that is a macro is known here.
    return "PROGRAM" if name == "log_name" else macros.get(name, name.upper())


def fill(text, arguments, macros):
    rest = list(arguments)

    def one(match):
        conversion = match.group()
        if conversion == "%%":
            return "%"
        if "*" in conversion and rest:
            rest.pop(0)
        return placeholder(rest.pop(0), macros) if rest else "..."

    return re.sub(r"\s+", " ", CONVERSION.sub(one, text)).strip()


def printf_functions(sources):
    """Functions that are declared to take a format: name, or (path, name) of a static one, and the format's place."""
    found = {}
    for path, text in sources.items():
        for match in re.finditer(r"^(static )?[a-z][\w *]*?\b([a-z_]\w*)\([^;{}]*?\)\s*"
                                 r"__attribute__\(\(format\(printf, (\d+), [1-9]", text, re.MULTILINE):
            is_static, name = match.group(1) is not None, match.group(2)
            if name not in NO_MESSAGE and not name.startswith("log_"):
                found[(path, name) if is_static else name] = int(match.group(3)) - 1
    return found


def first_sentence(comment):
    text = re.sub(r"\s*\n\s*\*?\s*", " ", comment.strip("/* \n\t")).strip()
    match = re.match(r"(.*?[.:;])(?:\s|$)", text)
    return (match.group(1) if match else text).rstrip(".:;")


def comment_before(text, at):
    """The comment that stands directly before the statement at this place, or before the if that it belongs to."""
    before = text[:at].rstrip()
    for _ in range(2):
        if before.endswith("*/"):
            start = before.rfind("/*")
            return first_sentence(before[start:])
        # The condition of an if that the statement belongs to.
        line = before[before.rfind("\n") + 1:].strip()
        if not re.match(r"(\} )?(if|else|while|case|default)\b", line):
            return ""
        before = before[:before.rfind("\n")].rstrip()
    return ""


def level_of(name, arguments):
    if name in LEVELS:
        return LEVELS[name]
    words = re.findall(r"LOG_([A-Z]+)", arguments[0])
    return " or ".join(word.lower() for word in words) if words else DETAIL


def messages_of(path, text, functions, macros):
    """Yields place, level, message, comment."""
    for match in CALL.finditer(text):
        name = match.group(1)
        where = functions.get((path, name), functions.get(name))
        is_log = name in LEVELS or name == "log_write"
        is_problem = name == "snprintf" and path != "src/rp/status.c" and re.match(r"[^,]*\b(problem|last_error|words|why)\b", text[match.end():])
        if not (is_log or is_problem or where is not None or name in PLAIN):
            continue
        line = text[text.rfind("\n", 0, match.start()) + 1:match.start()]
        if re.match(r"(static|int|void|bool|#define|const|struct)\b", line) or "/*" in line:
            continue
        end = matching_end(text, match.end() - 1)
        arguments = split_arguments(text[match.end():end - 1])
        at = 1 if name == "log_write" else 0 if is_log else 2 if is_problem else where if where is not None else PLAIN[name]
        if len(arguments) <= at:
            continue
        chosen = arguments[at]
        level = level_of(name, arguments) if is_log else DETAIL
        comment = comment_before(text, text.rfind("\n", 0, match.start()) + 1)
        if "?" in STRING.sub('""', chosen):
            alternatives = re.findall(r'(?:(?:"(?:\\.|[^"\\\n])*"|PRI\w+)\s*)+', chosen)
        else:
            alternatives = [chosen]
        for alternative in alternatives:
            if '"' not in alternative:
                continue
            message = fill(joined_strings(alternative, macros), arguments[at + 1:], macros)
            if name in PLAIN and len(arguments) > at + 1:
                message += " ..." if message else ""
            if re.search(r"[a-z]", message) and message.count(" ") >= 1:
                yield text.count("\n", 0, match.start()) + 1, level, message, comment
    for match in re.finditer(r"\b(?:return|problem =|words =|reason =|error =)\s+([^;{}]*?);", text):
        for part in re.findall(r'(?:"(?:\\.|[^"\\\n])*"\s*)+', match.group(1)):
            message = fill(joined_strings(part, macros), [], macros)
            # A call in which the string is an argument was found above, or prints something else.
            if message.count(" ") >= 2 and "(" not in STRING.sub("", match.group(1)):
                yield (text.count("\n", 0, match.start()) + 1, DETAIL, message,
                       comment_before(text, text.rfind("\n", 0, match.start()) + 1))


def read_sources(root):
    sources = {}
    for folder, folders, names in os.walk(os.path.join(root, "src")):
        folders.sort()
        for name in sorted(names):
            path = os.path.relpath(os.path.join(folder, name), root)
            if name.endswith((".c", ".h")) and not path.startswith(SKIPPED):
                with open(os.path.join(folder, name)) as file:
                    sources[path] = file.read()
    return sources


def read_times(path):
    times = {}
    with open(path) as file:
        for line in file:
            if line.strip() and not line.startswith("#"):
                name, time = line.rstrip("\n").split("\t", 1)
                times[name] = time.strip()
    return times


def program_of(path):
    return {"src/rosenpass": "rosenpass", "src/rp": "rp"}.get(os.path.dirname(path), "rosenpass, rp")


def cell(text):
    return text.replace("|", "\\|").replace("<", "&lt;").replace(">", "&gt;")


def macros_of(text):
    """Macros that stand for a string or a number."""
    strings = re.finditer(r'^#define ([A-Z][A-Z_0-9]+)\s+((?:"(?:\\.|[^"\\\n])*"\s*)+)$', text, re.MULTILINE)
    numbers = re.finditer(r"^#define ([A-Z][A-Z_0-9]+)\s+(\d+)\b", text, re.MULTILINE)
    return {**{match.group(1): joined_strings(match.group(2), {}) for match in strings},
            **{match.group(1): match.group(2) for match in numbers}}


def read_headers(root):
    path = os.path.join(root, "include", "rosenpass.h")
    with open(path) as file:
        return [(path, file.read())]


def table(root, times):
    sources = read_sources(root)
    functions = printf_functions(sources)
    shared = {}
    for path, text in list(sources.items()) + read_headers(root):
        if path.endswith(".h"):
            shared.update(macros_of(text))
    lines = []
    count = 0
    for path in sorted(sources):
        if not path.endswith(".c"):
            continue
        rows = []
        macros = {**shared, **macros_of(sources[path])}
        for _, level, message, comment in sorted(set(messages_of(path, sources[path], functions, macros))):
            row = f"| {level} | {cell(message)} | {cell(comment)} |"
            if row not in rows:
                rows.append(row)
        if not rows:
            continue
        time = times.get(path) or times.get(os.path.dirname(path) + "/")
        if time is None:
            raise ValueError(f"messages.txt does not say what happens in {path}")
        count += len(rows)
        lines += ["", f"## {path}", "", f"Program: {program_of(path)}. When: {time}.", "", "| level | message | note |",
                  "|---|---|---|"] + rows
    return count, lines


HEAD = """# Messages

Every line that `rosenpass` and `rp` log, and every error that they explain, by the source file that has it. This file
is made by `tests/check/messages.sh . --write`; a test fails if it is out of date.

- The level is that of `--log-level`. A `detail` is a part of a line: a log line, an answer of a command, or
  `rosenpass status` contains it, after the file, the line or the peer that it is about.
- Words in capitals stand for a name, a number or another text. PEER is the peer's name, or its number. ERROR is the text
  of the system's error. `{a|b}` is one of these, `[a]` is there or not, `...` is a text from elsewhere.
- The note is the comment at that place of the source, if there is one."""


def main():
    root, times, wanted, write = sys.argv[1], sys.argv[2], sys.argv[3], len(sys.argv) > 4
    try:
        count, lines = table(root, read_times(times))
    except ValueError as error:
        print(error, file=sys.stderr)
        return 1
    text = "\n".join([HEAD] + lines) + "\n"
    if write:
        with open(wanted, "w") as file:
            file.write(text)
    with open(wanted) as file:
        present = file.read()
    if present != text:
        old, new = present.split("\n"), text.split("\n")
        print("doc/messages.md is out of date; tests/check/messages.sh . --write renews it", file=sys.stderr)
        for line in [f"- {line}" for line in old if line not in new] + [f"+ {line}" for line in new if line not in old]:
            print(line, file=sys.stderr)
        return 1
    print(f"{count} messages")
    return 0


if __name__ == "__main__":
    sys.exit(main())
