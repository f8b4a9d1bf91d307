/** What the page about one history's verdict is made of: plain data, every operation with its words. */

export interface CheckPageInput {
  /** Of what: the file, as the reader knows it. */
  readonly title: string;
  readonly model: string;
  readonly verdict: 'linearizable' | 'non-linearizable' | 'unknown';
  readonly operations: number;
  readonly steps: number;
  readonly cpuMs: number;
  readonly parts: readonly PagePart[];
}

export interface PageOperation {
  /** Row of the history; tells operations apart. */
  readonly row: number;
  readonly process: number;
  readonly text: string;
  /** Ranks of the events; `end` is null where nobody saw one. */
  readonly start: number;
  readonly end: number | null;
}

/** One operation of a linearization, and what it leaves behind. */
export interface PageStep {
  readonly operation: PageOperation;
  readonly state: string;
}

/** A legal beginning, and why it can't go on. */
export interface PageWayOut {
  readonly order: readonly { readonly text: string; readonly isOfCore: boolean }[];
  readonly next: string;
  readonly reason: string;
}

interface PartCommon {
  /** Empty where the history is one part. */
  readonly key: string;
  readonly engine: string;
  readonly operations: number;
  readonly crashed: number;
  readonly steps: number;
}

export type PagePart = PartCommon &
  (
    | {
        readonly verdict: 'linearizable';
        /** Beginning of the order, as far as it is drawn. */
        readonly order: readonly PageStep[];
        readonly orderLength: number;
        /** What may not have happened, and does not have to: invoked during the drawn beginning. */
        readonly leftOut: readonly PageOperation[];
      }
    | {
        readonly verdict: 'non-linearizable';
        readonly reasons: readonly string[];
        readonly core: readonly PageOperation[];
        /** What ran beside the core, for orientation. */
        readonly around: readonly PageOperation[];
        readonly waysOut: readonly PageWayOut[];
        /** Row of the operation whose answer no order explains. */
        readonly blocked: number;
        readonly confirmedBy: string | null;
        readonly isIrreducible: boolean;
        /** The object without other values: the violation is one of that alone. */
        readonly isProjected: boolean;
      }
    | {
        readonly verdict: 'unknown';
        readonly cause: string;
        readonly passed: number;
        readonly total: number;
      }
  );
