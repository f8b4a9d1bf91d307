/** Locks and semaphores. What holds them is a matter of the workload; these are the bare objects. */
import { holds } from '../fast/holds.ts';
import { tokens } from '../fast/tokens.ts';
import type { Op } from '../history/columns.ts';
import type { Model } from '../linearizability/model.ts';

const describe = (op: Op): string => (op.outcome === 'ok' ? op.f : `${op.f} (${op.outcome})`);

/** `acquire` and `release` of one lock. */
export function mutexModel(
  options: { readonly init?: 'free' | 'held' } = {},
): Model<'free' | 'held'> {
  const { init = 'free' } = options;
  return {
    name: 'mutex',
    init,
    step: (state, op) => {
      if (op.f === 'acquire') return state === 'free' ? 'held' : undefined;
      return op.f === 'release' && state === 'held' ? 'free' : undefined;
    },
    fastPaths: init === 'free' ? [holds({ permits: 1 })] : [],
    describe,
    reason: (state) => `the lock is ${state}`,
  };
}

/** `acquire` and `release` of one of so many permits; `try-acquire` → whether it got one. */
export function semaphoreModel(options: { readonly permits: number }): Model<number> {
  const { permits } = options;
  return {
    name: 'semaphore',
    init: permits,
    step: (free, op) => {
      switch (op.f) {
        case 'acquire':
          return free > 0 ? free - 1 : undefined;
        case 'try-acquire':
          if (op.outcome === 'ok' && op.output === false) return free === 0 ? free : undefined;
          return free > 0 ? free - 1 : undefined;
        case 'release':
          return free < permits ? free + 1 : undefined;
        default:
          return undefined;
      }
    },
    pure: (op) => op.f === 'try-acquire' && op.output === false,
    fastPaths: [holds({ permits })],
    describe: (op) => (op.f === 'try-acquire' ? `${op.f} → ${String(op.output)}` : describe(op)),
    reason: (free) => `${free} of ${permits} permits are free`,
  };
}

/** `acquire-read`, `release-read`, `acquire-write`, `release-write`. The state: readers, -1 a writer. */
export function sharedLockModel(): Model<number> {
  return {
    name: 'shared-lock',
    init: 0,
    step: (state, op) => {
      switch (op.f) {
        case 'acquire-read':
          return state >= 0 ? state + 1 : undefined;
        case 'release-read':
          return state > 0 ? state - 1 : undefined;
        case 'acquire-write':
          return state === 0 ? -1 : undefined;
        case 'release-write':
          return state === -1 ? 0 : undefined;
        default:
          return undefined;
      }
    },
    fastPaths: [holds({ permits: Infinity })],
    describe,
    reason: (state) =>
      state < 0 ? 'a writer holds the lock' : `${state === 0 ? 'no' : state} readers hold the lock`,
  };
}

interface FencedState {
  readonly holder: number | null;
  readonly last: number | null;
}

/** `acquire` → a token greater than all before, `release` token. */
export function fencedLockModel(): Model<FencedState> {
  return {
    name: 'fenced-lock',
    init: { holder: null, last: null },
    step: ({ holder, last }, op) => {
      if (op.f === 'acquire') {
        // Whoever was told no token releases none; that it held the lock can't be seen.
        const token = op.output;
        const isLate = typeof token !== 'number' || (last !== null && token <= last);
        if (holder !== null || isLate) return undefined;
        return { holder: token, last: token };
      }
      return op.f === 'release' && op.input === holder ? { holder: null, last } : undefined;
    },
    fastPaths: [tokens()],
    describe: (op) =>
      op.f === 'acquire'
        ? `acquire → ${String(op.output ?? '?')}`
        : `${op.f} ${String(op.input)}${op.outcome === 'ok' ? '' : ` (${op.outcome})`}`,
    reason: ({ holder, last }) =>
      holder === null
        ? `the lock is free, its last token is ${last ?? 'none'}`
        : `token ${holder} holds it`,
  };
}
