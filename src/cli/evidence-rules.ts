/**
 * Which runs speak to which claim. A rule names a workload, the checkers that must have looked at something
 * and found nothing wrong, and the known bug that must be caught (`without`), which shows that the runs could
 * have told otherwise. What breaks the plain sentence all the same is brought about on purpose, in an
 * experiment on the same claim.
 */

import type { RecordedVerdict } from '../../spec/claims/index.ts';
import type { RunResult } from '../harness/index.ts';

export interface EvidenceRule {
  readonly claim: string;
  readonly worlds: readonly ('simulation' | 'process' | 'container')[];
  readonly workload: string;
  readonly checkers: readonly string[];
  readonly without?: {
    /** An entry of the zoo: a rule of the system taken away. */
    readonly zoo: string;
    /** Of a claim that leaves out this rule. */
    readonly verdict: RecordedVerdict;
  };
}

const everywhere = ['simulation', 'process', 'container'] as const;
const simulated = ['simulation'] as const;
const DISKS = ['durability', 'final-reads'];

const row = (
  claim: string,
  workload: string,
  checkers: readonly string[],
  more: Partial<EvidenceRule> = {},
): EvidenceRule => ({ claim, worlds: everywhere, workload, checkers, ...more });

/** The sentence holds with the rule, and the bug shows what happens without it. */
const caught = (zoo: string, verdict: RecordedVerdict = 'holds') => ({ without: { zoo, verdict } });

export const evidenceRules: readonly EvidenceRule[] = [
  row('Q3', 'register', ['one-leader-per-epoch'], caught('half-is-enough')),
  row('Z3', 'register', [...DISKS, 'log-agreement'], caught('ack-before-flush', 'qualified')),
  row('Z5', 'counter', [
    'log-agreement',
    'applied-agreement',
    'tree-agreement',
    'one-transaction-per-zxid',
  ]),
  row('G1', 'register', ['zookeeper-writes', 'zookeeper-order']),
  row('G3', 'register', ['zookeeper-order', 'zookeeper-reads']),
  row('G4', 'register', DISKS, caught('ack-before-flush', 'qualified')),
  row('G6', 'register', ['zookeeper-own-writes', 'linearizability']),
  row('C3', 'register', ['linearizability', 'zookeeper-order']),
  row('D6', 'unique-ids', ['unique-ids'], {
    worlds: simulated,
    ...caught('sequence-counts-children'),
  }),
  row('D10', 'configuration', ['zookeeper-watches']),
  row('D11', 'configuration', ['configuration'], caught('watch-left-after-read')),
  row('D14', 'configuration', ['configuration', 'final-reads']),
  row('R10', 'queue', ['queue'], caught('take-asked-again')),
  row('R1', 'lock', ['fenced-store', 'lock-grants'], caught('lock-ignores-predecessor')),
  row(
    'R3',
    'read-write-lock',
    ['fenced-store', 'lock-grants'],
    caught('reader-overtakes-waiting-writer'),
  ),
  row(
    'R5',
    'election',
    ['leader-terms', 'leader-records', 'leader-grants'],
    caught('contenders-sorted-by-name'),
  ),
  row(
    'R6',
    'registration',
    ['registration', 'session-expiry'],
    caught('ephemerals-outlive-session'),
  ),
  row('R7', 'unique-ids', ['unique-ids'], caught('sequence-counts-children')),
  row('R8', 'configuration', ['configuration', 'final-reads'], caught('watch-left-after-read')),
];

/** Claims that the tolerance table answers: every size, every number of dead servers, two data centres. */
export const toleranceClaims: readonly string[] = ['Q1', 'Q2', 'Q4'];

export interface RuleOutcome {
  /** Undefined: the runs do not speak to the claim, for the reason given. */
  readonly verdict: RecordedVerdict | undefined;
  readonly why: string;
  readonly counts: Readonly<Record<string, number>>;
}

/** From the results of a rule's runs, and whether its known bug was caught, to a verdict. */
export function judgeRule(
  rule: EvidenceRule,
  results: readonly RunResult[],
  isBugCaught: boolean | undefined,
): RuleOutcome {
  const sound = results.filter(({ verdict }) => verdict !== 'harness-error');
  const counts: Record<string, number> = { runs: sound.length };
  const open = (why: string): RuleOutcome => ({ verdict: undefined, why, counts });
  if (sound.length === 0) return open('no run came to its end');
  for (const name of rule.checkers) {
    const checks = sound.flatMap(({ checks: all }) => all.filter((one) => one.checker === name));
    const looked = checks.reduce((sum, check) => sum + check.looked, 0);
    const violations = checks.filter(({ verdict }) => verdict === 'violation').length;
    counts[`${name}: looked`] = looked;
    if (violations > 0) {
      counts[`${name}: violations`] = violations;
      return { verdict: 'refuted', why: `${name} found a violation`, counts };
    }
    if (looked === 0) return open(`${name} saw nothing`);
  }
  if (rule.without !== undefined) {
    counts[`caught ${rule.without.zoo}`] = isBugCaught === true ? 1 : 0;
    if (isBugCaught !== true) return open(`${rule.without.zoo} was not caught`);
  }
  return { verdict: rule.without?.verdict ?? 'holds', why: 'no violation', counts };
}
