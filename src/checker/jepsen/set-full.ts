/**
 * A set that grows by unique elements and is read whole, judged element by element. An element is *known*
 * once its add or a read that saw it is over. It is *stable* when every read that begins after some moment
 * sees it, *lost* when the last reads begin after it is known and do not see it, else *never read*. A
 * stable one that some read missed after it was known is *stale*: a violation only where the set has to be
 * linearizable. Jepsen: checker/set-full.
 */
import type { Operation } from '../history.ts';
import { Findings, formatTime } from '../report.ts';
import type { CheckResult } from '../verdict.ts';
import { endOf, factsOf, isOk, isRefused, listOf, nameOf, operationText } from './elements.ts';

export interface SetFullOptions {
  /** Kinds of operations; `add` and `read` by default. */
  readonly add?: string;
  readonly read?: string;
  readonly isLinearizable?: boolean;
}

interface Element {
  readonly name: string;
  readonly add: Operation | undefined;
  /** When it was first known: place and time in the history. */
  known: number;
  knownTime: number;
  /** Begin of the newest read that saw it, and of the newest that did not. */
  present: Operation | undefined;
  absent: Operation | undefined;
}

export interface SetFullDetails {
  readonly stable: number;
  readonly stale: number;
  readonly lost: number;
  readonly neverRead: number;
  /** Milliseconds until an element was seen for good, of the slowest stale ones. */
  readonly slowestMs: readonly number[];
}

export function checkSetFull(
  operations: readonly Operation[],
  options: SetFullOptions = {},
): CheckResult {
  const { add = 'add', read = 'read', isLinearizable = false } = options;
  const findings = new Findings();
  const reads = operations.filter((operation) => operation.f === read && isOk(operation));
  const elements = collect(
    findings,
    operations.filter((operation) => operation.f === add && !isRefused(operation)),
    reads,
  );
  placeReads(elements, reads);
  const counts = { stable: 0, stale: 0, lost: 0, neverRead: 0 };
  const delaysMs: number[] = [];
  for (const element of elements.values()) {
    findings.looked++;
    const fate = fateOf(element);
    counts[fate]++;
    if (fate === 'lost') reportLost(findings, element);
    if (fate !== 'stable') continue;
    const delayMs = delayOf(element);
    if (delayMs === undefined) continue;
    counts.stale++;
    delaysMs.push(delayMs);
    if (isLinearizable) reportStale(findings, element);
  }
  if (counts.stale > 0 && !isLinearizable) findings.count('stale elements', counts.stale);
  if (counts.neverRead > 0) findings.count('elements never read', counts.neverRead);
  const isJudged = counts.stable + counts.lost > 0;
  if (!isJudged) findings.looked = 0;
  const slowestMs = delaysMs.sort((a, b) => b - a).slice(0, 10);
  const details: SetFullDetails = { ...counts, slowestMs };
  return findings.result('set-full', 'elements', 'Every known element stays', details);
}

function collect(
  findings: Findings,
  adds: readonly Operation[],
  reads: readonly Operation[],
): Map<string, Element> {
  const elements = new Map<string, Element>();
  for (const add of adds) {
    const name = nameOf(add.invoke.value);
    const isKnown = isOk(add);
    elements.set(name, {
      ...{ name, add, present: undefined, absent: undefined },
      known: isKnown ? endOf(add) : Number.POSITIVE_INFINITY,
      knownTime: isKnown ? (add.completion?.time ?? 0) : Number.POSITIVE_INFINITY,
    });
  }
  for (const read of reads) {
    const seen = new Set<string>();
    for (const value of listOf(read.completion?.value)) {
      const name = nameOf(value);
      if (seen.has(name)) {
        const message = `${operationText(read)} lists ${name} twice`;
        findings.add({ ...factsOf(read), kind: 'element-twice', message });
      }
      seen.add(name);
      noteSeen(findings, elements, name, read);
    }
  }
  return elements;
}

function noteSeen(
  findings: Findings,
  elements: Map<string, Element>,
  name: string,
  read: Operation,
): void {
  const element = elements.get(name);
  if (element === undefined) {
    const message = `${operationText(read)} lists ${name}, which nobody added`;
    findings.add({ ...factsOf(read), kind: 'element-from-nowhere', message });
    return;
  }
  const { completion } = read;
  if (completion === undefined || completion.index >= element.known) return;
  element.known = completion.index;
  element.knownTime = completion.time;
}

/** From the newest read to the oldest, so that each element is placed by the first that decides it. */
function placeReads(elements: ReadonlyMap<string, Element>, reads: readonly Operation[]): void {
  const byBegin = [...reads].sort((a, b) => b.invoke.index - a.invoke.index);
  let unplaced = [...elements.values()];
  for (const read of byBegin) {
    const names = new Set(listOf(read.completion?.value).map(nameOf));
    for (const name of names) {
      const element = elements.get(name);
      if (element !== undefined) element.present ??= read;
    }
    unplaced = unplaced.filter((element) => {
      if (!names.has(element.name)) element.absent = read;
      return element.absent === undefined;
    });
  }
}

function fateOf({ present, absent, known }: Element): 'stable' | 'lost' | 'neverRead' {
  const seen = present?.invoke.index ?? -1;
  const missed = absent?.invoke.index ?? -1;
  if (seen > missed) return 'stable';
  return known < missed ? 'lost' : 'neverRead';
}

/** Undefined where no read missed it after it was known. */
function delayOf({ absent, known, knownTime }: Element): number | undefined {
  if (absent === undefined || absent.invoke.index < known) return undefined;
  return Math.round((absent.invoke.time - knownTime) / 1e6);
}

function reportLost(findings: Findings, { name, add, absent, present, knownTime }: Element): void {
  if (absent === undefined) return;
  const last =
    present === undefined ? 'it was never read' : `last seen by ${operationText(present)}`;
  findings.add({
    ...factsOf(add ?? absent),
    kind: 'element-lost',
    message: `${name}, known at ${formatTime(knownTime)}, is missed by ${operationText(absent)}; ${last}`,
  });
}

function reportStale(findings: Findings, { name, absent, knownTime }: Element): void {
  if (absent === undefined) return;
  findings.add({
    ...factsOf(absent),
    kind: 'element-stale',
    message: `${operationText(absent)} does not list ${name}, known since ${formatTime(knownTime)}`,
  });
}
