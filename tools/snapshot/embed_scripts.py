#!/usr/bin/env python3
"""embed_scripts.py MANIFEST NODE OUTPUT: writes the C++ table of built-in scripts.

The manifest names one script a line, relative to the manifest's parent folder ("web/url.js"), in
the order they run into the snapshot; "lazy" in front of it means on first use. The texts become
part of the binary: V8 reads them in place, so they must be ASCII. They are strict code. NODE is
what bundle_node.py made: lazy scripts that come as they are.
"""

import json
import sys
from pathlib import Path



def read_manifest(manifest):
    """[(name, eager)] in order."""
    scripts = []
    for number, line in enumerate(manifest.read_text().splitlines(), 1):
        words = line.split("#")[0].split()
        if not words:
            continue
        kind, name = words if len(words) == 2 else ("eager", *words)
        if kind not in ("eager", "lazy") or len(words) > 2:
            sys.exit(f"{manifest}:{number}: want '[eager|lazy] web/name.js', not '{line}'")
        scripts.append((name, kind == "eager"))
    names = [name for name, _ in scripts]
    if len(set(names)) != len(names):
        sys.exit(f"{manifest}: a script is named twice")
    return scripts


def literal(text):
    """The text as adjacent C++ string literals, one a line."""
    escapes = {'"': '\\"', "\\": "\\\\", "\t": "\\t", "\r": "\\r",
               "?": "\\?"}  # "??=" would be a trigraph.
    lines = []
    for line in text.split("\n"):
        body = "".join(escapes.get(char, char) for char in line)
        lines.append(f'    "{body}\\n"')
    return "\n".join(lines)


def main():
    manifest, node, output = map(Path, sys.argv[1:4])
    parts = ["// Made by tools/snapshot/embed_scripts.py.",
             '#include "isolate/builtin_scripts.h"', "",
             "#include <array>", "", "namespace atolld::isolate {", "namespace {", "",
             "using namespace std::string_view_literals;", "",
             "constexpr auto kScripts = std::to_array<WebScript>({"]
    for name, eager in read_manifest(manifest):
        path = manifest.parent.parent / name
        try:
            text = '"use strict"; ' + path.read_bytes().decode("ascii")
        except UnicodeDecodeError as error:
            sys.exit(f"{path}: byte {error.start} is not ASCII: write it as an escape (\\u....)")
        parts.append(f'    {{"{name}",\n{literal(text)}\n    ""sv, {str(eager).lower()}}},')
    for name, text in json.loads(node.read_text()).items():
        parts.append(f'    {{"{name}",\n{literal(text)}\n    ""sv, false}},')
    parts += ["});", "", "}  // namespace", "",
              "std::span<const WebScript> builtinScripts() { return kScripts; }", "",
              "}  // namespace atolld::isolate", ""]
    output.write_text("\n".join(parts))


if __name__ == "__main__":
    main()
