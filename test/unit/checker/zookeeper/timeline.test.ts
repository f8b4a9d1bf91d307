import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Calls } from '../../../../src/checker/zookeeper/call.ts';
import { NO_STAT } from '../../../../src/checker/zookeeper/stat-rows.ts';
import { FROM_START, Timeline } from '../../../../src/checker/zookeeper/timeline.ts';
import { Txns } from '../../../../src/checker/zookeeper/transactions.ts';

test('a state is found by its zxid, whatever was asked for before', () => {
  const steps = fc.array(fc.integer({ min: 0, max: 3 }), { maxLength: 60 });
  const questions = fc.array(fc.integer({ min: -2, max: 100 }), { maxLength: 40 });
  fc.assert(
    fc.property(steps, questions, (gaps, zxids) => {
      const history = new Timeline(new Txns(new Calls())).historyOf('/n');
      const since: number[] = [];
      for (const gap of gaps) {
        since.push((since.at(-1) ?? -1) + gap);
        history.keep(since.at(-1) as number, FROM_START, NO_STAT, String(since.length));
      }
      for (const zxid of zxids) {
        const place = since.findLastIndex((begin) => begin <= zxid);
        expect(history.states.placeAt(zxid)).toBe(place);
        expect(history.states.at(place)?.data).toBe(place < 0 ? undefined : String(place + 1));
      }
    }),
  );
});
