import { describe, expect, test } from 'vitest';
import { prngStream } from '../../../src/base/prng.ts';
import type { FaultKind } from '../../../src/harness/nemesis/fault-kind.ts';
import {
  faultKinds,
  faultKindsNamed,
  whyNotInjectable,
} from '../../../src/harness/nemesis/faults.ts';
import { Ledger } from '../../../src/harness/nemesis/ledger.ts';

const kind = (name: string): FaultKind => faultKinds.get(name) as FaultKind;
const sids = (count: number): number[] => Array.from({ length: count }, (_, index) => index + 1);

function linksCut(name: string, nodes: readonly number[], victims: readonly number[], seed = '1') {
  const prng = prngStream(seed, 'fault/f1');
  const params = { direction: 'from' };
  const { injections } = kind(name).effect({ victims, nodes, params, prng });
  return injections.map((injection) => {
    if (injection.action !== 'cut') throw new Error('a partition only cuts');
    return `${injection.from}→${injection.to}`;
  });
}

describe('partitions', () => {
  test('of one isolate it both ways', () => {
    expect(linksCut('partition-one', [1, 2, 3], [2]).sort()).toEqual(['1→2', '2→1', '2→3', '3→2']);
  });

  test('one way cut one direction only', () => {
    expect(linksCut('partition-one-way', [1, 2, 3], [2])).toEqual(['2→1', '2→3']);
  });

  test.each([2, 3, 4, 5, 7])(
    'in halves leave two sides that hear nothing of each other (%i)',
    (count) => {
      const cut = new Set(linksCut('partition-halves', sids(count), sids(count)));
      const half = Math.floor(count / 2);
      expect(cut.size).toBe(2 * half * (count - half));
      for (const link of cut) expect(cut).toContain(link.split('→').reverse().join('→'));
    },
  );

  test.each([3, 4, 5, 7])(
    'in a ring let everyone hear a majority, no two the same (%i)',
    (count) => {
      for (let seed = 0; seed < 20; seed++) {
        const cut = new Set(linksCut('partition-majorities-ring', sids(count), [], `${seed}`));
        const heard = sids(count).map((node) =>
          sids(count).filter((other) => other === node || !cut.has(`${other}→${node}`)),
        );
        for (const group of heard) expect(group.length).toBe(Math.floor(count / 2) + 1);
        expect(new Set(heard.map((group) => group.join())).size).toBe(count);
      }
    },
  );

  const sites = (params: Record<string, number>, victims = sids(6), count = 6) =>
    kind('partition-datacenters').effect({
      victims,
      nodes: sids(count),
      params,
      prng: prngStream('1', 'fault/f1'),
    });

  test('into sites cut every link between two of them, and none within', () => {
    const three = sites({ sites: 3, periodMs: 0 });
    // Three sites of two: each server loses four others.
    expect(three.injections).toHaveLength(6 * 4);
    expect(three.nodes).toHaveLength(4);
    const halves = sites({ sites: 2, periodMs: 0 }, [1, 2, 3]);
    expect(halves.nodes).toEqual([4, 5, 6]);
    for (const injection of halves.injections) {
      if (injection.action !== 'cut') throw new Error('a partition only cuts');
      expect(injection.from <= 3).not.toBe(injection.to <= 3);
    }
    expect(halves.strobe).toBeUndefined();
    expect(sites({ sites: 3, periodMs: 0 }, [1, 2], 2).injections).toHaveLength(2);
  });

  test('between sites that flap are cut and open for half a period each, and both is seen', () => {
    const { injections, expectations, strobe } = sites({ sites: 2, periodMs: 4000 });
    expect(strobe?.everyMs).toBe(2000);
    expect([0, 1, 2].map((turn) => strobe?.turn(turn).length)).toEqual([18, 0, 18]);
    const states = expectations.map((item) => (item.probe === 'link' ? item.state : item.probe));
    expect(states.filter((state) => state === 'blocked')).toHaveLength(injections.length);
    expect(states.filter((state) => state === 'open')).toHaveLength(injections.length);
  });

  test('every cut is expected to be seen', () => {
    for (const name of ['partition-one', 'partition-halves', 'partition-majorities-ring']) {
      const effect = kind(name).effect({
        victims: [1],
        nodes: sids(5),
        params: {},
        prng: prngStream('2', 'fault/f1'),
      });
      expect(effect.expectations.length).toBe(effect.injections.length);
      expect(effect.injections.length).toBeGreaterThan(0);
    }
  });
});

