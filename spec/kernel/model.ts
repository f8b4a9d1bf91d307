/**
 * What a model is. A `Model` is a family; `define(scope)` gives the `Spec` of one scope: where behaviours
 * start, which actions may follow, and what must be true of all of them. The vocabulary is TLA+'s
 * (Lamport, Specifying Systems) with Stateright's `always`, `sometimes`, `eventually`.
 *
 * A state is plain data, never changed in place: whole numbers, strings, booleans, null, arrays and
 * records of these. What an action leaves alone it passes on by reference: the kernel then has
 * nothing to do for it. All functions are pure: what they gave is remembered by the top-level fields that
 * they read (memo.ts), so it pays to keep apart what is read apart.
 */
import { assert } from '../../src/base/assert.ts';

/** Values of the parameters of one step, by name. */
export type Params = Readonly<Record<string, unknown>>;
/** Where a parameter's values come from: a fixed list, or one that depends on the state. */
export type Domain<S, T> = readonly T[] | { of(state: S): readonly T[] }['of'];
// Functions are written as methods where a list must be able to hold models of different states.
export type Predicate<S> = { of(state: S): boolean }['of'];
export type StepPredicate<S> = { of(step: Step<S>): boolean }['of'];
export type Guards<S, P> = Readonly<Record<string, { of(state: S, params: P): boolean }['of']>>;

/** One arrow, or, without `to`, a note at one lane of the message chart. */
export interface Arrow {
  readonly from: string;
  readonly to?: string;
  readonly text: string;
}

/**
 * One atomic step of the system: for any values of its parameters, when every guard holds, the state
 * that comes next. Guards carry labels, so that coverage and rejected traces can name them.
 */
export interface Action<S, P = Params> {
  readonly for?: { readonly [K in keyof P]: Domain<S, P[K]> };
  readonly when?: Guards<S, P>;
  next(state: S, params: P): S;
  /** What the message chart draws for a step; the state is the one before. */
  chart?(state: S, params: P): Arrow | readonly Arrow[];
  /** How often random walks choose it, against 1 for the others. */
  readonly weight?: number;
}

/** One transition as a step invariant sees it. */
export interface Step<S> {
  readonly before: S;
  readonly action: string;
  readonly params: Params;
  readonly after: S;
}

/** Steps of these actions; with `each`, separately for every value of that parameter. */
export type FairSteps = string | { readonly actions: readonly string[]; readonly each?: string };

export interface Fairness {
  /** Steps that are enabled for ever from some point on are taken again and again. */
  readonly weak?: readonly FairSteps[];
  /** Steps that are enabled again and again are taken again and again. */
  readonly strong?: readonly FairSteps[];
}

/** A liveness property: exactly one of `reaches`, `recurs` and `settles`. */
export type Eventually<S> = Fairness &
  (
    | {
        /** ◇P; with `from`, P ~> Q: whenever `from` held, `reaches` holds then or later. */
        readonly reaches: Predicate<S>;
        readonly from?: Predicate<S>;
      }
    /** □◇P: again and again. */
    | { readonly recurs: Predicate<S> }
    /** ◇□P: from some point on for ever. */
    | { readonly settles: Predicate<S> }
  );

/** Every step of this model is a step of the abstract one, or leaves its state as it was. */
export interface Refinement<S, A = object> {
  readonly spec: Spec<A>;
  map(state: S): A;
}

/** Renames an element of a symmetric set; everything else stays as it is. */
export type Rename = <T extends string | number>(element: T) => T;

/** Sets whose elements are interchangeable. Checked by random permutations before it is relied on. */
export interface Symmetry<S> {
  readonly sets: Readonly<Record<string, readonly (string | number)[]>>;
  /** The state with every element of every set replaced; sets in it must be sorted again. */
  permute(state: S, rename: Rename): S;
  /** The least of them stands for the others; default: in the order of `compare`. */
  order?(a: S, b: S): number;
}

/** Where ids are compared (a tie broken by the larger id), symmetry is unsound: say why. */
export interface NoSymmetry {
  readonly refused: string;
}

/** Random walks instead of exhaustion. */
export interface Walks {
  readonly walks: number;
  /** Steps of one walk at most. */
  readonly steps: number;
  readonly seed: string;
  /** Name in `starts`; default: the initial states. */
  readonly from?: string;
}

/**
 * A mistake that somebody could make. It must violate every property in `killedBy`: else those
 * properties say less than they seem to.
 */
export interface Mutant<S> {
  readonly about: string;
  readonly killedBy: string | readonly string[];
  /** Replaced actions by name; `alter` makes them from the right ones. */
  readonly actions?: Readonly<Record<string, Action<S>>>;
  /** Or the whole spec built differently. */
  spec?(): Spec<S>;
  /** What differs from the scope in which mutants are tried (the model's first everyday run). */
  readonly scope?: ScopeRecord;
  /** Search breadth first (default) or walk at random. */
  readonly walks?: Walks;
}

