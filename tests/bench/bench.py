"""tools/bench: server CPU microseconds per request, Atoll's next to its peers'; and studies of what
one figure per request does not say: neighbours, density, cold starts, crowds.

CPU time, not wall time: the machine is shared, and a cheaper request is what fits more of them on
a node. Runs alternate between the contestants, so that a noisy minute meets all of them.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
from pathlib import Path

import contestants
import fleet_rows
import load
from rows import ROWS
from study_coldstart import ColdStart
from study_crowd import ManyTenants
from study_density import Density
from study_noisy import Noisy
from study_tools import Tools

TOP = Path(__file__).resolve().parents[2]
OUT = TOP / "build" / "bench"
STUDIES = (Noisy(), Density(), ColdStart(), ManyTenants(), Tools())
CLOSE = 1.15  # Nearer than this is a draw: the machine is good to about 15 %.


def run_row(row, options):
    """{contestant: {"samples": [...]} or {"absent": why}}"""
    results, running = {}, []
    try:
        for kind in contestants.ALL:
            if kind.name not in options.peers or (kind.name != "atoll" and not row.peers):
                continue
            contestant = kind(row, row.protocol)
            try:
                contestant.start()
                absent = load.check(contestant, row)
            except (RuntimeError, OSError) as error:
                absent = str(error).split("\n")[0]
            if absent:
                results[kind.name] = {"absent": absent}
                contestant.stop()
            else:
                results[kind.name] = {"samples": []}
                running.append(contestant)
        measure_in_turn(row, options, running, results)
    finally:
        for contestant in running:
            contestant.stop()
    return results


def measure_in_turn(row, options, running, results):
    for contestant in running:  # Warm: compiled, caches full.
        load.measure(contestant, row, 1)
    for turn in range(options.runs):
        for contestant in running:
            load.wait_for_quiet(options.wait_for_quiet)
            try:
                sample = load.measure(contestant, row, options.seconds)
            except load.LoadError as error:
                results[contestant.name] = {"absent": f"errors under load: {error}"}
                running.remove(contestant)
                contestant.stop()
                return measure_in_turn(row, options, running, results)
            results[contestant.name]["samples"].append(sample.json())
            print(f"    {row.name} {turn + 1}/{options.runs} {contestant.name}: "
                  f"{sample.micros:.1f} us", file=sys.stderr, flush=True)


def summary(entry):
    figures = [s["micros"] for s in entry.get("samples", [])]
    if not figures:
        return None
    return {"median": statistics.median(figures), "min": min(figures), "max": max(figures)}


def figure(entry):
    if "absent" in entry:
        return "n/a"
    one = summary(entry)
    return f"{one['median']:.1f} ({one['min']:.1f}..{one['max']:.1f})"


def verdict(results):
    """The ratios of Atoll's median to each peer's, and in words what they say."""
    ours = summary(results.get("atoll", {}))
    if not ours:
        return "no figure for atoll: " + results.get("atoll", {}).get("absent", "not run")
    words, losses = [], []
    for name, entry in results.items():
        theirs = summary(entry)
        if name == "atoll" or not theirs:
            continue
        ratio = ours["median"] / theirs["median"]
        words.append(f"{ratio:.2f}x {name}")
        if ratio > 1:
            losses.append(name + (" (within the noise)" if ratio < CLOSE else ""))
    said = f"LOSES to {', '.join(losses)}" if losses else "no peer is cheaper" if words else ""
    return "; ".join(filter(None, [" ".join(words), said]))


def print_table(measured, names):
    width = 26
    print("\nserver CPU, us per request: median (min..max); atoll's ratio to each peer")
    print(f"{'row':10}" + "".join(f"{name:>{width}}" for name in names))
    for row, results in measured:
        cells = (figure(results[n]) if n in results else "-" for n in names)
        print(f"{row.name:10}" + "".join(f"{cell:>{width}}" for cell in cells))
    print()
    for row, results in measured:
        print(f"{row.name:10} {row.about}")
        print(f"{'':10} {verdict(results)}")
        for name, entry in results.items():
            if "absent" in entry:
                print(f"{'':10} {name}: {entry['absent']}")


def parse(words):
    names = [kind.name for kind in contestants.ALL]
    parser = argparse.ArgumentParser(
        prog="tools/bench", formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog="rows:\n" + "\n".join(f"  {r.name:12} {r.about}"
                                     for r in (*ROWS, *STUDIES, *fleet_rows.FLEET_ROWS)))
    parser.add_argument("row", nargs="*", help="the rows to run; all if none is named")
    parser.add_argument("--minutes", type=float, default=0.5, help="length of the crowd row (0.5)")
    parser.add_argument("--runs", type=int, default=5, help="runs of each contestant (5)")
    parser.add_argument("--seconds", type=int, default=4, help="length of a run (4)")
    parser.add_argument("--peers", type=lambda t: t.split(","), default=names,
                        help=f"who runs, of {','.join(names)}")
    parser.add_argument("--wait-for-quiet", type=float, default=0, metavar="SECONDS",
                        help="before each run, wait until the machine is idle, at most so long")
    fleet_rows.add_options(parser)
    options = parser.parse_args(words)
    known = [row.name for row in (*ROWS, *STUDIES, *fleet_rows.FLEET_ROWS)]
    if unknown := [n for n in options.row if n not in known]:
        parser.error(f"no row {unknown[0]}; there are: {' '.join(known)}")
    if unknown := [n for n in options.peers if n not in names]:
        parser.error(f"no contestant {unknown[0]}; there are: {' '.join(names)}")
    return options


def main():
    options = parse(sys.argv[1:])
    if len(os.sched_getaffinity(0)) < 2:
        sys.exit("tools/bench needs two CPUs: one for the server, one for the load")
    if "atoll" in options.peers:
        subprocess.run([TOP / "tools/build", "release", "atolld", "atoll"], check=True)
    OUT.mkdir(parents=True, exist_ok=True)
    measured = []
    for row in ROWS:
        if options.row and row.name not in options.row:
            continue
        results = run_row(row, options)
        measured.append((row, results))
        report = {"row": row.name, "about": row.about, "unit": "server CPU us per request",
                  "seconds": options.seconds, "results": results,
                  "summary": {name: summary(entry) for name, entry in results.items()},
                  "verdict": verdict(results)}
        (OUT / f"{row.name}.json").write_text(json.dumps(report, indent=1) + "\n")
    if measured:
        print_table(measured, options.peers)
    run_studies(options)
    print("\n".join(fleet_rows.run(options.row, options, OUT)))


def run_studies(options):
    for study in STUDIES:
        if options.row and study.name not in options.row:
            continue
        report = {"row": study.name, "about": study.about, **study.run(options)}
        (OUT / f"{study.name}.json").write_text(json.dumps(report, indent=1) + "\n")
        print(f"\n{study.name:10} {study.about}")
        for line in report["lines"]:
            print(f"{'':10} {line}", flush=True)


if __name__ == "__main__":
    main()
