import { describe, expect, test } from 'vitest';
import { prngStream } from '../../../../src/base/prng.ts';
import { type HistoryEvent, historyOf } from '../../../../src/checker/history/builder.ts';
import { check } from '../../../../src/checker/linearizability/decide.ts';
import {
  Monitor,
  type MonitorCheckpoint,
  type MonitorViolation,
} from '../../../../src/checker/linearizability/monitor.ts';
import { counterModel } from '../../../../src/checker/models/counter.ts';
import { registerModel } from '../../../../src/checker/models/register.ts';
import { drawEvents, subjects } from './objects.ts';

const event = (
  process: number,
  type: HistoryEvent['type'],
  f: string,
  value?: unknown,
  key?: string,
): HistoryEvent => ({ process, type, f, value, key });

describe('Monitor', () => {
  test.each(subjects)('says what the search says, also across checkpoints: $name', (subject) => {
    const prng = prngStream('monitor', subject.name);
    for (let run = 0; run < 300; run++) {
      const events = drawEvents(subject, prng, { operations: 8, clients: 4, lies: 150 });
      const cut = prng.int(0, events.length * 2);
      let monitor = new Monitor(subject.model);
      events.forEach((next, at) => {
        if (at === cut) {
          const text = JSON.stringify(monitor.checkpoint());
          monitor = Monitor.resume(subject.model, JSON.parse(text) as MonitorCheckpoint);
        }
        monitor.push(next);
      });
      const expected = check(historyOf(events), subject.model, { isExplained: false });
      expect(monitor.end().verdict, `run ${run}`).toBe(expected.verdict);
    }
  });

  test('tells a violation as soon as all that ran beside it has ended', () => {
    const violations: MonitorViolation[] = [];
    const monitor = new Monitor(registerModel({ init: 0 }), {
      onViolation: (violation) => violations.push(violation),
    });
    monitor.push(event(0, 'invoke', 'write', 1, 'x'));
    monitor.push(event(0, 'ok', 'write', 1, 'x'));
    monitor.push(event(2, 'invoke', 'write', 5, 'x'));
    monitor.push(event(1, 'invoke', 'read', null, 'x'));
    monitor.push(event(1, 'ok', 'read', 0, 'x'));
    // The write of 5 might still fail or write what was read.
    expect(violations).toEqual([]);
    monitor.push(event(2, 'ok', 'write', 5, 'x'));
    expect(violations).toHaveLength(1);
    expect(violations[0]).toMatchObject({ key: 'x', event: 5, op: { f: 'read', output: 0 } });
    expect(violations[0]?.reasons).toContain('the register holds 1, not 0');
    // Other keys go on.
    monitor.push(event(3, 'invoke', 'read', null, 'y'));
    monitor.push(event(3, 'ok', 'read', 0, 'y'));
    expect(monitor.end()).toMatchObject({ verdict: 'non-linearizable', events: 8 });
    expect(violations).toHaveLength(1);
  });

  test('keeps as much after a hundred thousand operations as after a hundred', () => {
    const prng = prngStream('monitor', 'long');
    const monitor = new Monitor(counterModel());
    let count = 0;
    let most = 0;
    const running = new Map<number, number | undefined>();
    for (let turn = 0; turn < 300_000; turn++) {
      const process = prng.int(0, 3);
      if (!running.has(process)) {
        running.set(process, undefined);
        monitor.push(event(process, 'invoke', 'increment'));
      } else if (running.get(process) === undefined) {
        running.set(process, ++count);
      } else {
        monitor.push(event(process, 'ok', 'increment', running.get(process)));
        running.delete(process);
      }
      const { configurations, waiting } = monitor.size;
      most = Math.max(most, configurations + waiting);
    }
    expect(count).toBeGreaterThan(90_000);
    expect(most).toBeLessThan(200);
    expect(JSON.stringify(monitor.checkpoint()).length).toBeLessThan(20_000);
    expect(monitor.end().verdict).toBe('linearizable');
  });

  test('gives up honestly: too many configurations, too much that waits, a model that throws', () => {
    const wide = new Monitor(registerModel({ init: 0 }), { maxConfigurations: 3 });
    for (let process = 0; process < 6; process++) {
      wide.push(event(process, 'invoke', 'write', process));
    }
    for (let process = 0; process < 6; process++) wide.push(event(process, 'ok', 'write', process));
    expect(wide.end()).toMatchObject({ verdict: 'unknown', unknown: [{ cause: 'bytes' }] });

    const stuck = new Monitor(registerModel({ init: 0 }), { maxWaiting: 10 });
    stuck.push(event(9, 'invoke', 'write', 1));
    for (let at = 0; at < 10; at++) {
      stuck.push(event(0, 'invoke', 'write', 2));
      stuck.push(event(0, 'ok', 'write', 2));
    }
    expect(stuck.end()).toMatchObject({ verdict: 'unknown', unknown: [{ cause: 'bytes' }] });

    const throwing = new Monitor({
      ...registerModel(),
      step: () => {
        throw new Error('no');
      },
    });
    throwing.push(event(0, 'invoke', 'write', 1));
    throwing.push(event(0, 'ok', 'write', 1));
    expect(throwing.end()).toMatchObject({ unknown: [{ cause: 'model-error' }] });
  });
});
