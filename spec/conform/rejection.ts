/** What a rejected trace is told as: one sentence, why, and what happened last, drawn as a message chart. */
import type { ProtocolEvent } from '../../src/base/protocol-event.ts';
import { renderChart, show, showStep } from '../kernel/explain.ts';
import type { Arrow } from '../kernel/model.ts';
import type { Sid, State } from '../models/zab/system-state.ts';
import { ChartOf, type EnsembleScope, nodeOf, sidOf } from './ensemble-model.ts';
import type { Observation } from './observation.ts';
import type { Refusal, Step } from './walk.ts';

/** Something that was accepted, with the model's steps that explain it. */
export interface Explained<E> {
  readonly event: E;
  readonly steps: readonly Step[];
}

export interface Refused<E> {
  readonly event: E;
  /** Why, in each state of the frontier. */
  readonly refusals: readonly Refusal[];
  /** What came last before it, oldest first. */
  readonly recent: readonly Explained<E>[];
  /** One of the states in which it was tried. */
  readonly state: State;
}

export interface RejectionText {
  /** Which event of which server, and the first reason. */
  readonly sentence: string;
  /** Every reason once, with what the model expects of the server. */
  readonly reasons: readonly string[];
  /** The last events before it and the steps of the model that explain them, oldest first. */
  readonly recent: readonly string[];
  readonly chart: string;
}

/** How one of them is named. */
interface Words<E> {
  readonly node: (event: E) => number;
  readonly act: (event: E) => string;
  readonly name: (event: E) => string;
}

const ofEvents: Words<ProtocolEvent> = {
  node: ({ node }) => node,
  act: ({ act }) => act,
  name: ({ act, args, incarnation, n, node }) =>
    `${showStep(act, args)} of server ${node} (event ${n} of its life ${incarnation})`,
};

/** What every message has. */
const ofTheWire: ReadonlySet<string> = new Set([
  ...['connection', 'from', 'link', 'message', 'n', 'time', 'to'],
]);

const ofObservations: Words<Observation> = {
  node: ({ from }) => from,
  act: ({ message }) => `${message} seen`,
  name: (one) => {
    const { connection, from, message, n, to } = one;
    const said = Object.entries(one).filter(([field]) => !ofTheWire.has(field));
    return (
      `${showStep(message, Object.fromEntries(said))} from server ${from} to ${to} ` +
      `(message ${n} on the wires, connection ${connection})`
    );
  },
};

export function tellRejection(rejected: Refused<ProtocolEvent>, scope: EnsembleScope) {
  return tell(rejected, scope, ofEvents);
}

export function tellWireRejection(rejected: Refused<Observation>, scope: EnsembleScope) {
  return tell(rejected, scope, ofObservations);
}

function tell<E>(rejected: Refused<E>, scope: EnsembleScope, words: Words<E>): RejectionText {
  const { event, refusals, recent, state } = rejected;
  const reasons = [...new Set(refusals.map(({ reason }) => reason))];
  const isBroken = refusals.length > 0 && refusals.every(({ kind }) => kind === 'invariant');
  const verb = isBroken ? 'breaks a promise' : 'is not what the model does';
  const server = state.servers[sidOf(words.node(event))];
  const { role, phase, acceptedEpoch, currentEpoch, flushed, applied, log } = server;
  const known = { role, phase, acceptedEpoch, currentEpoch, flushed, applied, log: log.slice(-3) };
  return {
    sentence: `${words.name(event)} ${verb}: ${reasons[0] ?? 'no state explains it'}`,
    reasons: [...reasons, `server ${words.node(event)} in the model: ${show(known)}`],
    recent: recent.map((one) => lineOf(one, words)),
    chart: chartOf(rejected, scope, words),
  };
}

function lineOf<E>({ event, steps }: Explained<E>, words: Words<E>): string {
  const counts = new Map<string, number>();
  for (const { action, params, isSilent } of steps) {
    const by = nodeOf(params.i as Sid);
    const name = by === words.node(event) ? action : `${action} of ${by}`;
    const shown = isSilent ? `(${name})` : name;
    counts.set(shown, (counts.get(shown) ?? 0) + 1);
  }
  const names = [...counts].map(([name, count]) => (count === 1 ? name : `${name} ×${count}`));
  return `${words.name(event)}: ${names.length === 0 ? 'a stutter' : names.join(', ')}`;
}

function chartOf<E>({ event, recent }: Refused<E>, scope: EnsembleScope, words: Words<E>): string {
  const draw = new ChartOf(scope);
  const from = (one: E) => sidOf(words.node(one));
  const arrows = recent.map(({ event: accepted, steps }): readonly Arrow[] => {
    const drawn = steps.flatMap(({ action, params, before }) => {
      return draw.arrows(action, params, before);
    });
    return drawn.length > 0 ? drawn : [{ from: from(accepted), text: words.act(accepted) }];
  });
  return renderChart([...arrows, [{ from: from(event), text: `${words.act(event)} ✗` }]]);
}
