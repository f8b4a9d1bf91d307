/** The twin's short way, zxids as the order, says what its search of the graph says, whatever zxids claim. */
import { expect, test } from 'vitest';
import { type Prng, prngStream } from '../../src/base/prng.ts';
import type { JournalRecord, NodeStat } from '../../src/checker/zookeeper/journal.ts';
import { Registers } from '../../src/checker/zookeeper/registers.ts';
import { SessionCollector, type Sessions } from '../../src/checker/zookeeper/sessions.ts';
import { TwinJudge } from '../../src/checker/zookeeper/twin.ts';
import { findCycle } from '../../src/checker/zookeeper/twin-graph.ts';
import { modelJournal } from '../support/model-ensemble.ts';

const JOURNALS = 3000;

type Reply = Extract<JournalRecord, { readonly type: 'reply' }>;

const hasStat = (record: JournalRecord): record is Reply =>
  record.type === 'reply' && record.reply.stat !== undefined;

/** What servers could tell wrongly: another's answer, an older one, other zxids with the right values. */
function tamper(records: JournalRecord[], prng: Prng): void {
  const places = [...records.keys()].filter((place) => hasStat(records[place] as JournalRecord));
  const index = prng.int(0, places.length - 1);
  const at = places[index] as number;
  // Often the next one: then little else is wrong.
  const from = prng.chance(500) ? prng.pick(places) : (places[index + 1] ?? at);
  const [here, there] = [records[at] as Reply, records[from] as Reply];
  const [stat, other] = [here.reply.stat, there.reply.stat];
  if (stat === undefined || other === undefined) return;
  const withVersion = (reply: Reply, of: NodeStat, version: number): Reply => ({
    ...reply,
    reply: { ...reply.reply, stat: { ...of, version } },
  });
  switch (prng.int(0, 6)) {
    case 0:
      records[at] = { ...here, reply: there.reply };
      records[from] = { ...there, reply: here.reply };
      return;
    case 1:
      records[at] = { ...here, reply: there.reply, zxid: there.zxid };
      records[from] = { ...there, reply: here.reply, zxid: here.zxid };
      return;
    case 2:
      records[at] = withVersion(here, stat, other.version);
      records[from] = withVersion(there, other, stat.version);
      return;
    case 3:
      records[at] = withVersion(here, { ...stat, mzxid: other.mzxid + 1 }, other.version);
      records[from] = withVersion(there, other, stat.version);
      return;
    case 4:
      records[at] = { ...here, reply: there.reply };
      return;
    case 5:
      records[at] = { ...here, zxid: there.zxid };
      return;
    default: {
      const mzxid = stat.mzxid + prng.int(-20, 20);
      records[at] = { ...here, reply: { ...here.reply, stat: { ...stat, mzxid } } };
    }
  }
}

function sessionsOf(records: readonly JournalRecord[]): Sessions {
  const collector = new SessionCollector();
  for (const record of records) collector.push(record);
  return collector.finish();
}

function hasCycleByTwin(sessions: Sessions): boolean {
  const twin = new TwinJudge(sessions);
  sessions.stream.tell({ reply: (call) => twin.reply(call), event: () => {} });
  twin.finish();
  const { anomalies } = twin.findings.result('twin', 'versions', 'good');
  return anomalies.some(({ kind }) => kind === 'no-order-fits');
}

test('finds a cycle exactly where the graph has one', () => {
  let cycles = 0;
  let orders = 0;
  for (let index = 0; index < JOURNALS; index++) {
    const prng = prngStream('twin', `${index}`);
    const records = modelJournal({ prng, operations: 40, clients: 4, nodes: 1 });
    for (let times = prng.int(0, 3); times > 0; times--) tamper(records, prng);
    const sessions = sessionsOf(records);
    const isCycle = findCycle(sessions, new Registers(sessions.calls)).length > 0;
    expect(hasCycleByTwin(sessions), `journal ${index}`).toBe(isCycle);
    if (isCycle) cycles++;
    else orders++;
  }
  expect(Math.min(cycles, orders)).toBeGreaterThan(JOURNALS / 10);
});
