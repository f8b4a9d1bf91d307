/**
 * The contract's checks are tested by mutation: every anomaly of the catalogue is found wherever it is put
 * into the journal of a good run, and the good runs themselves pass.
 */
import { beforeAll, describe, expect, test } from 'vitest';
import { prngStream } from '../../src/base/prng.ts';
import { checkZooKeeper } from '../../src/checker/zookeeper/contract.ts';
import {
  complaints,
  type GoodRun,
  goodContractRun,
  kindsOf,
  withExpiries,
} from '../support/contract-runs.ts';
import { modelJournal } from '../support/model-ensemble.ts';
import { treeWorkload } from '../support/tree-workload.ts';
import { contractAnomalies } from '../unit/checker/zookeeper/anomalies.ts';
import { Forgery } from '../unit/checker/zookeeper/injection.ts';

/** Clients that wait long for their watches lose their connections meanwhile. */
const PATIENT_MS = 2500;
const MAX_ATTEMPTS = 20;
const MAX_MOVED_RUNS = 30;
const runs: Record<'calm' | 'reconnects', GoodRun[]> = { calm: [], reconnects: [] };

beforeAll(() => {
  for (let seed = 0; seed < 2; seed++) {
    runs.calm.push(goodContractRun({ seed: `calm ${seed}`, concurrency: 5, timeLimitMs: 6000 }));
  }
  // Until enough watches were caught up with, and a session expired.
  for (let seed = 0; seed < MAX_MOVED_RUNS && !hasMovedEnough(runs.reconnects); seed++) {
    const nemesis = seed % 2 === 0 ? ['partition-one'] : ['kill', 'power-loss'];
    const shape = { nemesis, workload: treeWorkload(PATIENT_MS, 4), concurrency: 8 };
    const run = goodContractRun({ seed: `moved ${seed}`, ...shape, timeLimitMs: 6000 });
    if (isMoved(run) || run.options.expiry !== undefined) runs.reconnects.push(run);
  }
});

/** A client was told of what it had missed. */
function isMoved({ journal }: GoodRun): boolean {
  return journal.some((record) => record.type === 'event' && record.zxid === -1);
}

function hasMovedEnough(moved: readonly GoodRun[]): boolean {
  const expired = moved.filter(({ options }) => options.expiry !== undefined);
  return moved.filter(isMoved).length >= 2 && expired.length >= 1;
}

test('the good runs pass, and every check looked at something', () => {
  const looked = new Map<string, number>();
  for (const { journal, options } of [...runs.calm, ...runs.reconnects]) {
    const results = checkZooKeeper(journal, options);
    expect(complaints(results)).toEqual([]);
    for (const result of results) {
      looked.set(result.checker, (looked.get(result.checker) ?? 0) + result.looked);
    }
  }
  const idle = [...looked].filter(([, count]) => count === 0).map(([checker]) => checker);
  expect(idle).toEqual([]);
});

/** Another place each time, until one fits. */
function forge(
  journal: GoodRun['journal'],
  index: number,
  inject: (forgery: Forgery) => boolean,
): Forgery | undefined {
  for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
    const forgery = new Forgery(journal, prngStream(`${index}`, `anomaly/${attempt}`));
    if (inject(forgery)) return forgery;
  }
  return undefined;
}

test('the journals of the plainest ensemble pass', () => {
  for (let seed = 0; seed < 20; seed++) {
    const prng = prngStream(`${seed}`, 'model');
    const journal = modelJournal({ prng, operations: 400, clients: 4, nodes: 4 });
    expect(complaints(checkZooKeeper(journal))).toEqual([]);
  }
});

describe('every anomaly is found', () => {
  test.each(contractAnomalies)('$name', ({ run, found, inject }) => {
    let injected = 0;
    for (const [index, { journal, options }] of runs[run].entries()) {
      const forgery = forge(journal, index, inject);
      if (forgery === undefined) continue;
      injected++;
      // The log would betray some of them even to a checker that is blind otherwise.
      const { log: _, ...raw } = options;
      const used = withExpiries(run === 'calm' ? raw : options, forgery.expiries);
      const kinds = kindsOf(forgery.records, used);
      const hits = kinds.filter((kind) => found.includes(kind));
      expect(hits, `run ${index}: ${kinds.join()}`).not.toEqual([]);
    }
    expect(injected).toBeGreaterThan(0);
  });
});
