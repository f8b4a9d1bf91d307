/**
 * Keys are written once each, and reads take a whole group of keys. Two reads of a group of which each sees
 * a write that the other does not see have forked the order of writes, which parallel snapshot isolation
 * allows and ZooKeeper does not. A read's value is a list of `[key, value]`, null for unwritten.
 *
 * Without a fork the reads of a group, sorted by how much they see, include each other; so that neighbours
 * are enough to compare. Jepsen: tests/long-fork.
 */
import type { Operation } from '../history.ts';
import { Findings } from '../report.ts';
import type { CheckResult } from '../verdict.ts';
import { factsOf, isOk, isRefused, listOf, nameOf, operationText } from './elements.ts';

interface GroupRead {
  readonly operation: Operation;
  /** Value of each key that it saw written. */
  readonly seen: ReadonlyMap<string, string>;
}

export function checkLongFork(operations: readonly Operation[]): CheckResult {
  const findings = new Findings();
  judgeWrites(findings, operations);
  const groups = new Map<string, GroupRead[]>();
  for (const operation of operations) {
    if (operation.f !== 'read' || !isOk(operation)) continue;
    findings.looked++;
    const pairs = listOf(operation.completion?.value).map(listOf);
    const group = pairs
      .map(([key]) => nameOf(key))
      .sort()
      .join();
    const written = pairs.filter(([, value]) => value !== null && value !== undefined);
    const seen = new Map(written.map(([key, value]) => [nameOf(key), nameOf(value)]));
    const reads = groups.get(group);
    if (reads === undefined) groups.set(group, [{ operation, seen }]);
    else reads.push({ operation, seen });
  }
  for (const reads of groups.values()) judgeGroup(findings, reads);
  return findings.result('long-fork', 'reads', 'All reads see the writes in one order');
}

function judgeWrites(findings: Findings, operations: readonly Operation[]): void {
  const writers = new Map<string, Operation>();
  for (const operation of operations) {
    if (operation.f !== 'write' || isRefused(operation)) continue;
    const key = nameOf(listOf(operation.invoke.value)[0]);
    const before = writers.get(key);
    if (before === undefined) writers.set(key, operation);
    else findings.leaveOpen(`key ${key} is written more than once, nothing can be said of forks`);
  }
}

function judgeGroup(findings: Findings, reads: readonly GroupRead[]): void {
  const sorted = [...reads].sort((a, b) => a.seen.size - b.seen.size);
  let before: GroupRead | undefined;
  for (const read of sorted) {
    if (before !== undefined) compare(findings, before, read);
    before = read;
  }
}

/** `less` sees no more keys than `more`, and has to see no other ones. */
function compare(findings: Findings, less: GroupRead, more: GroupRead): void {
  const facts = factsOf(more.operation);
  const entries = [...factsOf(less.operation).entries, ...facts.entries];
  const both = `${operationText(less.operation)} and ${operationText(more.operation)}`;
  for (const [key, value] of less.seen) {
    const other = more.seen.get(key);
    if (other === value) continue;
    if (other !== undefined) {
      const message = `${both} saw ${value} and ${other} as the one value of key ${key}`;
      findings.add({ ...facts, entries, kind: 'two-values-of-one-write', message });
      return;
    }
    const unseen = [...more.seen.keys()].find((name) => !less.seen.has(name));
    const message = `${both} forked: only the first saw key ${key}, only the second key ${unseen}`;
    findings.add({ ...facts, entries, kind: 'long-fork', message });
    return;
  }
}
