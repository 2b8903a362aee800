// Performance marks and measures. https://w3c.github.io/user-timing/

interface PerformanceEntry {
  readonly id: number;
  readonly name: string;
  readonly entryType: string;
  readonly startTime: number;
  readonly duration: number;
  readonly navigationId: number;
  toJSON(): any;
}
declare var PerformanceEntry: {
  prototype: PerformanceEntry;
  new (): never;
};
interface PerformanceMarkOptions {
  detail?: any;
  startTime?: number;
}
interface PerformanceMark extends PerformanceEntry {
  readonly detail: any;
}
declare var PerformanceMark: {
  prototype: PerformanceMark;
  new (name: string, options?: PerformanceMarkOptions): PerformanceMark;
};
interface PerformanceMeasureOptions {
  detail?: any;
  start?: string | number;
  end?: string | number;
  duration?: number;
}
interface PerformanceMeasure extends PerformanceEntry {
  readonly detail: any;
}
declare var PerformanceMeasure: {
  prototype: PerformanceMeasure;
  new (): never;
};
interface Performance extends EventTarget {
  readonly timeOrigin: number;
  now(): number;
  mark(name: string, options?: PerformanceMarkOptions): PerformanceMark;
  measure(name: string, startOrOptions?: string | PerformanceMeasureOptions,
    endMark?: string): PerformanceMeasure;
  clearMarks(name?: string): void;
  clearMeasures(name?: string): void;
  getEntries(): PerformanceEntry[];
  getEntriesByType(type: string): PerformanceEntry[];
  getEntriesByName(name: string, type?: string): PerformanceEntry[];
  toJSON(): any;
}
declare var Performance: {
  prototype: Performance;
  new (): never;
};
declare var performance: Performance;

interface PerformanceObserverEntryList {
  getEntries(): PerformanceEntry[];
  getEntriesByType(type: string): PerformanceEntry[];
  getEntriesByName(name: string, type?: string): PerformanceEntry[];
}
declare var PerformanceObserverEntryList: {
  prototype: PerformanceObserverEntryList;
  new (): never;
};
interface PerformanceObserverInit {
  entryTypes?: string[];
  type?: string;
  buffered?: boolean;
}
interface PerformanceObserver {
  observe(options?: PerformanceObserverInit): void;
  disconnect(): void;
  takeRecords(): PerformanceEntry[];
}
declare var PerformanceObserver: {
  prototype: PerformanceObserver;
  new (callback: (entries: PerformanceObserverEntryList, observer: PerformanceObserver) => void):
    PerformanceObserver;
  readonly supportedEntryTypes: readonly string[];
};
