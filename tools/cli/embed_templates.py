#!/usr/bin/env python3
"""embed_templates.py OUTPUT FOLDER...: writes the C++ table of what `atoll init` makes.

A folder is a template by its name, with every file in it.
"""

import sys
from pathlib import Path


def literal(data):
    """The bytes as adjacent C++ string literals; three octal digits end where they end."""
    plain = {ord('"'): '\\"', ord("\\"): "\\\\", ord("?"): "\\?", ord("\n"): "\\n"}
    lines = []
    for line in data.splitlines(keepends=True):
        body = "".join(plain.get(byte) or (chr(byte) if 32 <= byte < 127 else f"\\{byte:03o}")
                       for byte in line)
        lines.append(f'      "{body}"')
    return "\n".join(lines)


def main():
    parts = ["// Made by tools/cli/embed_templates.py.", '#include "templates.h"', "",
             "#include <array>", "", "namespace atolld::cli {", "namespace {", "",
             "using namespace std::string_view_literals;", "",
             "constexpr auto kFiles = std::to_array<TemplateFile>({"]
    for folder in map(Path, sys.argv[2:]):
        for file in sorted(folder.rglob("*")):
            if file.is_file():
                name = file.relative_to(folder).as_posix()
                data = literal(file.read_bytes())
                parts.append(f'    {{"{folder.name}", "{name}",\n{data}\n      ""sv}},')
    parts += ["});", "", "}  // namespace", "",
              "std::span<const TemplateFile> templateFiles() { return kFiles; }", "",
              "}  // namespace atolld::cli", ""]
    Path(sys.argv[1]).write_text("\n".join(parts))


if __name__ == "__main__":
    main()
