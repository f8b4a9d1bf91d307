/**
 * A lock that hands out fencing tokens: the tokens spell the order of the grants, so that the whole order
 * is forced, and only real time is left to check.
 */
import { type History, NEVER, Outcome } from '../history/columns.ts';
import { firstInversion } from './blocks.ts';
import { type FastPath, type FastResult, notApplicable, violation } from './fast-path.ts';

export function tokens(): FastPath {
  return { name: 'tokens', check: checkTokens };
}

interface Grant {
  readonly token: number;
  readonly acquire: number;
  release: number | undefined;
}

function checkTokens(history: History): FastResult {
  const { count, outcome, end } = history;
  const grants = new Map<number, Grant>();
  const releases: number[] = [];
  for (let op = 0; op < count; op++) {
    if (outcome[op] === Outcome.fail) continue;
    const { f, input, output } = history.op(op);
    if (f === 'release') {
      if (typeof input !== 'number') return notApplicable('a release names no token');
      releases.push(op);
    } else if (f !== 'acquire') {
      return notApplicable(`${f} is neither an acquire nor a release`);
    } else if (outcome[op] === Outcome.ok) {
      if (typeof output !== 'number') return notApplicable('an acquire is told no token');
      const other = grants.get(output);
      if (other !== undefined) {
        return violation(history, [other.acquire, op], `token ${output} was granted twice`);
      }
      grants.set(output, { token: output, acquire: op, release: undefined });
    }
  }
  for (const op of releases) {
    const token = history.op(op).input as number;
    const isSure = end[op] !== NEVER;
    const grant = grants.get(token);
    if (grant === undefined) {
      if (isSure) return violation(history, [op], `token ${token} was released but never granted`);
    } else if (grant.release === undefined || end[grant.release] === NEVER) {
      grant.release = op;
    } else if (isSure) {
      const rows = [grant.acquire, grant.release, op];
      return violation(history, rows, `token ${token} was released twice`);
    }
  }
  return inOrder(history, [...grants.values()]);
}

function inOrder(history: History, grants: Grant[]): FastResult {
  grants.sort((a, b) => a.token - b.token);
  const order: number[] = [];
  const grantOf = new Map<number, Grant>();
  for (const [at, grant] of grants.entries()) {
    const { acquire, release, token } = grant;
    order.push(acquire);
    grantOf.set(acquire, grant);
    if (release !== undefined) {
      order.push(release);
      grantOf.set(release, grant);
      continue;
    }
    const next = grants[at + 1];
    if (next === undefined) continue;
    const why = `token ${next.token} was granted while ${token} still held the lock`;
    return violation(history, [acquire, next.acquire], why);
  }
  const inversion = firstInversion(order, history.start, history.end);
  if (inversion === undefined) return { verdict: 'linearizable', order: Int32Array.from(order) };
  const involved = inversion.map((op) => grantOf.get(op) as Grant);
  const rows = involved.flatMap(({ acquire, release }) =>
    release === undefined ? [acquire] : [acquire, release],
  );
  const [earlier, later] = involved as [Grant, Grant];
  const why =
    earlier === later
      ? `token ${earlier.token} was released before it was granted`
      : `token ${later.token} was dealt with before token ${earlier.token} was asked for`;
  return violation(history, rows, why);
}
