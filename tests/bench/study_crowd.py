"""crowd: many more tenants than the node may hold isolates for, some asked far more than others."""

import bisect
import itertools
import random
import sys
import time

from askers import spread
from crowd import AtollCrowd
from support import http1

TENANTS = 10_000
ROOM = 500
SKEW = 1.0
SOURCE = ("let n = 0; export default {{ fetch: () => new Response(`${{n++ ? 'warm' : 'cold'}} {}`) "
          "}};\n")
MB = 1 << 20


class ManyTenants:
    name = "crowd"
    about = (f"{TENANTS:,} deployed tenants, Zipf arrivals, room for {ROOM} isolates: errors, hit "
             "rate, latency by temperature, memory (--minutes 10 for the long form)")

    def run(self, options):
        if "atoll" not in options.peers:
            return {"results": {}, "lines": ["not run"]}
        crowd = AtollCrowd(f"[script]\nisolates_max = {ROOM}\n")
        try:
            start = time.monotonic()
            crowd.start({f"t{n}": SOURCE.format(n) for n in range(TENANTS)})
            deploy = time.monotonic() - start
            print(f"    crowd: {TENANTS} deployed in {deploy:.0f} s", file=sys.stderr, flush=True)
            crowd.restart()
            found = self._ask(crowd, options.minutes * 60)
        finally:
            crowd.stop()
        found["deploy_ms"] = round(deploy / TENANTS * 1e3, 2)
        return {"results": {"atoll": found}, "lines": self._lines(found)}

    def _ask(self, crowd, seconds):
        order = list(range(TENANTS))
        chance = random.Random(1)
        chance.shuffle(order)
        sums = list(itertools.accumulate(1 / (rank + 1) ** SKEW for rank in range(TENANTS)))
        latencies, errors, memory = {"cold": [], "warm": []}, {}, []
        start = time.monotonic()
        with http1.Connection(crowd.server.http) as connection:
            while (now := time.monotonic() - start) < seconds:
                if now * 20 / seconds >= len(memory):
                    memory.append(round(crowd.resident_bytes() / MB))
                name = f"t{order[bisect.bisect(sums, chance.random() * sums[-1])]}"
                begin = time.monotonic()
                connection.send(f"GET / HTTP/1.1\r\nHost: {name}.localhost\r\n\r\n")
                answer = connection.read_response()
                elapsed = time.monotonic() - begin
                kind, _, number = answer.text().partition(" ")
                if answer.status != 200 or f"t{number}" != name:
                    key = f"{answer.status} {answer.get('atoll-error')}"
                    errors[key] = errors.get(key, 0) + 1
                else:
                    latencies[kind].append(elapsed)
        count = sum(map(len, latencies.values()))
        return {"requests": count, "errors": errors, "hit_rate": len(latencies["warm"]) / count,
                "warm_ms": spread(latencies["warm"]), "cold_ms": spread(latencies["cold"]),
                "memory_mb": memory, "isolates": crowd.metric("atoll_isolates"),
                "evicted": crowd.metric("atoll_isolates_evicted_total")}

    def _lines(self, found):
        memory = found["memory_mb"]
        half = memory[len(memory) // 2:]
        flat = max(half) <= 1.1 * half[0]
        return [f"{found['requests']} requests, " +
                (f"ERRORS: {found['errors']}" if found["errors"] else "no errors") +
                f", {found['hit_rate']:.1%} warm, {found['evicted']:.0f} evicted, "
                f"{found['isolates']:.0f} isolates at the end",
                f"warm {found['warm_ms']}", f"cold {found['cold_ms']}",
                f"memory in MB: {memory}: " +
                ("flat in the second half" if flat else "it GROWS in the second half")]
