import fc from 'fast-check';
import { expect, test } from 'vitest';
import { NameSum } from '../../../../src/checker/zookeeper/name-hash.ts';
import { NameLists, namesOf } from '../../../../src/checker/zookeeper/name-lists.ts';

const name = fc.constantFrom('a', 'b', 'lock-0000000001', 'lock-0000000002', 'lock-0000000003');

/** Lists that differ from the one before by what a splice does. */
const lists = fc
  .array(fc.tuple(fc.nat(12), fc.nat(3), fc.array(name, { maxLength: 4 })), { maxLength: 200 })
  .map((splices) => {
    const list: string[] = [];
    return splices.map(([at, deleted, added]) => {
      list.splice(at, deleted, ...added);
      return [...list];
    });
  });

test('a list has the sum and the names that it would have alone', () => {
  fc.assert(
    fc.property(lists, (told) => {
      const known = new NameLists();
      const kept = told.map((names) => known.add(0, names));
      for (const [index, names] of told.entries()) {
        const alone = new NameSum();
        for (const one of names) alone.add(one);
        expect(kept[index]?.sum).toEqual(alone);
        expect(kept[index]?.length).toBe(names.length);
        expect(kept[index] && namesOf(kept[index])).toEqual(names);
      }
    }),
  );
});
