/** Queues, stacks, priority queues and sets. */
import { fifo } from '../fast/fifo.ts';
import { growOnly } from '../fast/grow-only.ts';
import { lifo } from '../fast/lifo.ts';
import { priority } from '../fast/priority.ts';
import type { Op } from '../history/columns.ts';
import type { Model } from '../linearizability/model.ts';
import { GrowingState, HeapState, QueueState, StackState } from './sequences.ts';

const show = (value: unknown): string => (value === undefined ? '?' : JSON.stringify(value));

const isNothing = (value: unknown): boolean => value === null || value === undefined;

/** `put value` or `take → value`, with its ending where it had another than `ok`. */
const describeWith =
  (puts: readonly string[]) =>
  (op: Op): string => {
    const ending = op.outcome === 'ok' ? '' : ` (${op.outcome})`;
    if (puts.includes(op.f)) return `${op.f} ${show(op.input)}${ending}`;
    return op.outcome === 'ok' ? `${op.f} → ${show(op.output ?? null)}` : `${op.f}${ending}`;
  };

/**
 * `enqueue` value, `dequeue` → value, or null where there is none. Such a dequeue is not pure: null may
 * have been put in as well.
 */
export function queueModel(): Model<QueueState> {
  return {
    name: 'queue',
    init: QueueState.empty,
    step: (state, op) => {
      if (op.f === 'enqueue') return state.plus(op.input);
      if (op.f !== 'dequeue') return undefined;
      if (op.outcome === 'info') return state.isEmpty ? state : state.withoutFirst();
      if (state.isEmpty) return isNothing(op.output) ? state : undefined;
      return state.first === (op.output ?? null) ? state.withoutFirst() : undefined;
    },
    identify: (state) => state.text,
    revive: (identity) => QueueState.parse(identity),
    fastPaths: [fifo()],
    describe: describeWith(['enqueue']),
    reason: (state) => (state.isEmpty ? 'the queue is empty' : `${show(state.first)} is first`),
  };
}

/** `push` value, `pop` → value, or null where there is none. */
export function stackModel(): Model<StackState> {
  return {
    name: 'stack',
    init: StackState.empty,
    step: (state, op) => {
      if (op.f === 'push') return state.plus(op.input);
      if (op.f !== 'pop') return undefined;
      const { below } = state;
      if (op.outcome === 'info') return below ?? state;
      if (below === undefined) return isNothing(op.output) ? state : undefined;
      return state.top === (op.output ?? null) ? below : undefined;
    },
    identify: (state) => state.text,
    revive: (identity) => StackState.parse(identity),
    fastPaths: [lifo()],
    describe: describeWith(['push']),
    reason: (state) =>
      state.below === undefined ? 'the stack is empty' : `${show(state.top)} is on top`,
  };
}

/** `enqueue` number, `dequeue` → the least, or null where there is none. */
export function priorityQueueModel(): Model<HeapState> {
  return {
    name: 'priority-queue',
    init: HeapState.empty,
    step: (state, op) => {
      if (op.f === 'enqueue') return state.plus(op.input as number);
      if (op.f !== 'dequeue') return undefined;
      if (op.outcome === 'info') return state.isEmpty ? state : state.withoutLeast();
      if (isNothing(op.output)) return state.isEmpty ? state : undefined;
      return !state.isEmpty && state.least === op.output ? state.withoutLeast() : undefined;
    },
    pure: (op) => op.f === 'dequeue' && op.outcome === 'ok' && isNothing(op.output),
    identify: (state) => state.text,
    revive: (identity) => HeapState.parse(identity),
    fastPaths: [priority()],
    describe: describeWith(['enqueue']),
    reason: (state) => (state.isEmpty ? 'the queue is empty' : `${state.least} is the least`),
  };
}

/**
 * `add`, `remove` and `contains` of one element; each answers [element, whether it changed or was
 * there], or nothing. Elements are judged apart.
 */
export function setModel(): Model<boolean> {
  const answer = (op: Op): unknown => (Array.isArray(op.output) ? op.output[1] : undefined);
  return {
    name: 'set',
    init: false,
    step: (isIn, op) => {
      const told = op.outcome === 'ok' ? answer(op) : undefined;
      const now = op.f === 'add' ? !isIn : isIn;
      if (op.f !== 'add' && op.f !== 'remove' && op.f !== 'contains') return undefined;
      if (told !== undefined && told !== now) return undefined;
      return op.f === 'contains' ? isIn : op.f === 'add';
    },
    pure: (op) => op.f === 'contains' || answer(op) === false,
    partition: (op) => show(op.input),
    describe: (op) => {
      const told = answer(op);
      const ending = op.outcome === 'ok' ? '' : ` (${op.outcome})`;
      return `${op.f} ${show(op.input)}${told === undefined ? ending : ` → ${String(told)}`}`;
    },
    reason: (isIn, op) => `${show(op.input)} is ${isIn ? '' : 'not '}in the set`,
  };
}

/** `add` element, `read` → all elements. */
export function growOnlySetModel(): Model<GrowingState> {
  const elements = (op: Op): readonly unknown[] => (op.output ?? []) as readonly unknown[];
  return {
    name: 'grow-only-set',
    init: GrowingState.empty,
    step: (state, op) => {
      if (op.f === 'add') return state.plus(op.input);
      if (op.f !== 'read') return undefined;
      if (op.outcome === 'info') return state;
      const seen = elements(op);
      return seen.length === state.size && seen.every((element) => state.has(element))
        ? state
        : undefined;
    },
    pure: (op) => op.f === 'read',
    impossible: (state, op) =>
      op.f === 'read' && op.outcome === 'ok' && elements(op).length < state.size,
    identify: (state) => state.text,
    revive: (identity) => GrowingState.parse(identity),
    fastPaths: [growOnly()],
    describe: describeWith(['add']),
    reason: (state) => `the set holds ${state.text}`,
  };
}
