/**
 * Several checkers as one. Verdicts form a lattice in which only `pass` is green: a violation outweighs
 * what could not be decided, that outweighs what was never exercised, and nothing at all is not a pass. A
 * checker that breaks says nothing about the system: its verdict is unknown. Jepsen: checker/compose,
 * check-safe, merge-valid.
 */
import { type CheckResult, type CheckVerdict, mergeVerdicts } from './verdict.ts';

export type Checker<Evidence> = (evidence: Evidence) => CheckResult | readonly CheckResult[];

export interface Composed {
  readonly verdict: CheckVerdict;
  readonly results: readonly CheckResult[];
}

export function compose<Evidence>(
  checkers: Readonly<Record<string, Checker<Evidence>>>,
): (evidence: Evidence) => Composed {
  return (evidence) => {
    const results = Object.entries(checkers).flatMap(([name, checker]) =>
      checkSafely(name, checker, evidence),
    );
    const verdicts = results.map(({ verdict }) => verdict);
    return { verdict: verdicts.length === 0 ? 'not-exercised' : mergeVerdicts(verdicts), results };
  };
}

/** What the checker says, or that it could not. */
export function checkSafely<Evidence>(
  name: string,
  checker: Checker<Evidence>,
  evidence: Evidence,
): readonly CheckResult[] {
  try {
    const results = checker(evidence);
    return (
      Array.isArray(results) ? (results as readonly CheckResult[]) : [results as CheckResult]
    ).map(honest);
  } catch (error) {
    const why = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
    return [
      {
        checker: name,
        verdict: 'unknown',
        looked: 0,
        items: 'items',
        summary: `the checker broke: ${why}`,
        anomalies: [],
      },
    ];
  }
}

/** Who looked at nothing has nothing to praise. */
function honest(result: CheckResult): CheckResult {
  if (result.verdict !== 'pass' || result.looked > 0) return result;
  return {
    ...result,
    verdict: 'not-exercised',
    summary: `there were no ${result.items} to look at`,
  };
}