export interface Spec<S> {
  readonly init: S | readonly S[];
  readonly actions: Readonly<Record<string, Action<S>>>;
  /** Invariants: true of every reachable state. */
  readonly always?: Readonly<Record<string, Predicate<S>>>;
  /** Step invariants: true of every transition. */
  readonly onStep?: Readonly<Record<string, StepPredicate<S>>>;
  /** Witnesses against vacuity: each must be true of some reachable state. */
  readonly sometimes?: Readonly<Record<string, Predicate<S>>>;
  readonly eventually?: Readonly<Record<string, Eventually<S>>>;
  readonly refines?: Readonly<Record<string, Refinement<S>>>;
  /** Properties that this scope must refute; the model fails if one holds. */
  readonly refuted?: readonly string[];
  /** States that may be last. Declared: any other state without a next one is a deadlock. */
  readonly terminal?: Predicate<S>;
  /** Top-level fields that record the past for the properties and do not tell states apart. */
  readonly ghosts?: readonly string[];
  /** A quotient: equal results are one state, for example ballots renumbered by rank. */
  normal?(state: S): S;
  readonly symmetry?: Symmetry<S> | NoSymmetry;
  /** Interesting states where random walks may begin. */
  readonly starts?: Readonly<Record<string, S>>;
  readonly mutants?: Readonly<Record<string, Mutant<S>>>;
}

export type ScopeValue = number | string | boolean;
/** Sizes and budgets: how much of an infinite system is looked at. Part of every verdict. */
export type ScopeRecord = Readonly<Record<string, ScopeValue>>;

/** One check of a model in one scope. */
export interface Run<Scope = ScopeRecord> {
  readonly scope?: Partial<Scope>;
  readonly symmetry?: boolean;
  /** Tells states apart by their ghosts too. */
  readonly ghosts?: boolean;
  readonly walks?: Walks;
}

export interface Model<Scope = ScopeRecord, S = object> {
  /** Kebab-case: its name on the command line. */
  readonly name: string;
  /** What it says, in one sentence. */
  readonly about: string;
  /** Every size and budget with its default. */
  readonly scope: Scope;
  /** Named lists of runs. `everyday` is what must be green on every change. */
  readonly runs: { readonly everyday: readonly Run<Scope>[] } & Readonly<
    Record<string, readonly Run<Scope>[]>
  >;
  define(scope: Scope): Spec<S>;
}

export function model<Scope extends object, S extends object>(
  declared: Model<Scope, S>,
): Model<Scope, S> {
  return declared;
}

/**
 * `const action = actionsOn<State>()`; then every action knows its state and infers its parameters. A generic
 * helper that makes a domain must say that it returns a `Domain`, or TypeScript infers nothing from it.
 */
export function actionsOn<S>(): <P = Record<never, never>>(declared: Action<S, P>) => Action<S, P> {
  return (declared) => declared;
}

/** A copy of an action with guards dropped or replaced, or another effect: for mutants. */
export function alter<S, P>(
  action: Action<S, P>,
  change: {
    readonly drop?: string | readonly string[];
    readonly when?: Guards<S, P>;
    readonly next?: (state: S, params: P) => S;
  },
): Action<S, P> {
  const dropped = [change.drop ?? []].flat();
  const guards = action.when ?? {};
  for (const label of [...dropped, ...Object.keys(change.when ?? {})]) {
    assert(label in guards, 'a mutant alters a guard that the action does not have', { label });
  }
  const kept = Object.entries(guards).filter(([label]) => !dropped.includes(label));
  return {
    ...action,
    when: { ...Object.fromEntries(kept), ...change.when },
    ...(change.next === undefined ? {} : { next: change.next }),
  };
}

/** Marks a branch that the protocol must never take; reaching it violates `possible`. */
export function impossible(sentence: string): never {
  throw new Impossible(sentence);
}

export class Impossible extends Error {
  override readonly name = 'Impossible';
}

/** No action may add a field or lose one. */
export function assertSameFields(state: object, other: object): void {
  assert(
    Object.keys(state).length === Object.keys(other).length,
    'a state has other fields than the initial one',
    { state },
  );
}

export function initialStates<S>(spec: Spec<S>): readonly S[] {
  return Array.isArray(spec.init) ? (spec.init as readonly S[]) : [spec.init as S];
}

/** The spec with one mutant's changes. */
export function mutate<S>(spec: Spec<S>, name: string): Spec<S> {
  const mutant = spec.mutants?.[name];
  assert(mutant !== undefined, 'there is no such mutant', { name });
  const base = mutant.spec?.() ?? spec;
  for (const action of Object.keys(mutant.actions ?? {})) {
    assert(action in base.actions, 'a mutant replaces an action that does not exist', { action });
  }
  return { ...base, actions: { ...base.actions, ...mutant.actions } };
}
