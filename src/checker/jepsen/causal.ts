/**
 * Two tests of causality. A *causal register* is used by one client at a time, which links each operation to
 * the position that it has seen: writes count 1, 2, … and reads see the newest write they are linked to.
 * *Causal reverse*: whoever sees a write sees every write that had been acknowledged before that one was
 * sent. Jepsen: tests/causal, tests/causal-reverse.
 */
import type { Operation } from '../history.ts';
import { Findings, field } from '../report.ts';
import type { CheckResult } from '../verdict.ts';
import { endOf, factsOf, isOk, isRefused, listOf, nameOf, operationText } from './elements.ts';

interface CausalState {
  readonly value: number;
  readonly position: unknown;
}

/**
 * Per key, in the order of completion: `read-init`, `write` and `read` with the value
 * `{value, position, link}`; the first link is `"init"`.
 */
export function checkCausalRegister(operations: readonly Operation[]): CheckResult {
  const findings = new Findings();
  const states = new Map<string, CausalState>();
  const done = operations.filter(isOk).sort((a, b) => endOf(a) - endOf(b));
  for (const operation of done) {
    const { f, key = '', completion } = operation;
    if (f !== 'read-init' && f !== 'write' && f !== 'read') continue;
    findings.looked++;
    const state = states.get(key) ?? { value: 0, position: undefined };
    const value = field(completion?.value, 'value');
    const link = field(completion?.value, 'link');
    const position = field(completion?.value, 'position');
    const problem = problemOf(f, state, value, link);
    if (problem !== undefined) {
      const message = `${operationText(operation)} on ${key}: ${problem}`;
      findings.add({ ...factsOf(operation), kind: 'causality-broken', message });
    }
    const next = f === 'write' && typeof value === 'number' ? value : state.value;
    states.set(key, { value: next, position });
  }
  return findings.result('causal', 'operations', 'Every operation follows what it is linked to');
}

function problemOf(
  f: 'read-init' | 'write' | 'read',
  state: CausalState,
  value: unknown,
  link: unknown,
): string | undefined {
  if (link !== 'init' && link !== state.position) {
    return `it is linked to ${nameOf(link)}, not to ${nameOf(state.position)}`;
  }
  if (f === 'write') {
    const should = state.value + 1;
    return value === should ? undefined : `it wrote ${nameOf(value)}, should be ${should}`;
  }
  if (value === null || value === undefined || value === state.value) return undefined;
  return `it read ${nameOf(value)}, should be ${state.value}`;
}

/** `write` of unique values, and `read` of the list of all that is there. */
export function checkCausalReverse(operations: readonly Operation[]): CheckResult {
  const findings = new Findings();
  const writes = operations.filter((operation) => operation.f === 'write' && !isRefused(operation));
  const byValue = new Map(writes.map((write) => [nameOf(write.invoke.value), write]));
  const acknowledged = writes.filter(isOk).sort((a, b) => endOf(a) - endOf(b));
  for (const read of operations) {
    if (read.f !== 'read' || !isOk(read)) continue;
    findings.looked++;
    judgeRead(findings, read, byValue, acknowledged);
  }
  return findings.result('causal-reverse', 'reads', 'Whoever sees a write sees those before it');
}

function judgeRead(
  findings: Findings,
  read: Operation,
  byValue: ReadonlyMap<string, Operation>,
  acknowledged: readonly Operation[],
): void {
  const seen = new Set<Operation>();
  let newest: Operation | undefined;
  for (const value of listOf(read.completion?.value)) {
    const write = byValue.get(nameOf(value));
    if (write === undefined) continue;
    seen.add(write);
    if (newest === undefined || write.invoke.index > newest.invoke.index) newest = write;
  }
  if (newest === undefined) return;
  const { index } = newest.invoke;
  const before = countBefore(acknowledged, index);
  let have = 0;
  for (const write of seen) if (isOk(write) && endOf(write) < index) have++;
  if (have === before) return;
  const missed = acknowledged.find((write) => !seen.has(write));
  if (missed === undefined) return;
  const message =
    `${operationText(read)} sees ${operationText(newest)}, but not ${operationText(missed)}, ` +
    'which had been acknowledged before that was sent';
  findings.add({ ...factsOf(read), kind: 'causal-reverse', message });
}

/** How many ended before that place. */
function countBefore(byEnd: readonly Operation[], index: number): number {
  let low = 0;
  let high = byEnd.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (endOf(byEnd[middle] as Operation) < index) low = middle + 1;
    else high = middle;
  }
  return low;
}
