"""density: resident memory of one more warm isolate that has nothing to do."""

import time

from crowd import AtollCrowd, WorkerdCrowd
from support import http1

COUNT = 1000
GOAL_MB = 1.0
SOURCE = "export default {{ fetch: () => new Response('Hello, World! {}') }};\n"
MB = 1 << 20


def _tenants(count):
    return {f"t{number}": SOURCE.format(number) for number in range(count)}


def _call_all(crowd, names):
    for name in names:
        answer = http1.request(crowd.port(name), crowd.host(name))
        if answer.status != 200:
            raise RuntimeError(f"{name} answered {answer.status}")


def _settled_bytes(crowd):
    """Once it has not changed much for some seconds: what is idle is given back late."""
    before, since, deadline = crowd.resident_bytes(), time.monotonic(), time.monotonic() + 60
    while time.monotonic() < deadline and time.monotonic() - since < 6:
        time.sleep(0.5)
        now = crowd.resident_bytes()
        if abs(now - before) > before / 200:
            before, since = now, time.monotonic()
    return crowd.resident_bytes()


def _atoll():
    tenants = _tenants(COUNT)
    crowd = AtollCrowd()
    try:
        crowd.start(tenants, restart=True)
        first, *others = tenants
        _call_all(crowd, [first])
        before = _settled_bytes(crowd)
        _call_all(crowd, others)
        at_once = crowd.resident_bytes()
        after = _settled_bytes(crowd)
        warm = crowd.metric("atoll_isolates_warm")
        if warm < COUNT:
            raise RuntimeError(f"only {warm:.0f} of {COUNT} isolates stayed warm")
    finally:
        crowd.stop()
    return {"mb": (after - before) / (COUNT - 1) / MB,
            "mb_at_once": (at_once - before) / (COUNT - 1) / MB, "process_mb": after / MB}


def _workerd():
    totals = {}
    for count in (1, COUNT):
        tenants, crowd = _tenants(count), WorkerdCrowd()
        (crowd.folder / "spin.wasm").write_bytes(bytes.fromhex("0061736d01000000"))
        try:
            crowd.start(tenants)
            _call_all(crowd, tenants)
            totals[count] = _settled_bytes(crowd)
        finally:
            crowd.stop()
    return {"mb": (totals[COUNT] - totals[1]) / (COUNT - 1) / MB, "process_mb": totals[COUNT] / MB}


class Density:
    name = "density"
    about = f"resident memory per idle warm isolate, of {COUNT:,}; goal {GOAL_MB} MB"

    def run(self, options):
        results = {}
        for label, measure in (("atoll", _atoll), ("workerd", _workerd)):
            if label not in options.peers:
                continue
            try:
                results[label] = {k: round(v, 3) for k, v in measure().items()}
            except (RuntimeError, OSError) as error:
                results[label] = {"absent": str(error).split("\n")[0]}
        return {"goal_mb": GOAL_MB, "count": COUNT, "results": results,
                "lines": self._lines(results)}

    def _lines(self, results):
        lines = [f"{label}: {entry}" for label, entry in results.items()]
        ours = results.get("atoll", {}).get("mb")
        theirs = results.get("workerd", {}).get("mb")
        if ours:
            lines.append(f"{ours:.2f} MB each, goal {GOAL_MB} MB " +
                         ("met" if ours <= GOAL_MB else "MISSED"))
        if ours and theirs:
            lines.append(f"{ours / theirs:.2f}x workerd" + (" (LOSES)" if ours > theirs else ""))
        return lines