describe('the table', () => {
  test('a prefix names a family, and what names nothing is told apart', () => {
    const names = (text: string) => faultKindsNamed(text)?.map(({ name }) => name);
    expect(names('partition')).toEqual([
      'partition-one',
      'partition-halves',
      'partition-one-way',
      'partition-majorities-ring',
      'partition-datacenters',
    ]);
    expect(names('clock')).toEqual(['clock-bump', 'clock-strobe', 'clock-rate']);
    expect(names('kill')).toEqual(['kill']);
    expect(names('earthquake')).toBeUndefined();
  });

  test('what a world lacks is not injectable, with its reason', () => {
    const world = { name: 'process' as const, missing: new Map([['set-clock', 'no libfaketime']]) };
    const why = (name: string, nodes = 3) =>
      whyNotInjectable(kind(name), world as Parameters<typeof whyNotInjectable>[1], nodes);
    expect(why('clock-bump')).toBe('no libfaketime');
    expect(why('power-loss')).toMatch(/only in simulation/);
    expect(why('partition-one', 1)).toMatch(/needs 2 servers/);
    expect(why('kill')).toBeUndefined();
  });

  test('a strobe swings to both sides', () => {
    const { strobe } = kind('clock-strobe').effect({
      victims: [2],
      nodes: [1, 2, 3],
      params: { offsetMs: 8000, periodMs: 50 },
      prng: prngStream('1', 'x'),
    });
    expect(strobe?.everyMs).toBe(50);
    expect([0, 1, 2].map((turn) => strobe?.turn(turn)[0])).toEqual([
      { action: 'set-clock', node: 2, offsetMs: 8000 },
      { action: 'set-clock', node: 2, offsetMs: -8000 },
      { action: 'set-clock', node: 2, offsetMs: 8000 },
    ]);
  });
});

describe('the ledger', () => {
  test('injects for the first holder and undoes for the last', () => {
    const ledger = new Ledger();
    const cut = { action: 'cut', from: 1, to: 2 } as const;
    expect(ledger.acquire('f1', cut)).toEqual(cut);
    expect(ledger.acquire('f2', cut)).toBeUndefined();
    expect(ledger.release('f1', cut)).toBeUndefined();
    expect(ledger.isCut(1, 2)).toBe(true);
    expect(ledger.release('f2', cut)).toEqual({ action: 'join', from: 1, to: 2 });
    expect(ledger.isCut(1, 2)).toBe(false);
  });

  test('killed and powerless are both down; one start brings back', () => {
    const ledger = new Ledger();
    ledger.acquire('f1', { action: 'kill', node: 3 });
    expect(ledger.acquire('f2', { action: 'power-loss', node: 3 })).toBeUndefined();
    expect(ledger.release('f1', { action: 'kill', node: 3 })).toBeUndefined();
    expect(ledger.isDown(3)).toBe(true);
    const undo = ledger.release('f2', { action: 'power-loss', node: 3 });
    expect(undo).toEqual({ action: 'start', node: 3 });
  });

  test('a wrong rate goes with its holder', () => {
    const ledger = new Ledger();
    const fast = { action: 'set-clock', node: 1, offsetMs: 0, ratePerMille: 2000 } as const;
    expect(ledger.acquire('f1', fast)).toEqual(fast);
    expect(ledger.release('f1', fast)).toEqual({ action: 'set-clock', node: 1, offsetMs: 0 });
  });

  test('clock offsets add up', () => {
    const ledger = new Ledger();
    ledger.acquire('f1', { action: 'set-clock', node: 1, offsetMs: 1000 });
    const both = ledger.acquire('f2', { action: 'set-clock', node: 1, offsetMs: -300 });
    expect(both).toEqual({ action: 'set-clock', node: 1, offsetMs: 700 });
    const left = ledger.release('f1', { action: 'set-clock', node: 1, offsetMs: 1000 });
    expect(left).toEqual({ action: 'set-clock', node: 1, offsetMs: -300 });
  });
});
