#!/usr/bin/env python3
"""The house rules, checked. Prints "file:line: rule: text" for each finding; exit 1 if any.

  tools/env python3 tools/tidy/tidy.py [RULE...]
"""

import sys
from pathlib import Path

import compiled
import layers
import sizes
import text
from tree import Tree

# Each rule by the name it is asked for, with the promise that the suite reports.
RULES = {
    "layer": (layers.includes, "every #include respects the layer table of src/README.md"),
    "charter": (layers.charters, "every module's build file opens with its charter"),
    "file-lines": (sizes.file_lines, f"no file has more than {sizes.FILE_LINES_MAX} lines"),
    "function-lines": (sizes.function_lines,
                       f"no function has more than {sizes.FUNCTION_LINES_MAX} lines"),
    "columns": (sizes.columns, f"no line is wider than {sizes.COLUMNS_MAX} columns"),
    "using-namespace": (text.using_namespace, "no header says using namespace"),
    "checked-conversion": (text.checked_conversions,
                           "no conversion in webapi ends the process when a script makes it fail"),
    "todo": (text.todo, "no TODO is without an owner"),
    "machine-path": (text.machine_paths, "no file names a path of one machine"),
    "registry-host": (text.registry_hosts, "no file names a package registry's host"),
    "ascii": (text.isolate_javascript, "the snapshot's JavaScript is ASCII"),
    "link": (text.readme_links, "every link between the pages leads somewhere"),
    "self-contained": (compiled.headers_alone, "every header compiles alone"),
}
REPORTED = {"format": (compiled.formatting, "every file is as clang-format leaves it")}


def main(names):
    tree = Tree(Path(__file__).resolve().parents[2])
    rules = {**RULES, **REPORTED}
    unknown = [n for n in names if n not in rules]
    if unknown:
        print(f"unknown rule {unknown[0]}; there are: {' '.join(rules)}", file=sys.stderr)
        return 2
    bad = 0
    for name, (rule, _) in rules.items():
        if names and name not in names:
            continue
        for finding in sorted(set(rule(tree))):
            print(finding)
            bad += name in RULES
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
