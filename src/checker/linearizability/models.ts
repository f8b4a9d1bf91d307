/** The sequential objects: register, compare-and-set register, counter, mutex. */
import type { Call, Model, ModelState } from './model.ts';

const show = (value: unknown): string => (value === undefined ? '?' : JSON.stringify(value));

/** Stands for every value that no read and no compare-and-set names; no JSON text of a value begins so. */
const UNNAMED = '\u0000unnamed';

export interface RegisterOptions {
  readonly init?: ModelState;
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

const pair = (call: Call): readonly [ModelState, ModelState] =>
  call.input as readonly [ModelState, ModelState];

/** `write` value, `read`. */
export function registerModel(options: RegisterOptions = {}): Model {
  return { ...casRegisterModel({ ...options, failedCas: 'no-effect' }), name: 'register' };
}

/** `write` value, `read`, `cas` [from, to]. */
export function casRegisterModel(options: CasRegisterOptions = {}): Model {
  const { init = null, nilReads = 'value', failedCas = 'no-effect' } = options;
  const readsAnything = (call: Call): boolean =>
    call.outcome === 'info' || (nilReads === 'any' && (call.output ?? null) === null);

  const step = (state: ModelState, call: Call): ModelState | undefined => {
    switch (call.f) {
      case 'read':
        return readsAnything(call) || (call.output ?? null) === state ? state : undefined;
      case 'write':
        return call.input as ModelState;
      case 'cas': {
        const [from, to] = pair(call);
        if (call.outcome === 'fail') return from === state ? undefined : state;
        return from === state ? to : undefined;
      }
      default:
        return undefined;
    }
  };
  return {
    name: 'cas-register',
    init,
    step,
    isPure: (call) => call.f === 'read' || (call.f === 'cas' && call.outcome === 'fail'),
    observesFailure: (call) => call.f === 'cas' && failedCas === 'observed',
    classOf: (call) =>
      call.f === 'read'
        ? `read ${readsAnything(call) ? '?' : show(call.output)}`
        : `${call.f} ${show(call.input)} ${call.outcome === 'fail' ? 'fail' : ''}`,
    simplify: (calls) => mergeUnnamed(calls, init),
    describe: describeRegisterCall,
    reason: (state, call) =>
      call.f === 'read'
        ? `the register holds ${showState(state)}, not ${show(call.output)}`
        : call.outcome === 'fail'
          ? `the register holds ${showState(state)}, so that the compare-and-set would succeed`
          : `the register holds ${showState(state)}, not ${show(pair(call)[0])}`,
  };
}

const showState = (state: ModelState): string =>
  state === UNNAMED ? 'a value that nobody read' : show(state);

function describeRegisterCall(call: Call): string {
  const ending = call.outcome === 'ok' ? '' : ` (${call.outcome})`;
  switch (call.f) {
    case 'read':
      return `read → ${show(call.output)}${ending}`;
    case 'cas':
      return `cas ${show(pair(call)[0])} → ${show(pair(call)[1])}${ending}`;
    default:
      return `${call.f} ${show(call.input)}${ending}`;
  }
}

/**
 * Two values that no read returned and no compare-and-set expects behave alike for ever, so one name
 * serves for both (a bisimulation): unread writes then share a class and their states one number.
 */
function mergeUnnamed(calls: readonly Call[], init: ModelState): readonly Call[] {
  const named = new Set<unknown>([init]);
  for (const call of calls) {
    if (call.f === 'read') named.add(call.output ?? null);
    if (call.f === 'cas') named.add(pair(call)[0]);
  }
  const rename = (value: ModelState): ModelState => (named.has(value) ? value : UNNAMED);
  return calls.map((call) => {
    if (call.f === 'write') return { ...call, input: rename(call.input as ModelState) };
    if (call.f === 'cas') return { ...call, input: [pair(call)[0], rename(pair(call)[1])] };
    return call;
  });
}

/** `increment` → the new value, `read` → the value. */
export function counterModel(options: { readonly init?: number } = {}): Model<number> {
  const { init = 0 } = options;
  return {
    name: 'counter',
    init,
    step: (state, call) => {
      const result = call.f === 'increment' ? state + 1 : state;
      return call.outcome === 'info' || call.output === result ? result : undefined;
    },
    isPure: (call) => call.f === 'read',
    observesFailure: () => false,
    classOf: (call) => `${call.f} ${call.outcome === 'ok' ? show(call.output) : '?'}`,
    describe: (call) => `${call.f} → ${call.outcome === 'ok' ? show(call.output) : call.outcome}`,
    reason: (state, call) =>
      `the counter stands at ${state}, so that ${call.f} answers ${
        call.f === 'increment' ? state + 1 : state
      }, not ${show(call.output)}`,
  };
}

/** `acquire` and `release` of one lock. */
export function mutexModel(options: { readonly init?: 'free' | 'held' } = {}): Model<string> {
  const { init = 'free' } = options;
  return {
    name: 'mutex',
    init,
    step: (state, call) => {
      if (call.f === 'acquire') return state === 'free' ? 'held' : undefined;
      return state === 'held' ? 'free' : undefined;
    },
    isPure: () => false,
    observesFailure: () => false,
    classOf: (call) => call.f,
    describe: (call) => (call.outcome === 'ok' ? call.f : `${call.f} (${call.outcome})`),
    reason: (state) => `the lock is ${state}`,
  };
}
