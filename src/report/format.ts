/** Numbers as people read them; the same on every host. */
const NS_PER_MS = 1_000_000;
const NS_PER_S = 1_000_000_000;

/** A moment on the run's axis: `12.481 s`. */
export function formatTime(ns: number): string {
  return `${(ns / NS_PER_S).toFixed(3)} s`;
}

export function formatDuration(ns: number): string {
  if (ns < 1_000) return `${ns} ns`;
  if (ns < NS_PER_MS) return `${Math.round(ns / 1_000)} µs`;
  if (ns < 100 * NS_PER_MS) return `${(ns / NS_PER_MS).toFixed(1)} ms`;
  if (ns < NS_PER_S) return `${Math.round(ns / NS_PER_MS)} ms`;
  if (ns < 120 * NS_PER_S) return `${(ns / NS_PER_S).toFixed(1)} s`;
  const seconds = Math.round(ns / NS_PER_S);
  if (seconds < 7_200) return `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
  return `${Math.floor(seconds / 3_600)} h ${Math.floor((seconds % 3_600) / 60)} min`;
}

/** Thin spaces between groups of three. */
export function formatCount(count: number): string {
  return String(count).replace(/\B(?=(\d{3})+$)/g, '\u202f');
}

export function plural(count: number, singular: string, many = `${singular}s`): string {
  return `${formatCount(count)} ${count === 1 ? singular : many}`;
}

export function formatShare(share: number): string {
  if (share === 1) return '100 %';
  const percent = Math.min(99.99, share * 100);
  return `${percent.toFixed(percent >= 99 ? 2 : 1)} %`;
}
