"""What is expected to fail, one file per area in expected/: a line for each subtest,

    path?variant | subtest | reason

where a subtest that ends in * stands for all that begin so, and * alone for whatever fails in the
file. A reason that begins with "nobody:" marks what no server has: a browser's own, or a proposal;
one that begins with "forbidden:" what this server must not have (memory that isolates share). The
rates leave both out and the table counts them apart. "endless:" is a whole file, failed without
being run: it waits for what does not come about here. Every line must still fail and every failure
must have a line, so the lists can only shrink."""

import collections
import json
from pathlib import Path

FOLDER = Path(__file__).with_name("expected")
APART = ("nobody:", "forbidden:")
NEW_REASON = "not yet looked at"
# A file with more failures than these is written as one line.
FILE_FAILURES_MAX = 40

Line = collections.namedtuple("Line", "file subtest reason")


def escaped(name):
    """A subtest's name on one line, in ASCII."""
    return json.dumps(name)[1:-1].replace("|", "\\u007c")


def path_of(area):
    return FOLDER / f"{area}.txt"


def load(area):
    if not path_of(area).exists():
        return []
    lines = []
    for number, text in enumerate(path_of(area).read_text().splitlines(), 1):
        if not text.strip() or text.startswith("#"):
            continue
        parts = text.split(" | ")
        if len(parts) != 3 or not parts[2].strip():
            raise ValueError(f"{path_of(area)}:{number}: not 'path | subtest | reason'")
        lines.append(Line(*parts))
    return lines


def endless():
    """The files that are not run."""
    return {line.file for path in FOLDER.glob("*.txt") for line in load(path.stem)
            if line.reason.startswith("endless:")}


def counted(area, results):
    """Results that count in an area's rate."""
    known = Expected(load(area))
    lines = {result: known.find(result) for result in results}
    return [r for r in results if not (lines[r] and lines[r].reason.startswith(APART)
                                       and r.status != "PASS")]


class Expected:
    """The lines of an area, and which of them were seen to fail."""

    def __init__(self, lines):
        self.exact = {(l.file, l.subtest): l for l in lines if not l.subtest.endswith("*")}
        self.prefixes = collections.defaultdict(list)
        for line in lines:
            if line.subtest.endswith("*"):
                self.prefixes[line.file].append(line)

    def find(self, result):
        name = escaped(result.subtest)
        exact = self.exact.get((result.file, name))
        if exact:
            return exact
        return next((line for line in self.prefixes.get(result.file, ())
                     if name.startswith(line.subtest[:-1])), None)


def compare(lines, results):
    """(failures that have no line, passes that have one, lines that nothing ran for)."""
    expected = Expected(lines)
    failures, passes, used = [], [], set()
    for result in results:
        line = expected.find(result)
        if result.status == "PASS":
            if line and line.subtest != "*":
                passes.append(result)
                used.add(line)
        elif line:
            used.add(line)
        else:
            failures.append(result)
    return failures, passes, [line for line in lines if line not in used]


def update(area, results):
    """Writes the failures of a whole area's run, with the reasons that are there already."""
    old = Expected(load(area))
    by_file = collections.defaultdict(list)
    for result in results:
        by_file[result.file].append(result)
    lines = set()
    for file, of_file in by_file.items():
        failed = [result for result in of_file if result.status != "PASS"]
        said = {old.find(result) for result in failed}
        if said and None not in said and all(line.subtest.endswith("*") for line in said):
            lines |= said  # What was said of many still says it all.
            continue
        if len(failed) > FILE_FAILURES_MAX or len(failed) == len(of_file) > 1:
            known = old.find(failed[0])
            lines.add(Line(file, "*", known.reason if known else NEW_REASON))
            continue
        for result in failed:
            known = old.find(result)
            prefix = known and known.subtest.endswith("*") and known.subtest != "*"
            if prefix and not any(r.status == "PASS" and old.find(r) == known for r in of_file):
                lines.add(known)
            else:
                lines.add(Line(file, escaped(result.subtest),
                               known.reason if known else NEW_REASON))
    write(path_of(area), lines)


def write(path, lines):
    """Grouped by reason."""
    groups = collections.defaultdict(list)
    for line in lines:
        groups[line.reason].append(line)
    text = ""
    for reason, group in sorted(groups.items()):
        text += f"\n# {reason}\n" + "".join(f"{' | '.join(line)}\n" for line in sorted(group))
    if text:
        path.write_text(text.lstrip("\n"))
    else:
        path.unlink(missing_ok=True)
