/** The page about one history: what is drawn must be true. */
import { describe, expect, test } from 'vitest';
import { prngStream } from '../../../src/base/prng.ts';
import { check, type History, historyOf, type Model } from '../../../src/checker/index.ts';
import { checkPageInput } from '../../../src/cli/check-page.ts';
import type { PageOperation } from '../../../src/report/check/input.ts';
import { drawLanes } from '../../../src/report/check/lanes.ts';
import { renderCheckPage } from '../../../src/report/check/page.ts';
import { drawEvents, subjects } from '../checker/linearizability/objects.ts';

const HISTORIES = 40;

function inputOf(history: History, model: Model) {
  const verdict = check(history, model);
  return checkPageInput({ title: 'a history', verdict, history, model, cpuMs: 1 });
}

interface Bar {
  readonly from: number;
  readonly to: number;
  readonly y: number;
}

const numbers = (svg: string, pattern: RegExp): readonly (readonly number[])[] =>
  [...svg.matchAll(pattern)].map((match) => match.slice(1).map(Number));

/** Bars in the order in which they were given. */
function barsOf(svg: string): readonly Bar[] {
  return numbers(svg, /<rect x="([\d.]+)" y="([\d.]+)" width="([\d.]+)"/g).map(
    ([from = 0, y = 0, width = 0]) => ({ from, to: from + width, y }),
  );
}

/** Both true where two operations are in this relation. */
const isBefore = (a: PageOperation, b: PageOperation): boolean => a.end !== null && a.end < b.start;

describe('the page about one history', () => {
  test.each(subjects)(
    'draws an order that can be read off: $name',
    ({ name, model, ...subject }) => {
      const prng = prngStream('page', name);
      let drawn = 0;
      for (let ordinal = 0; ordinal < HISTORIES; ordinal++) {
        const shape = { operations: 14, clients: 3, lies: 0 };
        const history = historyOf(drawEvents({ name, model, ...subject }, prng, shape));
        for (const part of inputOf(history, model).parts) {
          if (part.verdict !== 'linearizable' || part.order.length === 0) continue;
          drawn++;
          const operations = part.order.map(({ operation }) => operation);
          const bars = operations.map((operation) => ({ operation, kind: 'plain' }) as const);
          const svg = drawLanes({ bars, points: operations, label: '' }).text;
          const rects = barsOf(svg);
          const points = numbers(svg, /<circle class="point" cx="([\d.]+)" cy="([\d.]+)"/g);
          expect(points).toHaveLength(operations.length);
          // Time goes on from point to point, and each is on its own bar.
          points.forEach(([x = 0, y = 0], at) => {
            const { from, to, y: top } = rects[at] as Bar;
            expect(x).toBeGreaterThan(points[at - 1]?.[0] ?? -1);
            expect(x >= from && x <= to && y > top && y < top + 40).toBe(true);
          });
          // Bars of one process do not overlap, and bars are apart where operations are.
          operations.forEach((a, i) => {
            operations.forEach((b, j) => {
              if (!isBefore(a, b)) return;
              expect((rects[i] as Bar).to).toBeLessThan((rects[j] as Bar).from);
            });
          });
        }
      }
      expect(drawn).toBeGreaterThan(HISTORIES / 2);
    },
  );

  test('many processes share lanes and never a moment', () => {
    const operations = Array.from({ length: 30 }, (_, row): PageOperation => {
      return { row, process: row, text: `write ${row}`, start: row * 2, end: row * 2 + 3 };
    });
    const bars = operations.map((operation) => ({ operation, kind: 'plain' }) as const);
    const rects = barsOf(drawLanes({ bars, label: '' }).text);
    expect(new Set(rects.map(({ y }) => y)).size).toBeLessThan(10);
    rects.forEach((a, i) => {
      rects.slice(i + 1).forEach((b) => {
        expect(a.y !== b.y || a.to <= b.from || b.to <= a.from).toBe(true);
      });
    });
  });

  test('says what is not drawn', () => {
    const register = subjects[0]?.model as Model;
    const events = Array.from({ length: 400 }, (_, at) => ({
      process: 0,
      type: at % 2 === 0 ? ('invoke' as const) : ('ok' as const),
      f: 'write',
      key: `k${Math.floor(at / 2) % 10}`,
      value: at >> 1,
    }));
    const page = renderCheckPage(inputOf(historyOf(events), register));
    expect(page).toContain('All 10 parts');
    expect(page).toContain('4 of 10 parts are drawn');
  });

  test('names the cause where nothing was decided', () => {
    const register = subjects[0]?.model as Model;
    const history = historyOf([
      { process: 0, type: 'invoke', f: 'write', value: 1 },
      { process: 1, type: 'invoke', f: 'write', value: 1 },
    ]);
    const verdict = check(history, register, { engine: 'fast' });
    const input = { title: 'x', verdict, history, model: register, cpuMs: 1 };
    const page = renderCheckPage(checkPageInput(input));
    expect(page).toContain('No fast path applies: zones: 1 is written twice');
    expect(page).toContain('This is not a pass');
  });
});
