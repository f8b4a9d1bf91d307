/**
 * Makes a failing plan small: its faults, the ends of its clients, whole clients, then single operations,
 * each by delta debugging (Zeller's ddmin), as long as the same signature fails. Draws are split by
 * label, so that taking one fault away leaves all others as they were.
 */
import type { Plan } from './plan.ts';
import type { RunResult } from './result.ts';

/** What must stay the same, so that shrinking does not slip to another bug. */
export function signatureOf(result: RunResult): string {
  const anomaly = result.checks
    .filter((check) => check.verdict === 'violation')
    .flatMap((check) => check.anomalies.map(({ kind }) => `${check.checker}/${kind}`))
    .at(0);
  return `${result.verdict}:${anomaly ?? ''}`;
}

export interface ShrinkResult {
  readonly plan: Plan;
  readonly tries: number;
  /** False where the budget ended before nothing more could be taken away. */
  readonly isMinimal: boolean;
}

/** `fails` runs a plan; `mayGoOn` is the budget. */
export function shrinkPlan(
  plan: Plan,
  fails: (candidate: Plan) => boolean,
  mayGoOn: () => boolean,
): ShrinkResult {
  let tries = 0;
  let isCut = false;
  const attempt = (candidate: Plan): boolean => {
    if (!mayGoOn()) {
      isCut = true;
      return false;
    }
    tries++;
    return fails(candidate);
  };
  const withFaults = (base: Plan, faults: Plan['faults']): Plan => ({ ...base, faults });
  const withClients = (base: Plan, clients: Plan['clients']): Plan => ({ ...base, clients });
  let best = plan;
  best = withFaults(
    best,
    minimize(best.faults, (faults) => attempt(withFaults(best, faults))),
  );
  best = withClients(best, truncated(best, attempt));
  best = withClients(
    best,
    minimize(best.clients, (clients) => clients.length > 0 && attempt(withClients(best, clients))),
  );
  const flat = best.clients.flatMap((client) =>
    client.ops.map((op) => ({ client: client.id, op })),
  );
  const only = (ops: readonly (typeof flat)[number][]): Plan['clients'] =>
    best.clients.map((client) => ({
      id: client.id,
      ops: ops.filter((item) => item.client === client.id).map((item) => item.op),
    }));
  const kept = minimize(flat, (ops) => attempt(withClients(best, only(ops))));
  best = withClients(best, only(kept));
  return { plan: best, tries, isMinimal: !isCut };
}

/** Halves every client's operations from the end while it still fails. */
function truncated(plan: Plan, fails: (candidate: Plan) => boolean): Plan['clients'] {
  let { clients } = plan;
  for (;;) {
    const shorter = clients.map((client) => ({
      id: client.id,
      ops: client.ops.slice(0, Math.ceil(client.ops.length / 2)),
    }));
    const isShorter = shorter.some(
      (client, index) => client.ops.length < (clients[index]?.ops.length ?? 0),
    );
    if (!isShorter || !fails({ ...plan, clients: shorter })) return clients;
    clients = shorter;
  }
}

/** A subset that still fails, from which no part of the last granularity can be taken. */
export function minimize<T>(
  items: readonly T[],
  fails: (candidate: readonly T[]) => boolean,
): readonly T[] {
  if (items.length === 0 || fails([])) return [];
  let current = items;
  let parts = 2;
  while (current.length >= 2) {
    const size = Math.ceil(current.length / parts);
    let reduced: readonly T[] | undefined;
    for (let start = 0; start < current.length && reduced === undefined; start += size) {
      const rest = [...current.slice(0, start), ...current.slice(start + size)];
      if (rest.length > 0 && fails(rest)) reduced = rest;
    }
    if (reduced !== undefined) {
      current = reduced;
      parts = Math.max(parts - 1, 2);
    } else if (parts >= current.length) {
      break;
    } else {
      parts = Math.min(parts * 2, current.length);
    }
  }
  return current;
}
