/** The contract on a few records: what each side of an unanswered write, a log and a twin can tell. */
import { describe, expect, test } from 'vitest';
import { prngStream } from '../../../../src/base/prng.ts';
import type { CheckResult } from '../../../../src/checker/verdict.ts';
import {
  type ContractOptions,
  checkZooKeeper,
  contractChecks,
} from '../../../../src/checker/zookeeper/contract.ts';
import type {
  JournalRecord,
  JournalReply,
  JournalRequest,
} from '../../../../src/checker/zookeeper/journal.ts';
import {
  formatRecord,
  JournalFormatError,
  parseJournal,
} from '../../../../src/checker/zookeeper/journal-format.ts';
import { modelJournal } from '../../../support/model-ensemble.ts';

const E = 2 ** 32;
const ROOT = { czxid: 0, ctime: 0, aversion: 0, ephemeralOwner: '' };

/** Writes a journal line by line; zxids are counters of epoch 1. */
class Script {
  readonly records: JournalRecord[] = [];
  #xid = 0;

  connect(client: string, session: string, resumed = '', lastZxidSeen = 0): this {
    this.#add(client, { type: 'connecting', session: resumed, lastZxidSeen, node: 1 });
    return this.#add(client, { type: 'connected', session, timeoutMs: 1000 });
  }

  ask(client: string, request: JournalRequest): number {
    this.#add(client, { type: 'request', xid: ++this.#xid, request });
    return this.#xid;
  }

  tell(client: string, xid: number, counter: number, reply: JournalReply): this {
    return this.#add(client, { type: 'reply', xid, zxid: E + counter, reply });
  }

  do(client: string, request: JournalRequest, counter: number, reply: JournalReply): this {
    return this.tell(client, this.ask(client, request), counter, reply);
  }

  hear(client: string, event: string): this {
    return this.#add(client, { type: 'event', event, path: '/a', zxid: E + 1 });
  }

  drop(client: string): this {
    return this.#add(client, { type: 'disconnected' });
  }

  #add(client: string, facts: object): this {
    this.records.push({ client, time: this.records.length, ...facts } as JournalRecord);
    return this;
  }
}

const create = (data: string): JournalRequest => ({ op: 'create', path: '/a', data, flags: 0 });
const set = (data: string): JournalRequest => ({ op: 'setData', path: '/a', data, version: -1 });
const get: JournalRequest = { op: 'getData', path: '/a', watch: false };

const stat = (counter: number, version: number, dataLength = 1) => ({
  ...ROOT,
  ...{ czxid: E + 1, mzxid: E + counter, pzxid: E + 1, mtime: counter, ctime: 1 },
  ...{ version, cversion: 0, dataLength, numChildren: 0 },
});

function judge(script: Script, options?: ContractOptions): ReadonlyMap<string, CheckResult> {
  const results = checkZooKeeper(script.records, options);
  return new Map(results.map((result) => [result.checker, result]));
}

function bad(results: ReadonlyMap<string, CheckResult>): string[] {
  return [...results.values()].flatMap(({ anomalies }) => anomalies.map(({ kind }) => kind));
}

/** A node, a write of `b` that is never answered, then what another client reads. */
function withUnanswered(read: JournalReply, counter: number): Script {
  const script = new Script().connect('one', '0x1').connect('two', '0x2');
  script.do('one', create('x'), 1, { path: '/a', stat: stat(1, 0) });
  script.ask('one', set('b'));
  return script.drop('one').do('two', get, counter, read);
}

describe('a write without an answer', () => {
  test('may have happened or not', () => {
    expect(bad(judge(withUnanswered({ data: 'x', stat: stat(1, 0) }, 1)))).toEqual([]);
    expect(bad(judge(withUnanswered({ data: 'b', stat: stat(2, 1) }, 2)))).toEqual([]);
  });

  test('excuses no other value, and no version that it cannot have made', () => {
    expect(bad(judge(withUnanswered({ data: 'c', stat: stat(2, 1) }, 2)))).toEqual([
      'value-from-nowhere',
    ]);
    expect(bad(judge(withUnanswered({ data: 'b', stat: stat(2, 7) }, 2)))).not.toEqual([]);
  });

  test('did not happen where a whole log does not have it: both verdicts are told', () => {
    const script = withUnanswered({ data: 'b', stat: stat(2, 1) }, 2);
    const facts = { session: '0x1', op: 'create2', isCertain: true };
    const results = judge(script, {
      log: { isWhole: true, txns: [{ zxid: E + 1, xid: 1, ...facts }] },
    });
    expect(results.get('zookeeper-reads')).toMatchObject({
      verdict: 'violation',
      details: {
        raw: 'pass',
        resolved: 'violation',
        writesWithoutAnswer: { byLog: 1, byValue: 0, open: 0 },
      },
    });
  });

  test('has its place in the log', () => {
    const script = withUnanswered({ data: 'b', stat: stat(2, 1) }, 2);
    const txns = [1, 2].map((counter) => ({
      ...{ zxid: E + counter, session: '0x1', xid: counter, op: 'setData', isCertain: true },
    }));
    expect(bad(judge(script, { log: { isWhole: true, txns } }))).toEqual([]);
  });
});

