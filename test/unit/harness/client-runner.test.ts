/** What becomes of an operation whose time is over at the very moment at which it could begin. */
import { describe, expect, test } from 'vitest';
import type { Program, ProgramOutcome } from '../../../src/client/core/program.ts';
import { ClientRunner, type RunContext } from '../../../src/harness/client-runner.ts';
import { HistoryRecorder } from '../../../src/harness/history.ts';
import type { OperationResult } from '../../../src/harness/workload.ts';
import type { World, WorldClient } from '../../../src/harness/world/world.ts';

/** One client of a world in which everything happens when the test says so. */
function stage() {
  const recorder = new HistoryRecorder({ nowNs: () => 0 } as World, 1);
  const timers: { action: () => void; isOn: boolean }[] = [];
  let program: Program<unknown> | undefined;
  let ended: (outcome: ProgramOutcome) => void = () => {};
  let hasActed = false;
  const client: WorldClient = {
    id: 0,
    run: (body, done) => {
      program = body;
      ended = done;
      // As in every world: it is told, and obeys when it gets round to it.
      return { cancel: () => {} };
    },
    session: () => ({ state: 'connecting', sessionId: 0n, server: undefined }) as never,
    drop: () => {},
  };
  const run = {
    plan: { seed: 'f', knobs: { operationTimeoutMs: 10, sessionTimeoutMs: 10 } },
    world: {
      openClient: () => client,
      schedule: (_: number, action: () => void) => {
        const timer = { action, isOn: true };
        timers.push(timer);
        return {
          cancel: () => {
            timer.isOn = false;
          },
        };
      },
    },
    workload: {
      *operation(): Program<OperationResult> {
        hasActed = true;
        yield { call: 'connected' };
        return { type: 'ok' };
      },
    },
    recorder,
    journal: { observer: () => () => {} },
    problem: () => {},
  } as unknown as RunContext;
  const runner = new ClientRunner(run, { id: 0, servers: [1], startNs: 0, firstProcess: 0 });
  runner.runOne({ id: 'c0-0', f: 'put', after: 0 } as never, () => {});
  const body = program as unknown as Program<unknown>;
  return {
    connect: () => {
      let step = body.next();
      for (let turn = 0; turn < 5 && step.done !== true; turn++) step = body.next();
      if (step.done === true) ended({ ok: true, value: step.value } as never);
    },
    timeOut: () => {
      for (const { action, isOn } of timers) if (isOn) action();
    },
    hasActed: () => hasActed,
    endings: () => recorder.entries.slice(1).map(({ type, error }) => [type, error]),
  };
}

describe('an operation', () => {
  test('that was told as never begun does not begin afterwards', () => {
    const { timeOut, connect, hasActed, endings } = stage();
    timeOut();
    connect();
    expect(hasActed()).toBe(false);
    expect(endings()).toEqual([['fail', 'NotConnected']]);
  });

  test('that began in time ends as it ended', () => {
    const { timeOut, connect, hasActed, endings } = stage();
    connect();
    timeOut();
    expect(hasActed()).toBe(true);
    expect(endings()).toEqual([['ok', undefined]]);
  });
});
