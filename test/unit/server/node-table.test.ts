/** The table of nodes against a plain map, whose iterators also survive what comes and goes. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { NodeTable } from '../../../src/server/core/tree/node-table.ts';
import { type Znode, zeroStat } from '../../../src/server/core/tree/znode.ts';

function nodeAt(path: string, ordinal: number): Znode {
  return {
    ...{ path, ordinal, data: null, aclKey: 0n, stat: zeroStat(), children: undefined, digest: 0 },
    ...{ older: undefined, younger: undefined, isRemoved: false },
  };
}

const step = fc.oneof(
  fc.record({ do: fc.constant('add' as const), name: fc.nat(9) }),
  fc.record({ do: fc.constant('remove' as const), name: fc.nat(9) }),
  fc.record({ do: fc.constant('next' as const) }),
);

test('behaves as a map in the order of creation, also while it is walked', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const table = new NodeTable();
      const plain = new Map<string, Znode>();
      let ordinal = 0;
      const walked: number[] = [];
      const gone = new Set<number>();
      let walk = table.values();
      for (const each of steps) {
        if (each.do === 'next') {
          const { done, value } = walk.next();
          if (done === true) {
            walk = table.values();
            walked.length = 0;
          } else {
            expect(gone.has(value.ordinal)).toBe(false);
            expect(value.ordinal).toBeGreaterThan(walked.at(-1) ?? -1);
            walked.push(value.ordinal);
          }
          continue;
        }
        const path = `/n${each.name}`;
        const known = plain.get(path);
        if (each.do === 'add' && known === undefined) {
          const node = nodeAt(path, ordinal++);
          table.add(node);
          plain.set(path, node);
        } else if (each.do === 'remove' && known !== undefined) {
          table.remove(known);
          plain.delete(path);
          gone.add(known.ordinal);
        }
        expect(table.size).toBe(plain.size);
        expect(table.get(path)).toBe(plain.get(path));
        expect([...table.values()]).toEqual([...plain.values()]);
      }
    }),
    { numRuns: 300 },
  );
});

test('a walk misses nobody who was there all the time', () => {
  fc.assert(
    fc.property(fc.nat(12), fc.array(fc.nat(19), { maxLength: 20 }), (passed, removed) => {
      const table = new NodeTable();
      const nodes = Array.from({ length: 20 }, (_, index) => nodeAt(`/${index}`, index));
      for (const node of nodes) table.add(node);
      const walk = table.values();
      const seen = new Set<number>();
      for (let count = 0; count < passed; count++) seen.add((walk.next().value as Znode).ordinal);
      for (const index of removed) table.remove(nodes[index] as Znode);
      for (const { ordinal } of walk) seen.add(ordinal);
      for (const { ordinal, isRemoved } of nodes) expect(isRemoved || seen.has(ordinal)).toBe(true);
    }),
  );
});
