/** Registers: `write` value, `read`, and `cas` [from, to]. */
import { zones } from '../fast/zones.ts';
import { type History, type Op, Outcome } from '../history/columns.ts';
import { NULL } from '../history/values.ts';
import type { Model, Primitive } from '../linearizability/model.ts';

const show = (value: unknown): string => (value === undefined ? '?' : JSON.stringify(value));

/** Stands for every value that no read and no compare-and-set names; no JSON text of a value begins so. */
const UNNAMED = '\u0000unnamed';

export interface RegisterOptions {
  readonly init?: Primitive;
  /** `any`: a read that answers null says nothing (some recorded histories). */
  readonly nilReads?: 'any' | 'value';
}

export interface CasRegisterOptions extends RegisterOptions {
  /**
   * `observed`: a failed compare-and-set saw another value, atomically. `no-effect`: it only certainly did
   * not happen, as when its read may have been stale.
   */
  readonly failedCas?: 'observed' | 'no-effect';
}

const pair = (op: Op): readonly [Primitive, Primitive] =>
  op.input as readonly [Primitive, Primitive];

/** `write` value, `read`. */
export function registerModel(options: RegisterOptions = {}): Model<Primitive> {
  return { ...casRegisterModel({ ...options, failedCas: 'no-effect' }), name: 'register' };
}

/** `write` value, `read`, `cas` [from, to]. */
export function casRegisterModel(options: CasRegisterOptions = {}): Model<Primitive> {
  const { init = null, nilReads = 'value', failedCas = 'no-effect' } = options;
  const readsAnything = (op: Op): boolean =>
    op.outcome === 'info' || (nilReads === 'any' && (op.output ?? null) === null);
  return {
    name: 'cas-register',
    init,
    step: (state, op) => {
      switch (op.f) {
        case 'read':
          return readsAnything(op) || (op.output ?? null) === state ? state : undefined;
        case 'write':
          return op.input as Primitive;
        case 'cas': {
          const [from, to] = pair(op);
          if (op.outcome === 'fail') return from === state ? undefined : state;
          return from === state ? to : undefined;
        }
        default:
          return undefined;
      }
    },
    pure: (op) => op.f === 'read' || (op.f === 'cas' && op.outcome === 'fail'),
    overwrites: (later, earlier) => later.f === 'write' && earlier.f === 'write',
    observesFailure: (op) => op.f === 'cas' && failedCas === 'observed',
    simplify: (history) => mergeUnnamed(history, init),
    fastPaths: [zones({ init, nilReads, failedCas })],
    describe: describeRegisterOp,
    reason: (state, op) => {
      if (op.f === 'read') return `the register holds ${showState(state)}, not ${show(op.output)}`;
      return op.outcome === 'fail'
        ? `the register holds ${showState(state)}, so that the compare-and-set would succeed`
        : `the register holds ${showState(state)}, not ${show(pair(op)[0])}`;
    },
  };
}

const showState = (state: Primitive): string =>
  state === UNNAMED ? 'a value that nobody read' : show(state);

function describeRegisterOp(op: Op): string {
  const ending = op.outcome === 'ok' ? '' : ` (${op.outcome})`;
  switch (op.f) {
    case 'read':
      return `read → ${show(op.output)}${ending}`;
    case 'cas':
      return `cas ${show(pair(op)[0])} → ${show(pair(op)[1])}${ending}`;
    default:
      return `${op.f} ${show(op.input)}${ending}`;
  }
}

/**
 * Two values that no read returned and no compare-and-set expects behave alike for ever, so one name
 * serves for both (a bisimulation): unread writes then share a class and their states one number.
 */
function mergeUnnamed(history: History, init: Primitive): History {
  const { names, values } = history.dictionaries;
  const [read, write, cas] = ['read', 'write', 'cas'].map((name) => names.find(name) ?? -1);
  const initial = values.idOf(init);
  // Each operation may bring a value of its own that has no number yet.
  const isNamed = new Uint8Array(values.size + history.count);
  isNamed[initial] = 1;
  isNamed[NULL] = 1;
  for (let index = 0; index < history.count; index++) {
    if (history.f[index] === read && history.outcome[index] === Outcome.ok) {
      isNamed[history.output[index] as number] = 1;
    } else if (history.f[index] === cas) {
      isNamed[values.idOf(casPair(history, index)[0])] = 1;
    }
  }
  let input: Int32Array | undefined;
  const rename = (index: number, value: unknown): void => {
    input ??= history.input.slice();
    input[index] = values.idOf(value);
  };
  for (let index = 0; index < history.count; index++) {
    if (history.f[index] === write) {
      if (isNamed[history.input[index] as number] !== 1) rename(index, UNNAMED);
    } else if (history.f[index] === cas) {
      const [from, to] = casPair(history, index);
      if (isNamed[values.idOf(to)] !== 1) rename(index, [from, UNNAMED]);
    }
  }
  return input === undefined ? history : history.with({ input });
}

export interface MultiRegisterOptions extends Pick<RegisterOptions, 'nilReads'> {
  readonly init?: Readonly<Record<string, Primitive>>;
}

const casPair = (history: History, index: number): readonly unknown[] =>
  history.dictionaries.values.at(history.input[index] as number) as readonly unknown[];

/** Registers by name; `txn` of ["read", name, value] and ["write", name, value], all at once. */
export function multiRegisterModel(
  options: MultiRegisterOptions = {},
): Model<Readonly<Record<string, Primitive>>> {
  const { init = {}, nilReads = 'value' } = options;
  type Micro = readonly [f: string, name: string, value: Primitive];
  /** Reads are answered in the completion; what was asked is in the invocation. */
  const micros = (op: Op): readonly Micro[] => (op.output ?? op.input) as readonly Micro[];
  return {
    name: 'multi-register',
    init,
    step: (state, op) => {
      let next = state;
      for (const [f, name, value] of micros(op)) {
        if (f === 'write' || f === 'w') {
          next = { ...next, [name]: value };
        } else if (op.outcome === 'ok' && !(nilReads === 'any' && value === null)) {
          if ((next[name] ?? null) !== value) return undefined;
        }
      }
      return next;
    },
    pure: (op) => micros(op).every(([f]) => f === 'read' || f === 'r'),
    describe: (op) => {
      const parts = micros(op).map(([f, name, value]) =>
        f.startsWith('w') ? `${name} := ${show(value)}` : `${name} → ${show(value)}`,
      );
      return `${parts.join(', ')}${op.outcome === 'ok' ? '' : ` (${op.outcome})`}`;
    },
    reason: (state) => `the registers hold ${JSON.stringify(state)}`,
  };
}
