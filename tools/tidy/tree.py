"""The checkout as the rules see it: its files, their text, and what a finding is."""

import re
import subprocess
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path


@dataclass(frozen=True, order=True)
class Finding:
    file: str
    line: int
    rule: str
    text: str

    def __str__(self):
        return f"{self.file}:{self.line}: {self.rule}: {self.text}"


class Tree:
    """`root` is a checkout; only files that git tracks or would add are part of it."""

    def __init__(self, root):
        self.root = Path(root)
        self._text = {}

    @cached_property
    def files(self):
        """Every file, as a path relative to the root with forward slashes, sorted."""
        listed = subprocess.run(
            ["git", "-C", self.root, "ls-files", "-z", "-co", "--exclude-standard"],
            capture_output=True, text=True)
        if listed.returncode == 0:
            names = [n for n in listed.stdout.split("\0") if n]
        else:  # Not a checkout: a source archive.
            names = [str(p.relative_to(self.root)) for p in self.root.rglob("*")]
            names = [n for n in names if not n.startswith(("build/", ".git/"))]
        return sorted(n for n in set(names) if (self.root / n).is_file())

    def matching(self, suffixes, folders=("",)):
        return [f for f in self.files
                if f.endswith(tuple(suffixes)) and f.startswith(tuple(folders))]

    def text(self, name):
        """The file's text; empty for what is not UTF-8 text (pictures, fixtures)."""
        if name not in self._text:
            data = (self.root / name).read_bytes()
            try:
                self._text[name] = "" if b"\0" in data else data.decode()
            except UnicodeDecodeError:
                self._text[name] = ""
        return self._text[name]

    def lines(self, name):
        return list(enumerate(self.text(name).splitlines(), 1))


_TOKEN = re.compile(
    r'//[^\n]*'
    r'|/\*.*?\*/'
    r'|\b(?:u8|u|U|L)?R"(?P<tag>[^()\\\s]{0,16})\(.*?\)(?P=tag)"'
    r'|"(?:\\.|[^"\\\n])*"'
    r"|(?<![0-9a-fA-F])'(?:\\.|[^'\\\n])+'",  # Not the separator in 1'000.
    re.S)


def without_comments_and_strings(source):
    """C++ source with comments, strings and characters blanked; every line keeps its number."""
    return _TOKEN.sub(lambda m: re.sub(r"[^\n]", " ", m.group()), source)
