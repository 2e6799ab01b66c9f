#!/usr/bin/env python3
"""usage: embed.py OUTPUT.c FILE...
Writes C source that defines manual_files[] (src/rosenpass/manual.h): the contents of the files, each under
its name without folder, each with a zero after it."""
import os
import sys

BYTES_A_LINE = 16


def main():
    if sys.argv[1:2] in (["-h"], ["--help"]):
        print(__doc__)
        sys.exit(0)
    if len(sys.argv) < 3:
        print(__doc__.splitlines()[0], file=sys.stderr)
        sys.exit(2)
    lines = ['#include "rosenpass/manual.h"', ""]
    entries = []
    for number, path in enumerate(sys.argv[2:]):
        with open(path, "rb") as file:
            data = file.read()
        lines.append(f"static const char file_{number}[] = {{")
        ended = data + b"\0"
        for start in range(0, len(ended), BYTES_A_LINE):
            # A plain char may have a sign: octal escapes fit either way.
            row = ", ".join(f"'\\{byte:03o}'" for byte in ended[start:start + BYTES_A_LINE])
            lines.append(f"\t{row},")
        lines += ["};", ""]
        entries.append(f'\t{{ "{os.path.basename(path)}", file_{number}, {len(data)} }},')
    lines += ["const struct manual_file manual_files[] = {", *entries, "\t{ 0 },", "};"]
    with open(sys.argv[1], "w", encoding="ascii") as file:
        file.write("\n".join(lines) + "\n")


main()
