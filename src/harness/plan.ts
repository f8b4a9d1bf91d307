/**
 * A plan is a run as data, fully expanded so that it can be replayed, shrunk and compared. Nothing in a
 * run depends on anything else but the plan (in simulation) and the world (elsewhere).
 */
export const PLAN_VERSION = 1;

export interface PlanOperation {
  readonly id: string;
  /** Milliseconds after the start of the workload phase; or after the client's previous completion. */
  readonly at?: number;
  readonly after?: number;
  readonly f: string;
  readonly key?: string;
  readonly value?: unknown;
}

export interface PlanClient {
  readonly id: number;
  readonly ops: readonly PlanOperation[];
}

/** A target: sids, or a rule that is resolved when the fault is applied. */
export type FaultTarget =
  | { readonly nodes: readonly number[] }
  | { readonly pick: 'leader' | 'follower' | 'any' | 'all' };

export interface PlanFault {
  readonly id: string;
  /** Milliseconds after the start of the workload phase. */
  readonly at?: number;
  /**
   * A protocol event that triggers it: the nth `act` on any or one node, counted from `at` on. With
   * `withinMs` it strikes at the latest so long after `at`.
   */
  readonly when?: {
    readonly act: string;
    readonly node?: number;
    readonly nth: number;
    readonly withinMs?: number;
  };
  readonly kind: string;
  readonly target: FaultTarget;
  readonly params: Readonly<Record<string, number | string | boolean>>;
  /** Healed after so many milliseconds, at the latest in the final phase. */
  readonly heal: { readonly after: number } | 'final';
}

export interface ClusterSpec {
  readonly nodes: number;
  readonly tickTimeMs: number;
  readonly initLimit: number;
  readonly syncLimit: number;
  readonly snapCount: number;
  readonly commitLogCount: number;
}

/** What the simulator draws from: ranges in milliseconds and chances per mille. */
export interface SimulationKnobs {
  readonly networkLatencyMs: readonly [number, number];
  readonly diskLatencyMs: readonly [number, number];
  /** Chunks are cut at random boundaries in so many of 1000 deliveries. */
  readonly splitPerMille: number;
  /** A crash leaves each unflushed write torn or lost in so many of 1000 cases, else written. */
  readonly tornPerMille: number;
  readonly lostPerMille: number;
}

export interface PlanKnobs {
  readonly sessionTimeoutMs: number;
  readonly operationTimeoutMs: number;
  /** Length of the workload phase. */
  readonly timeLimitMs: number;
  readonly simulation: SimulationKnobs;
}

/** What is put under test: all servers of one kind, or every second one Apache's. */
export type SystemName = 'umpire' | 'apache' | 'mixed';

export interface Plan {
  readonly v: number;
  readonly seed: string;
  readonly workload: string;
  /** Parameters that the workload needs again at replay (keys, sizes). */
  readonly workloadParams: Readonly<Record<string, number | string>>;
  readonly cluster: ClusterSpec;
  readonly knobs: PlanKnobs;
  readonly clients: readonly PlanClient[];
  readonly faults: readonly PlanFault[];
  /** Final phase: heal everything, wait so long for a serving ensemble, read everything from everyone. */
  readonly final: { readonly settleMs: number; readonly timeoutMs: number };
  /** Every server is asked for its mode so often while clients work, and the answers noted in the history. */
  readonly modesEveryMs?: number;
  /** Default: `umpire`. */
  readonly system?: SystemName;
  /** Zoo entries applied to the sources before the run. */
  readonly zoo?: readonly string[];
}