/** The ephemeral that the multi checks comes from a create without an answer, or from nobody. */
function withCheckedNode(isAsked: boolean): Script {
  const script = new Script().connect('one', '0x1').connect('two', '0x2');
  script.do('one', create('x'), 1, { path: '/a', stat: stat(1, 0) });
  if (isAsked) script.ask('one', { op: 'create', path: '/e', data: '', flags: 1 });
  const check = { op: 'check', path: '/e', version: -1 } as const;
  const change = { op: 'setData', path: '/a', data: 'b', version: -1 } as const;
  script.ask('one', { op: 'multi', operations: [check, change] });
  return script.drop('one').do('two', get, 3, { data: 'b', stat: stat(3, 1) });
}

describe('a multi without an answer whose write was read', () => {
  test('was done although the node that it checks rests on a create without an answer', () => {
    expect(bad(judge(withCheckedNode(true)))).toEqual([]);
  });

  test('is a breach where nobody ever asked for the node that it checks', () => {
    expect(bad(judge(withCheckedNode(false)))).toEqual(['multi-not-atomic']);
  });
});

describe('the twin', () => {
  test('finds without zxids what zxids hide', () => {
    const script = new Script().connect('one', '0x1').connect('two', '0x2');
    script.do('one', create('x'), 1, { path: '/a', stat: stat(1, 0) });
    script.do('one', set('b'), 2, { stat: stat(2, 1) });
    // It reads the new value, then the old one: with zxids that claim to be fine.
    script.do('two', get, 2, { data: 'b', stat: stat(2, 1) });
    script.do('two', get, 3, { data: 'x', stat: stat(1, 0) });
    const twin = judge(script).get('zookeeper-twin');
    expect(twin?.anomalies.map(({ kind }) => kind)).toEqual(['no-order-fits']);
    expect(twin?.summary).toContain('does not see setData /a by one');
  });

  test('a disagreement with the witnessed checks is told', () => {
    const script = new Script().connect('one', '0x1');
    script.do('one', create('x'), 1, { path: '/a', stat: stat(1, 0) });
    script.do('one', set('b'), 2, { stat: { ...stat(2, 1), mzxid: E + 9 } });
    expect(judge(script).get('zookeeper-twin')).toMatchObject({
      verdict: 'pass',
      findings: { 'disagreement: zxids say no, values say yes': 1 },
    });
  });
});

test('a sequential node that is named as it was asked for has no number', () => {
  const request: JournalRequest = { op: 'create', path: '/s-', data: '', flags: 2 };
  const script = new Script().connect('a', '0x1').do('a', request, 1, { path: '/s-' });
  expect(bad(judge(script))).toContain('sequence-malformed');
});

test('a session had seen what its handshake named, also where nothing came on that connection', () => {
  const script = new Script().connect('a', '0x1').do('a', create('v'), 1, { path: '/a' });
  script
    .drop('a')
    .connect('a', '0x1', '0x1', E + 7)
    .drop('a')
    .connect('a', '0x1', '0x1', E + 1);
  script.do('a', get, 1, { data: 'v', stat: stat(1, 0) });
  expect(bad(judge(script))).toEqual(['session-went-back']);
});

describe('a journal', () => {
  const journal = modelJournal({ prng: prngStream('1', 'format'), operations: 200, nodes: 3 });

  test('survives being written and read', () => {
    const lines = journal.map(formatRecord);
    expect([...parseJournal(lines)]).toEqual(journal);
    expect(lines.some((line) => line.includes('"zxid":"0x1000000'))).toBe(true);
  });

  test.each([
    ['{', 'line 2: it is no JSON'],
    ['{"type":"other"}', 'line 2: unknown type "other"'],
    ['{"type":"connected","client":"a","time":1,"session":"0x1"}', 'timeoutMs of connected'],
    ['{"type":"reply","client":"a","time":1,"xid":1,"zxid":7,"reply":{}}', 'zxid is no hex'],
    [
      '{"type":"reply","client":"a","time":1,"xid":1,"zxid":"0x7fffffffffffffff","reply":{}}',
      'beyond 2097151',
    ],
  ])('that is broken is refused: %s', (line, why) => {
    const first = formatRecord(journal[0] as JournalRecord);
    const parse = (): unknown => [...parseJournal([first, line])];
    expect(parse).toThrow(JournalFormatError);
    expect(parse).toThrow(why);
  });

  const stat = { ...ROOT, mzxid: E, mtime: 0, pzxid: E, cversion: 0, dataLength: 0 };
  const odd = { ...stat, numChildren: 0, version: 2 ** 32 };
  test.each([
    ['of nobody', 0, new Script().do('a', get, 1, {})],
    ['of another kind', 2, new Script().connect('a', '0x1').do('a', { op: 'x' } as never, 1, {})],
    ['with another event', 2, new Script().connect('a', '0x1').hear('a', 'nodeMoved')],
    ['no server can tell', 3, new Script().connect('a', '0x1').do('a', get, 1, { stat: odd })],
  ])('that breaks its own rules is no evidence: %s', (_, place, { records }) => {
    const [result] = checkZooKeeper(records);
    expect(result).toMatchObject({ checker: 'zookeeper-journal', verdict: 'unknown' });
    expect(result?.summary).toContain(`journal record ${place}`);
  });

  test('without anything in it exercises nothing', () => {
    const results = checkZooKeeper([]);
    expect(results.map(({ checker }) => checker)).toEqual([...contractChecks]);
    expect(new Set(results.map(({ verdict }) => verdict))).toEqual(new Set(['not-exercised']));
  });
});
