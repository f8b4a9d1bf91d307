/** What claims about CAP ask of all policies of the class: see `models/cap-register.ts`. */
import {
  capRegister,
  describePolicy,
  type PolicyVerdict,
  policies,
  surveyPolicies,
  withoutPartitions,
} from '../../models/cap-register.ts';
import { type Enumerated, enumerated, formatCount } from '../checks.ts';
import type { Lab } from '../lab.ts';

const WRITES = 1;
const scope = `cap: all ${formatCount(policies.length)} one-round policies, ${WRITES} write, any reads`;

interface Survey {
  readonly verdicts: readonly PolicyVerdict[];
  readonly states: number;
}

const surveys = new WeakMap<Lab, Survey>();

/** One survey serves all claims of one lab. */
function surveyIn(lab: Lab): Survey {
  const known = surveys.get(lab);
  if (known !== undefined) return known;
  const verdicts = [...surveyPolicies(WRITES, (spec) => lab.mutated(capRegister.name, spec))];
  const states = verdicts.reduce((sum, { exploration }) => sum + exploration.distinct, 0);
  const survey = { verdicts, states };
  surveys.set(lab, survey);
  return survey;
}

/** Names one policy as an example, or says that there is none. */
function example(found: readonly PolicyVerdict[]): string {
  const first = found[0];
  if (first === undefined) return 'none';
  const policy = policies[first.policy];
  return `${formatCount(found.length)}, such as ${policy === undefined ? '' : describePolicy(policy)}`;
}

const isBoth = ({ isConsistent, isAvailable }: PolicyVerdict): boolean =>
  isConsistent && isAvailable;

export const noPolicyIsBoth = enumerated(
  'no policy is consistent and available when the link may break',
  scope,
  (lab): Enumerated => {
    const { verdicts, states } = surveyIn(lab);
    const both = verdicts.filter(isBoth);
    return { isTrue: both.length === 0, looked: states, detail: `both: ${example(both)}` };
  },
);

/** Else the class would be too poor to say anything. */
export const eachAloneIsPossible = enumerated(
  'some policies are consistent, others available',
  scope,
  (lab): Enumerated => {
    const { verdicts, states } = surveyIn(lab);
    const consistent = verdicts.filter(({ isConsistent }) => isConsistent);
    const available = verdicts.filter(({ isAvailable }) => isAvailable);
    return {
      isTrue: consistent.length > 0 && available.length > 0,
      looked: states,
      detail: `consistent: ${example(consistent)} | available: ${example(available)}`,
    };
  },
);

export const bothWithoutPartitions = enumerated(
  'while the link holds, some policies are both',
  scope.replace('any reads', 'any reads, no cut'),
  (): Enumerated => {
    const verdicts = [...surveyPolicies(WRITES, withoutPartitions)];
    const both = verdicts.filter(isBoth);
    const looked = verdicts.reduce((sum, { exploration }) => sum + exploration.distinct, 0);
    return { isTrue: both.length > 0, looked, detail: `both: ${example(both)}` };
  },
);

export const consistentPoliciesRefuse = enumerated(
  'every consistent policy refuses something while the link is down',
  scope,
  (lab): Enumerated => {
    const { verdicts, states } = surveyIn(lab);
    const consistent = verdicts.filter(({ isConsistent }) => isConsistent);
    const refusing = consistent.filter(({ exploration }) =>
      exploration.violations.some(({ property }) => property === 'available'),
    );
    return {
      isTrue: consistent.length > 0 && refusing.length === consistent.length,
      looked: states,
      detail: `${refusing.length} of ${consistent.length} consistent policies refuse`,
    };
  },
);
