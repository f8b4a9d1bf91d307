/** What a checker says. Only `pass` is green; `looked` tells how much evidence the verdict rests on. */
export type CheckVerdict = 'pass' | 'violation' | 'unknown' | 'not-exercised';

export interface Anomaly {
  /** Stable kebab-case id, e.g. `acknowledged-write-lost`. */
  readonly kind: string;
  /** One sentence in ZooKeeper's words: path, zxid, client, node and times where they exist. */
  readonly message: string;
  /** Indices of history entries that show it. */
  readonly entries: readonly number[];
  /** Nanoseconds of the first bad moment, where one exists. */
  readonly time?: number;
  readonly nodes?: readonly number[];
  readonly path?: string;
  readonly zxid?: string;
  /** What led to it, for a reader: lines of plain text, a drawing. */
  readonly story?: readonly string[];
}

export interface CheckResult {
  readonly checker: string;
  readonly verdict: CheckVerdict;
  /** How many items were looked at; 0 can never pass. */
  readonly looked: number;
  /** What `looked` counts, plural: `operations`, `log entries`. */
  readonly items: string;
  /** One sentence. */
  readonly summary: string;
  readonly anomalies: readonly Anomaly[];
  /** Counted findings that are allowed (stale plain reads …). */
  readonly findings?: Readonly<Record<string, number>>;
  readonly details?: unknown;
}

const severity: readonly CheckVerdict[] = ['pass', 'not-exercised', 'unknown', 'violation'];

/** The worst wins: violation > unknown > not-exercised > pass. */
export function mergeVerdicts(verdicts: Iterable<CheckVerdict>): CheckVerdict {
  let worst = 0;
  for (const verdict of verdicts) worst = Math.max(worst, severity.indexOf(verdict));
  return severity[worst] as CheckVerdict;
}
