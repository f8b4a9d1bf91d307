/** What a rejected trace is told as: one sentence, why, and what happened last, drawn as a message chart. */
import type { ProtocolEvent } from '../../src/base/protocol-event.ts';
import { renderChart, show, showStep } from '../kernel/explain.ts';
import type { Arrow } from '../kernel/model.ts';
import { ChartOf, type EnsembleScope, sidOf } from './ensemble-model.ts';
import type { Accepted, Rejected } from './follow.ts';

export interface RejectionText {
  /** Which event of which server, and the first reason. */
  readonly sentence: string;
  /** Every reason once, with what the model expects of the server. */
  readonly reasons: readonly string[];
  /** The last events before it and the steps of the model that explain them, oldest first. */
  readonly recent: readonly string[];
  readonly chart: string;
}

export function tellRejection(rejected: Rejected, scope: EnsembleScope): RejectionText {
  const { event, refusals, recent, state } = rejected;
  const reasons = [...new Set(refusals.map(({ reason }) => reason))];
  const isBroken = refusals.every(({ kind }) => kind === 'invariant');
  const verb = isBroken ? 'breaks a promise' : 'is not what the model does';
  const server = state.servers[sidOf(event.node)];
  const { role, phase, acceptedEpoch, currentEpoch, flushed, applied, log } = server;
  const known = { role, phase, acceptedEpoch, currentEpoch, flushed, applied, log: log.slice(-3) };
  return {
    sentence: `${nameOf(event)} ${verb}: ${reasons[0] ?? 'no state explains it'}`,
    reasons: [...reasons, `the server in the model: ${show(known)}`],
    recent: recent.map(lineOf),
    chart: chartOf(recent, event, scope),
  };
}

function nameOf({ act, args, incarnation, n, node }: ProtocolEvent): string {
  return `${showStep(act, args)} of server ${node} (event ${n} of its life ${incarnation})`;
}

function lineOf({ event, steps }: Accepted): string {
  const names = steps.map(({ action, isSilent }) => (isSilent ? `(${action})` : action));
  const by = names.length === 0 ? 'a stutter' : names.join(', ');
  return `${nameOf(event)}: ${by}`;
}

function chartOf(recent: readonly Accepted[], event: ProtocolEvent, scope: EnsembleScope): string {
  const draw = new ChartOf(scope);
  const arrows = recent.map(({ before, event: accepted, steps }): readonly Arrow[] => {
    const drawn = draw.arrows(before, steps);
    return drawn.length > 0 ? drawn : [{ from: sidOf(accepted.node), text: accepted.act }];
  });
  return renderChart([...arrows, [{ from: sidOf(event.node), text: `${event.act} ✗` }]]);
}
