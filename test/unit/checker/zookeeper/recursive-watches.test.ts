/** Recursive persistent watches: everything below the node is told, each once, before it can be seen. */
import { describe, expect, test } from 'vitest';
import { prngStream } from '../../../../src/base/prng.ts';
import { checkZooKeeper } from '../../../../src/checker/zookeeper/contract.ts';
import type { JournalRecord } from '../../../../src/checker/zookeeper/journal.ts';
import { modelJournal } from '../../../support/model-ensemble.ts';

/** How many journals of the plainest ensemble, each with recursive watches in it. */
const JOURNALS = 30;

const journals = Array.from({ length: JOURNALS }, (_, ordinal) => {
  const prng = prngStream('recursive', `${ordinal}`);
  return modelJournal({ prng, operations: 1500, clients: 4, nodes: 3 });
});

function kindsOf(journal: readonly JournalRecord[]): readonly string[] {
  const results = checkZooKeeper(journal);
  expect(results.filter(({ verdict }) => verdict === 'unknown')).toEqual([]);
  return results.flatMap(({ anomalies }) => anomalies.map(({ kind }) => kind));
}

/**
 * Events that only a recursive watch explains: somebody set one above, and nobody set another kind of watch on
 * that path by himself.
 */
function ownEvents(journal: readonly JournalRecord[]): readonly number[] {
  const roots = new Map<string, string[]>();
  const others = new Set<string>();
  const found: number[] = [];
  for (const [at, record] of journal.entries()) {
    const { client } = record;
    if (record.type === 'request') {
      const { request } = record;
      if (request.op === 'addWatch' && request.mode === 'recursive') {
        roots.set(client, [...(roots.get(client) ?? []), request.path]);
      } else if ('watch' in request || request.op === 'addWatch') {
        const isLeft = request.op === 'addWatch' || request.watch;
        if (isLeft) others.add(`${client} ${request.path}`);
      }
    } else if (record.type === 'event') {
      const { path } = record;
      const isBelow = (roots.get(client) ?? []).some((root) => path.startsWith(`${root}/`));
      if (isBelow && !others.has(`${client} ${path}`)) found.push(at);
    }
  }
  return found;
}

/** Does something to one such event in each journal that has any. */
function forge(
  edit: (records: JournalRecord[], at: number) => void,
  isFit: (records: readonly JournalRecord[], at: number) => boolean = () => true,
): readonly (readonly string[])[] {
  const verdicts: (readonly string[])[] = [];
  for (const [ordinal, journal] of journals.entries()) {
    const records = [...journal];
    const fitting = ownEvents(records).filter((at) => isFit(records, at));
    if (fitting.length === 0) continue;
    edit(records, prngStream('recursive', `${ordinal} place`).pick(fitting));
    verdicts.push(kindsOf(records));
  }
  expect(verdicts.length).toBeGreaterThan(5);
  return verdicts;
}

/** The client is told something else afterwards. */
const hasMore = (records: readonly JournalRecord[], at: number): boolean =>
  records
    .slice(at + 1)
    .some(({ client, type }) => client === records[at]?.client && type === 'reply');

describe('recursive watches', () => {
  test('what they tell is no alarm', () => {
    for (const [ordinal, journal] of journals.entries()) {
      expect(kindsOf(journal), `journal ${ordinal}`).toEqual([]);
    }
  });

  test('a missed event', () => {
    const verdicts = forge((records, at) => records.splice(at, 1), hasMore);
    for (const kinds of verdicts) expect(kinds).toContain('watch-missed');
  });

  test('an event that is told twice', () => {
    const verdicts = forge((records, at) => {
      records.splice(at + 1, 0, records[at] as JournalRecord);
    });
    for (const kinds of verdicts) expect(kinds).toContain('watch-that-was-not-set');
  });

  test('an event behind a reply that shows its change', () => {
    const verdicts = forge((records, at) => {
      const [event] = records.splice(at, 1) as [JournalRecord];
      const reply = records.findIndex(
        ({ client, type }, place) => place >= at && client === event.client && type === 'reply',
      );
      const { time } = records[reply] as JournalRecord;
      records.splice(reply + 1, 0, { ...event, time });
    }, hasMore);
    for (const kinds of verdicts) expect(kinds).toContain('watch-missed');
  });

  test('an event of another kind', () => {
    const verdicts = forge((records, at) => {
      const event = records[at] as Extract<JournalRecord, { readonly type: 'event' }>;
      const other = event.event === 'nodeDeleted' ? 'nodeCreated' : 'nodeDeleted';
      records[at] = { ...event, event: other };
    }, hasMore);
    for (const kinds of verdicts) {
      expect(kinds).toContain('watch-that-was-not-set');
      expect(kinds).toContain('watch-missed');
    }
  });
});
