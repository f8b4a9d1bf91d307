import { describe, expect, it } from 'vitest';
import type { HistoryEntry } from '../../../src/checker/history.ts';
import { buildPayload } from '../../../src/report/build-payload.ts';
import { availability, isAnswered, pairOperations } from '../../../src/report/operations.ts';
import { operationTypes } from '../../../src/report/payload.ts';
import { serverTimeline } from '../../../src/report/server-spans.ts';
import { sampleRun } from './sample-run.ts';

const invoke = (index: number, process: number, time: number): HistoryEntry => ({
  index,
  process,
  type: 'invoke',
  f: 'write',
  key: '/a',
  time,
});
const complete = (
  index: number,
  process: number,
  time: number,
  type: 'ok' | 'fail' | 'info',
  error?: string,
): HistoryEntry => ({
  index,
  process,
  type,
  f: 'write',
  key: '/a',
  time,
  ...(error === undefined ? {} : { error }),
});

describe('pairing', () => {
  it('keeps the order of invocation and what never completed', () => {
    const operations = pairOperations([
      invoke(0, 0, 10),
      invoke(1, 1, 20),
      { index: 2, process: 'nemesis', type: 'info', f: 'kill', time: 25 },
      complete(3, 1, 30, 'ok'),
    ]);
    expect(operations.map(({ outcome }) => outcome)).toEqual(['pending', 'ok']);
    expect(operations[1]?.completion?.index).toBe(3);
  });

  it('counts a refusal by the data as an answer, and a lost connection as none', () => {
    expect(isAnswered(complete(1, 0, 1, 'fail', 'BadVersion'))).toBe(true);
    expect(isAnswered(complete(1, 0, 1, 'fail', 'ConnectionLoss'))).toBe(false);
    expect(isAnswered(complete(1, 0, 1, 'info', 'BadVersion'))).toBe(false);
    expect(isAnswered(undefined)).toBe(false);
  });

  it('finds the longest time without an answer', () => {
    const operations = pairOperations([
      invoke(0, 0, 0),
      complete(1, 0, 100, 'ok'),
      invoke(2, 0, 150),
      complete(3, 0, 300, 'info'),
      invoke(4, 1, 900),
      complete(5, 1, 1_000, 'ok'),
    ]);
    expect(availability(operations)).toEqual({
      share: 2 / 3,
      longestGapNs: 900,
      gapStart: 100,
    });
  });
});

describe('payload', () => {
  it('gives back every operation', () => {
    const input = sampleRun({ operations: 500 });
    const { operations: columns, texts } = buildPayload(input);
    const operations = pairOperations(input.history);
    expect(columns.start.length).toBe(operations.length);
    let time = 0;
    let index = 0;
    for (const [row, operation] of operations.entries()) {
      time += columns.start[row] as number;
      index += columns.index[row] as number;
      expect(time).toBe(operation.invoke.time);
      expect(index).toBe(operation.invoke.index);
      expect(operationTypes[columns.type[row] as number]).toBe(operation.outcome);
      expect(texts[columns.key[row] as number]).toBe(operation.invoke.key);
      expect(texts[columns.error[row] as number]).toBe(operation.completion?.error ?? '');
    }
  });

  it('links anomalies to rows, whether they name invocation or completion', () => {
    const input = sampleRun({ operations: 500 });
    const operations = pairOperations(input.history);
    const [anomaly] = buildPayload(input).anomalies;
    const wanted = input.result.checks[0]?.anomalies[0]?.entries[0];
    const row = anomaly?.rows[0] as number;
    expect([operations[row]?.invoke.index, operations[row]?.completion?.index]).toContain(wanted);
  });
});

describe('server timeline', () => {
  it('shows the role, the epoch and the time between two incarnations', () => {
    const input = sampleRun({ operations: 500 });
    const { spans, marks } = serverTimeline(input.events, 30_000_000_000);
    const leading = spans.filter(({ role, from, to }) => role === 'leading' && to - from > 1e8);
    expect(leading.map(({ node, epoch }) => [node, epoch])).toEqual([
      [1, 1],
      [2, 3],
      [3, 2],
    ]);
    expect(spans.filter(({ role }) => role === 'down').map(({ node }) => node)).toEqual([1, 2, 3]);
    expect(marks.some(({ text }) => text === 'leader of epoch 2, quorum 2 3')).toBe(true);
    for (const node of [1, 2, 3]) {
      const own = spans.filter((span) => span.node === node);
      for (const [position, span] of own.slice(1).entries()) {
        expect(span.from).toBe(own[position]?.to);
      }
    }
  });
});
