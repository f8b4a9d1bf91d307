/**
 * What befalls the servers in a behaviour of the model, as faults that a real cluster can be given: who dies,
 * who is cut off from whom, whose patience ends, each at the protocol step after which it happens in the
 * model. The rest of the behaviour a real cluster does by itself.
 */
import type { Sid, State } from '../models/zab/system-state.ts';
import type { Behaviour } from './walk.ts';

export interface ModelFault {
  readonly kind: 'crash' | 'cut' | 'timeout';
  /** One or more that are down together; the two that cannot reach each other; the one that gives up. */
  readonly servers: readonly number[];
  /** The last step before it that servers tell of: which, whose, and the how-manieth since the fault before. */
  readonly after:
    | { readonly act: string; readonly server: number; readonly nth: number }
    | undefined;
  /** How many steps of the model it lasts. */
  readonly steps: number;
}

/** Steps of the model that a server tells of by the same name, as its own. */
const TOLD: ReadonlySet<string> = new Set([
  'EpochProposed',
  'AcceptedEpochSaved',
  'CurrentEpochSaved',
  'SyncReceived',
  'SnapshotInstalled',
  'Truncated',
  'LearnerActivated',
  'ProposalSent',
  'ProposalReceived',
  'TxnFlushed',
  'AckReceived',
  'CommitReceived',
]);

interface Told {
  readonly act: string;
  readonly sid: Sid;
}

export function faultsOf(behaviour: Behaviour): readonly ModelFault[] {
  const faults: ModelFault[] = [];
  const numberOf = leaderLast(behaviour);
  let told: Told[] = [];
  for (const [at, { before, step }] of behaviour.entries()) {
    const { action, params } = step;
    const { i, j } = params as { readonly i: Sid; readonly j?: Sid };
    if (TOLD.has(action)) told.push({ act: action, sid: i });
    const kind = kindOf(behaviour[at] as Behaviour[number]);
    if (kind === undefined) continue;
    const last = faults.at(-1);
    if (kind === 'crash' && last?.kind === 'crash' && isSomebodyDown(before)) {
      const servers = [...new Set([...last.servers, numberOf(i)])].sort((a, b) => a - b);
      faults[faults.length - 1] = { ...last, servers };
      continue;
    }
    const servers = (kind === 'cut' ? [i, j as Sid] : [i]).map(numberOf).sort((a, b) => a - b);
    faults.push({ kind, servers, after: afterOf(told, numberOf), steps: lengthOf(behaviour, at) });
    told = [];
  }
  return faults;
}

function kindOf({ before, step, after }: Behaviour[number]): ModelFault['kind'] | undefined {
  if (step.action === 'Crash') return 'crash';
  if (step.action === 'Partitioned') return 'cut';
  // A role that had to end did so because of something else.
  return after.used.timeouts > before.used.timeouts ? 'timeout' : undefined;
}

function isSomebodyDown(s: State): boolean {
  return Object.values(s.servers).some(({ role }) => role === 'down');
}

function afterOf(told: readonly Told[], numberOf: (sid: Sid) => number): ModelFault['after'] {
  const last = told.at(-1);
  if (last === undefined) return undefined;
  const nth = told.filter(({ act, sid }) => act === last.act && sid === last.sid).length;
  return { act: last.act, server: numberOf(last.sid), nth };
}

/** Until the servers are back, or can reach each other again. */
function lengthOf(behaviour: Behaviour, from: number): number {
  const { step } = behaviour[from] as Behaviour[number];
  const ends = step.action === 'Partitioned' ? 'Healed' : 'Recovered';
  const { i } = step.params;
  const length = behaviour
    .slice(from)
    .findIndex(({ step: later }) => later.action === ends && later.params.i === i);
  return length < 0 ? behaviour.length - from : length;
}

/** Among equals a real ensemble elects its largest id: it gets the part of the first who leads. */
function leaderLast(behaviour: Behaviour): (sid: Sid) => number {
  const elected = behaviour.find(({ step }) => step.params.leader !== undefined)?.step.params;
  const count = Object.keys(behaviour[0]?.before.servers ?? {}).length;
  const leader = Number(String(elected?.leader ?? `s${count}`).slice(1));
  return (sid) => {
    const number = Number(sid.slice(1));
    if (number === leader) return count;
    return number === count ? leader : number;
  };
}
