"""Rules about single lines: what must not be written where."""

import re

from tree import Finding, without_comments_and_strings

# This folder names what it forbids.
_OWN = "tools/tidy/"
_LOCKS = ("package-lock.json",)


def using_namespace(tree):
    for file in tree.matching((".h",)):
        code = without_comments_and_strings(tree.text(file))
        for number, line in enumerate(code.splitlines(), 1):
            if re.search(r"\busing\s+namespace\b", line):
                yield Finding(file, number, "using-namespace", "not in a header")


def checked_conversions(tree):
    """A script can make any conversion fail, and a failed Checked one ends the process."""
    for file in tree.matching((".h", ".cc"), ("src/webapi/",)):
        code = without_comments_and_strings(tree.text(file))
        for number, line in enumerate(code.splitlines(), 1):
            if found := re.search(r"\b(ToLocalChecked|ToChecked|FromJust)\s*\(", line):
                yield Finding(file, number, "checked-conversion",
                              f"{found[1]}: a script can make it fail; use ToLocal or To")


def todo(tree):
    for file in tree.files:
        if file.startswith(_OWN):
            continue
        for number, line in tree.lines(file):
            if found := re.search(r"(?<![\w/-])(TODO|FIXME|XXX|HACK)\b(?!\(\w)", line):
                yield Finding(file, number, "todo", f"without an owner: {found[1]}(name)")


_MACHINE_PATH = re.compile(r"(?<![\w.~})-])/(root|work|home)/[\w.]")


def machine_paths(tree):
    for file in tree.files:
        if file.startswith(_OWN):
            continue
        for number, line in tree.lines(file):
            if found := _MACHINE_PATH.search(line):
                yield Finding(file, number, "machine-path", line.strip()[:80])


_REGISTRY = re.compile(
    r"registry\.npmjs\.org|registry\.yarnpkg\.com|registry\.npmmirror|\bpypi\.org|"
    r"files\.pythonhosted\.org|\bcrates\.io|proxy\.golang\.org|\bghcr\.io|\bdocker\.io")


def registry_hosts(tree):
    """The caller's own client knows its registry; a host in the tree would override it."""
    for file in tree.files:
        if file.startswith(_OWN):
            continue
        for number, line in tree.lines(file):
            if found := _REGISTRY.search(line):
                yield Finding(file, number, "registry-host", found[0])


def isolate_javascript(tree):
    """What goes into the snapshot is plain ASCII: V8 then keeps it as one-byte strings."""
    for file in tree.matching((".js", ".mjs"), ("isolates/web/",)):
        for number, line in tree.lines(file):
            if not line.isascii():
                yield Finding(file, number, "ascii", line.strip()[:60])


_LINK = re.compile(r"\]\((?!https?://|mailto:|#)([^)#\s]+)")


def readme_links(tree):
    for file in tree.matching((".md",)):
        fenced = False
        for number, line in tree.lines(file):
            fenced ^= line.lstrip().startswith("```")
            for target in [] if fenced else _LINK.findall(line):
                if not (tree.root / file).parent.joinpath(target).exists():
                    yield Finding(file, number, "link", f"{target} does not exist")
