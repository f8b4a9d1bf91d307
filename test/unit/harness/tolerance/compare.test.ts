import { describe, expect, test } from 'vitest';
import { atLeastHalf } from '../../../../spec/models/quorum.ts';
import { wordOf } from '../../../../src/cli/tolerance-patterns.ts';
import { toleranceText } from '../../../../src/cli/tolerance-text.ts';
import type { GroupObservation, Outcome } from '../../../../src/harness/tolerance/group-watch.ts';
import { judgeTolerance } from '../../../../src/harness/tolerance/judge-tolerance.ts';
import type { Observation } from '../../../../src/harness/tolerance/observe.ts';
import { crashPatterns, type Pattern } from '../../../../src/harness/tolerance/pattern.ts';
import { renderToleranceReport } from '../../../../src/report/tolerance/render-tolerance.ts';
import { readSources, resolveImport } from '../../tidy/imports.ts';

function group(members: readonly number[], outcome: Outcome): GroupObservation {
  return {
    members,
    outcome,
    hadLeader: members.includes(3),
    servedAfterMs: outcome === 'served' ? 900 : null,
    refusedForMs: outcome === 'refused' ? 3000 : 0,
    watchedMs: outcome === 'refused' ? 4000 : 900,
    refusals: {},
    isServedAgain: true,
    evidence: 'as seen',
  };
}

function seen(pattern: Pattern, ...outcomes: readonly Outcome[]): Observation {
  const groups = pattern.groups.map((members, index) =>
    group(members, outcomes[index] ?? 'unclear'),
  );
  return { pattern, leader: 3, groups, problems: [] };
}

/** What a right ensemble of three and of four shows. */
function rightTable(): Observation[] {
  const three = crashPatterns(3).map((pattern) =>
    seen(pattern, pattern.crashed.length <= 1 ? 'served' : 'refused'),
  );
  const four = crashPatterns(4).map((pattern) =>
    seen(pattern, pattern.crashed.length <= 1 ? 'served' : 'refused'),
  );
  return [...three, ...four];
}

const judge = (observations: readonly Observation[], word = wordOf()) =>
  judgeTolerance([{ world: 'simulation', observations }], word, [], false);

describe('the observed table against the word of the model', () => {
  test('a right table passes, and tells that 3 ≡ 4', () => {
    const { verdict, sentence, tables } = judge(rightTable());
    expect(verdict).toBe('pass');
    expect(sentence).toContain('3 ≡ 4');
    for (const { tolerates } of tables) {
      expect(tolerates).toEqual([
        { size: 3, crashed: 1 },
        { size: 4, crashed: 1 },
      ]);
    }
  });

  test('a mutant of the model is told from the ensemble', () => {
    const { verdict, reasons } = judge(rightTable(), wordOf(atLeastHalf));
    expect(verdict).toBe('violation');
    expect(reasons[0]).toContain('refused, where the model says that it serves');
  });

  test('service without a quorum, and refusal with one, are violations', () => {
    const table = rightTable();
    const half = table.findIndex(({ pattern }) => pattern.crashed.join(' ') === '1 2');
    const pattern = (table[half] as Observation).pattern;
    const { verdict, checks } = judge(table.with(half, seen(pattern, 'served')));
    expect(verdict).toBe('violation');
    expect(checks[0]?.anomalies[0]).toMatchObject({ kind: 'served-without-quorum', nodes: [3] });
    const whole = seen({ size: 3, crashed: [], groups: [[1, 2, 3]] }, 'refused');
    expect(judge(table.with(0, whole)).checks[0]?.anomalies[0]?.kind).toBe('refused-with-quorum');
  });

  test('both sides of a cut served is told as such', () => {
    const cut = {
      size: 4,
      crashed: [],
      groups: [
        [1, 2],
        [3, 4],
      ],
    };
    const { checks } = judge([...rightTable(), seen(cut, 'served', 'served')]);
    const kinds = checks[0]?.anomalies.map(({ kind }) => kind);
    expect(kinds).toContain('two-groups-served');
  });

  test('what is unclear is no refusal, and never green', () => {
    const table = rightTable();
    const { verdict } = judge(table.with(3, seen((table[3] as Observation).pattern, 'unclear')));
    expect(verdict).toBe('unknown');
  });

  test('a group that served later than another was given up leaves it open', () => {
    const table = rightTable();
    const slow = { ...group([1, 2, 3], 'served'), servedAfterMs: 4000 };
    const { verdict, reasons } = judge(
      table.with(0, { ...(table[0] as Observation), groups: [slow] }),
    );
    expect(verdict).toBe('unknown');
    expect(reasons[0]).toContain('needed 4000 ms');
  });

  test('a fault that was not verified makes it a harness error', () => {
    const table = rightTable();
    const broken = { ...(table[0] as Observation), problems: ['not verified: server 1 dead'] };
    expect(judge(table.with(0, broken)).verdict).toBe('harness-error');
  });

  test('a table without refusals, or without anything, compares nothing', () => {
    const served = rightTable().filter(({ pattern }) => pattern.crashed.length <= 1);
    expect(judge(served).verdict).toBe('not-exercised');
    expect(judge([]).verdict).toBe('not-exercised');
  });
});

describe('tables as terminal and report show them', () => {
  test('a row of the terminal has a sign for each number of crashed servers', () => {
    const text = toleranceText(judge(rightTable()).tables);
    expect(text).toMatch(/of 3 {5}● ● ○ +● ● ○ +1 1/);
    expect(text).toMatch(/of 4 {5}● ● ○ ○ +● ● ○ ○ +1 1/);
  });

  test('the report draws each world, marks what differs, and reaches out to nothing', () => {
    const table = rightTable();
    const wrong = table.map((one) =>
      one.pattern.size === 4 && one.pattern.crashed.length === 2
        ? seen(one.pattern, 'served')
        : one,
    );
    const judged = judge(wrong);
    const page = renderToleranceReport({
      ...judged,
      name: 'tolerance',
      sizes: [3, 4],
      seed: '5eed',
      zoo: [],
      commit: null,
      date: '2026-01-01T00:00:00.000Z',
      durationMs: 1,
      environment: {},
      replay: [],
    });
    expect(page).toContain('cell served differs');
    expect(page).toContain('simulation: 3 servers tolerate 1, 4 servers tolerate 2');
    expect(page).not.toMatch(/(src|href)="https?:/);
    expect(page).toContain('default-src &#39;none&#39;');
  });
});

test('the observing code knows no quorum: it imports none, and counts none', () => {
  const sources = readSources(['src/harness/tolerance']);
  expect(sources.length).toBeGreaterThan(6);
  for (const { path, code, imports } of sources) {
    const resolved = imports.map((specifier) => resolveImport(path, specifier));
    expect(
      resolved.filter((target) => /^spec\/|^src\/(server|systems)\/|quorum/.test(target)),
    ).toEqual([]);
    expect([path, /quorumOf|isQuorum|majority/i.exec(code)?.[0]]).toEqual([path, undefined]);
  }
});
