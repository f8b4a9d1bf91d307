/** Small helpers that all checkers share: results, hex, times, and the reading of untyped values. */
import { formatHex, parseHex } from '../base/zxid.ts';
import type { HistoryEntry } from './history.ts';
import type { Anomaly, CheckResult, CheckVerdict } from './verdict.ts';

/** More of one kind say nothing new; the summary still counts them all. */
const MAX_ANOMALIES_PER_KIND = 20;

/** Collects what a checker finds and turns it into its result. */
export class Findings {
  looked = 0;
  readonly #anomalies: Anomaly[] = [];
  readonly #byKind = new Map<string, number>();
  readonly #counted = new Map<string, number>();
  readonly #unknown: string[] = [];

  /** A violation. */
  add(anomaly: Anomaly): void {
    const count = (this.#byKind.get(anomaly.kind) ?? 0) + 1;
    this.#byKind.set(anomaly.kind, count);
    if (count <= MAX_ANOMALIES_PER_KIND) this.#anomalies.push(anomaly);
  }

  /** Something that is allowed but worth a number. */
  count(name: string, by = 1): void {
    this.#counted.set(name, (this.#counted.get(name) ?? 0) + by);
  }

  /** Something that keeps the checker from a verdict. */
  leaveOpen(reason: string): void {
    this.#unknown.push(reason);
  }

  result(checker: string, items: string, good: string, details?: unknown): CheckResult {
    const { looked } = this;
    const verdict = this.#verdict();
    const findings = Object.fromEntries(this.#counted);
    return {
      checker,
      verdict,
      looked,
      items,
      summary: this.#summary(verdict, items, good),
      anomalies: this.#anomalies,
      ...(this.#counted.size > 0 ? { findings } : {}),
      ...(details === undefined ? {} : { details }),
    };
  }

  #verdict(): CheckVerdict {
    if (this.#byKind.size > 0) return 'violation';
    if (this.#unknown.length > 0) return 'unknown';
    return this.looked === 0 ? 'not-exercised' : 'pass';
  }

  #summary(verdict: CheckVerdict, items: string, good: string): string {
    switch (verdict) {
      case 'violation': {
        const kinds = [...this.#byKind].map(([kind, count]) => `${count} × ${kind}`).join(', ');
        return `${this.#anomalies[0]?.message ?? ''} (${kinds})`;
      }
      case 'unknown':
        return this.#unknown.join('; ');
      case 'not-exercised':
        return `there were no ${items} to look at`;
      default:
        return `${good} (${this.looked} ${items})`;
    }
  }
}

/** `12.481 s` */
export function formatTime(ns: number): string {
  const ms = Math.round(ns / 1e6);
  const fraction = String(ms % 1000).padStart(3, '0');
  return `${Math.floor(ms / 1000)}.${fraction} s`;
}

/** Undefined where there is no text or it is no hex. */
export function hexOf(value: unknown): bigint | undefined {
  return typeof value === 'string' ? parseHex(value) : undefined;
}

export function field(value: unknown, name: string): unknown {
  if (typeof value !== 'object' || value === null) return undefined;
  return (value as Readonly<Record<string, unknown>>)[name];
}

export function textField(value: unknown, name: string): string | undefined {
  const found = field(value, name);
  return typeof found === 'string' ? found : undefined;
}

/** The client as plans name it; a process number where a history knows no clients. */
export function clientOf(entry: HistoryEntry): string {
  return entry.client === undefined ? `process ${entry.process}` : `client ${entry.client}`;
}

/** `servers 1 and 3` */
export function serversOf(nodes: Iterable<number>): string {
  const sorted = [...nodes].sort((a, b) => a - b);
  if (sorted.length === 0) return 'no server';
  if (sorted.length === 1) return `server ${sorted[0]}`;
  return `servers ${sorted.slice(0, -1).join(', ')} and ${sorted.at(-1)}`;
}

/** `by server 2 at 12.481 s` */
export function whenAndWhere(entry: HistoryEntry): string {
  const node = entry.node === undefined ? '' : `by server ${entry.node} `;
  return `${node}at ${formatTime(entry.time)}`;
}

export { formatHex };

/** Keys of the register workload name nodes by number; final reads name the path itself. */
export function pathOfKey(key: string | undefined): string | undefined {
  if (key === undefined || key.startsWith('/')) return key;
  const register = /^r(\d+)$/.exec(key);
  return register === null ? `/${key}` : `/r/${register[1]}`;
}

export function quorumOf(servers: number): number {
  return Math.floor(servers / 2) + 1;
}
