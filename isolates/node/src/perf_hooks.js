// node:perf_hooks: the platform's performance, and what Node has beside it.
const base = require("unenv/node/perf_hooks").default;

const eventLoopUtilization = () => ({ idle: 0, active: 0, utilization: 0 });
const made = { ...base, performance: globalThis.performance, eventLoopUtilization };
for (const name of ["Performance", "PerformanceEntry", "PerformanceMark", "PerformanceMeasure",
  "PerformanceObserver", "PerformanceObserverEntryList", "PerformanceResourceTiming"]) {
  if (globalThis[name] !== undefined) made[name] = globalThis[name];
}
made.timerify = (callback) => callback;
module.exports = made;
