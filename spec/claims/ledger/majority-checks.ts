/** What claims about majorities ask of plain arithmetic: every set, split and size that is named. */
import { range } from '../../kernel/value.ts';
import {
  atLeastHalf,
  availability,
  countServers,
  disjointQuorums,
  everyone,
  type FaultPattern,
  faultPatterns,
  isLess,
  type QuorumRule,
  serverSets,
  servingGroups,
  toleranceByCount,
  toleranceBySets,
  weighted,
} from '../../models/quorum.ts';
import { type Enumerated, enumerated } from '../checks.ts';
import type { Check } from '../claim.ts';
import type { Lab } from '../lab.ts';

const PATTERN_SIZES = range(7).map((index) => index + 1);
const SET_SIZES = range(9).map((index) => index + 1);
const patternScope = 'every crash and partition of 1 to 7 servers';
const setScope = 'every set of servers of ensembles of 1 to 9';

const describe = ({ size, crashed, groups }: FaultPattern): string =>
  `${size} servers, ${crashed.length} crashed, the others ` +
  `${groups.map((group) => group.length).join(' + ') || 'none'}`;

/** Looks at every pattern; the first that does not fit is the counterexample. */
function everyPattern(
  name: string,
  fits: (pattern: FaultPattern, serving: readonly (readonly number[])[]) => boolean,
): Check {
  return enumerated(name, patternScope, (lab) => {
    let looked = 0;
    for (const pattern of PATTERN_SIZES.flatMap((size) => [...faultPatterns(size)])) {
      looked += pattern.standsFor;
      const serving = servingGroups(pattern, (size) => lab.quorumRule(size));
      if (!fits(pattern, serving)) return { isTrue: false, looked, detail: describe(pattern) };
    }
    return { isTrue: true, looked, detail: 'no exception' };
  });
}

/** Looks at every size; the first that does not fit is the counterexample. */
function everySize(
  name: string,
  sizes: readonly number[],
  scope: string,
  fits: (size: number, lab: Lab) => boolean,
  casesOf: (size: number) => number = () => 1,
): Check {
  return enumerated(name, scope, (lab) => {
    const wrong = sizes.find((size) => !fits(size, lab));
    const looked = sizes.reduce((sum, size) => sum + casesOf(size), 0);
    return {
      isTrue: wrong === undefined,
      looked,
      detail: wrong === undefined ? 'no exception' : `not of ${wrong} servers`,
    };
  });
}

export const serviceFollowsTheLiving = everyPattern(
  'somebody serves exactly while more than half are alive',
  ({ size, crashed }, serving) => serving.length > 0 === 2 * crashed.length < size,
);

export const serviceFollowsTheConnected = everyPattern(
  'somebody serves exactly while more than half are alive and connected',
  ({ size, groups }, serving) =>
    serving.length > 0 === groups.some((group) => 2 * group.length > size),
);

export const atMostOneGroupServes = everyPattern(
  'at most one group serves',
  (_, serving) => serving.length <= 1,
);

const EVEN_SIZES = SET_SIZES.filter((size) => size % 2 === 0);

export const noDisjointQuorums = everySize(
  'no two quorums are disjoint',
  SET_SIZES,
  setScope,
  (size, lab) => disjointQuorums(lab.quorumRule(size)) === undefined,
  (size) => 2 ** size,
);

export const evenToleratesNoMore = everySize(
  '2n and 2n − 1 servers tolerate n − 1 dead, whichever they are',
  EVEN_SIZES,
  setScope,
  (size, lab) =>
    toleranceBySets(lab.quorumRule(size)) === size / 2 - 1 &&
    toleranceBySets(lab.quorumRule(size - 1)) === size / 2 - 1,
  (size) => 2 ** size + 2 ** (size - 1),
);

export const evenToleratesNoMoreUpTo = (largest: number): Check =>
  everySize(
    '2n and 2n − 1 servers tolerate n − 1 dead',
    range(largest / 2).map((index) => 2 * (index + 1)),
    `sizes 1 to ${largest}, counting`,
    (size) =>
      toleranceByCount(size) === size / 2 - 1 && toleranceByCount(size - 1) === size / 2 - 1,
    () => 2,
  );

const UPTIMES = [50n, 90n, 99n];

export const evenIsLessAvailable = everySize(
  'with equal uptimes, 2n servers are less available than 2n − 1',
  EVEN_SIZES,
  `${setScope}, each up 50 %, 90 % and 99 % of the time`,
  (size, lab) =>
    UPTIMES.every((percent) =>
      isLess(
        availability(lab.quorumRule(size), percent, 100n),
        availability(lab.quorumRule(size - 1), percent, 100n),
      ),
    ),
  (size) => UPTIMES.length * (2 ** size + 2 ** (size - 1)),
);

const smallestQuorum = (rule: QuorumRule): number =>
  Math.min(...[...serverSets(rule)].filter(rule.isQuorum).map(countServers));

export const evenWaitsForOneMore = everySize(
  'a write of 2n servers waits for one acknowledgement more than one of 2n − 1',
  EVEN_SIZES,
  setScope,
  (size, lab) =>
    smallestQuorum(lab.quorumRule(size)) === smallestQuorum(lab.quorumRule(size - 1)) + 1,
  (size) => 2 ** size + 2 ** (size - 1),
);

/** One more server is one more that answers reads and holds a copy. */
export const evenGivesNothing = everySize(
  '2n servers have nothing that 2n − 1 lack: neither tolerance, nor readers, nor copies',
  EVEN_SIZES,
  setScope,
  (size, lab) => {
    const one = lab.quorumRule(size);
    const other = lab.quorumRule(size - 1);
    return toleranceBySets(one) <= toleranceBySets(other) && one.size <= other.size;
  },
);

export const neitherDataCentreServes = enumerated(
  'cut between the data centres: of 3 + 3 neither serves, of 3 + 2 one; with half enough, both do',
  'six servers and five, one cut, two rules',
  (lab) => {
    const six = {
      size: 6,
      crashed: [],
      groups: [
        [1, 2, 3],
        [4, 5, 6],
      ],
    };
    const five = {
      size: 5,
      crashed: [],
      groups: [
        [1, 2, 3],
        [4, 5],
      ],
    };
    const rule = (size: number) => lab.quorumRule(size);
    const counts = [
      servingGroups(six, rule).length,
      servingGroups(five, rule).length,
      servingGroups(six, atLeastHalf).length,
    ];
    const isTrue = counts.join() === '0,1,2';
    return { isTrue, looked: 3, detail: `sides that serve: ${counts.join(', ')}` };
  },
);

/** An observer is a server without weight. */
export const observersDecideNothing = enumerated(
  'with observers, exactly the same sets of voters are quorums, whichever observers are with them',
  'ensembles of 1 to 6 voters and 0 to 3 observers, every set',
  (lab): Enumerated => {
    let looked = 0;
    for (const voters of range(6).map((index) => index + 1)) {
      for (const observers of range(4)) {
        const alone = lab.quorumRule(voters);
        const both = weighted([...range(voters).map(() => 1), ...range(observers).map(() => 0)]);
        for (const set of serverSets(both)) {
          looked++;
          const isSame = both.isQuorum(set) === alone.isQuorum(set & everyone(voters));
          const detail = `${voters} voters, ${observers} observers`;
          if (!isSame) return { isTrue: false, looked, detail };
        }
      }
    }
    return { isTrue: true, looked, detail: 'no exception' };
  },
);
