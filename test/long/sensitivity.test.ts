/**
 * How much the contract's checks can be trusted: no false alarm on ten thousand journals of the real server
 * under all kinds of faults, every anomaly found wherever it is put, and a million operations at one go.
 * UMPIRE_UNTOUCHED is how many journals; each is short, because it is the number that finds a false alarm.
 */
import { describe, expect, test } from 'vitest';
import { prngStream } from '../../src/base/prng.ts';
import { checkZooKeeper, contractChecks } from '../../src/checker/zookeeper/contract.ts';
import { lock, register } from '../../workloads/index.ts';
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

const UNTOUCHED = Number(process.env.UMPIRE_UNTOUCHED ?? 10_000);
/** Told one by one, so that a long run says early what it has found. */
const PIECE = 500;
const PLACES = 50;
const MAX_RUNS = 400;
const nemeses = [
  ['none'],
  ['kill'],
  ['pause'],
  ['partition-one'],
  ['partition-halves'],
  ['power-loss'],
  ['partition-majorities-ring'],
  ['kill', 'partition-halves', 'power-loss', 'pause'],
];
const tree = treeWorkload();
const watching = treeWorkload(1500, 2);
const workloads = [tree, watching, tree, watching, tree, lock, tree, register];

/** What the contract's checks have looked at, and what they complained of. */
class Tally {
  readonly looked: Record<string, number> = {};
  readonly alarms: string[] = [];
  readonly findings: Record<string, number> = {};
  records = 0;

  add(run: GoodRun, name: string): void {
    this.records += run.journal.length;
    // A run is judged where it ends, and all its results are kept.
    const results = run.outcome.result.checks.filter(({ checker }) => isOfContract(checker));
    for (const { checker, looked, findings = {} } of results) {
      this.looked[checker] = (this.looked[checker] ?? 0) + looked;
      for (const [finding, count] of Object.entries(findings)) {
        this.findings[finding] = (this.findings[finding] ?? 0) + count;
      }
    }
    for (const alarm of complaints(results)) this.alarms.push(`${name}: ${alarm}`);
  }
}

const isOfContract = (checker: string): boolean =>
  (contractChecks as readonly string[]).includes(checker);

describe(`${UNTOUCHED} untouched histories raise no alarm`, () => {
  const tally = new Tally();
  const pieces = Array.from({ length: Math.ceil(UNTOUCHED / PIECE) }, (_, piece) => piece * PIECE);

  test.each(pieces)('from seed %i', (from) => {
    const to = Math.min(from + PIECE, UNTOUCHED);
    for (let seed = from; seed < to; seed++) {
      const nemesis = nemeses[seed % nemeses.length] as readonly string[];
      const workload = workloads[Math.floor(seed / nemeses.length) % workloads.length] ?? tree;
      const nodes = seed % 5 === 4 ? 5 : 3;
      const shape = { nemesis, workload, nodes, concurrency: 3, timeLimitMs: 600 };
      const run = goodContractRun({ seed: `untouched ${seed}`, ...shape });
      tally.add(run, `seed ${seed}, ${nodes} servers, ${workload.name} under ${nemesis.join()}`);
    }
    const { records, alarms, looked, findings } = tally;
    console.log(JSON.stringify({ runs: to, records, alarms: alarms.length, looked, findings }));
    expect(alarms).toEqual([]);
  });

  test('every check looked at something', () => {
    for (const checker of contractChecks) expect(tally.looked[checker], checker).toBeGreaterThan(0);
  });
});

describe(`every anomaly is found at ${PLACES} places`, () => {
  const made = new Map<string, GoodRun>();
  function runOf(kind: 'calm' | 'reconnects', seed: number): GoodRun {
    const name = `${kind} ${seed}`;
    let run = made.get(name);
    if (run === undefined) {
      const moved = { nemesis: ['partition-one'], workload: treeWorkload(2500, 4), concurrency: 8 };
      const shape = kind === 'calm' ? { concurrency: 5 } : moved;
      run = goodContractRun({ seed: name, ...shape });
      made.set(name, run);
    }
    return run;
  }

  test.each(contractAnomalies)('$name', ({ name, run, found, inject }) => {
    let injected = 0;
    for (let seed = 0; seed < MAX_RUNS && injected < PLACES; seed++) {
      const { journal, options } = runOf(run, seed);
      const forgery = new Forgery(journal, prngStream(`${seed}`, 'place'));
      if (!inject(forgery)) continue;
      injected++;
      const { log: _, ...raw } = options;
      const used = withExpiries(run === 'calm' ? raw : options, forgery.expiries);
      const kinds = kindsOf(forgery.records, used);
      const hits = kinds.filter((kind) => found.includes(kind));
      expect(hits, `seed ${seed}: ${kinds.join()}`).not.toEqual([]);
    }
    console.log(JSON.stringify({ anomaly: name, injected, missed: 0 }));
    expect(injected).toBeGreaterThan(PLACES / 10);
  });
});

test('a million operations pass all checks', () => {
  const prng = prngStream('million', 'model');
  const journal = modelJournal({ prng, operations: 1_000_000, clients: 20, nodes: 2000 });
  const before = process.cpuUsage();
  const results = checkZooKeeper(journal);
  const { user, system } = process.cpuUsage(before);
  expect(complaints(results)).toEqual([]);
  const looked = Object.fromEntries(results.map((result) => [result.checker, result.looked]));
  console.log(
    `${journal.length} records in ${Math.round((user + system) / 1000)} ms of CPU`,
    looked,
  );
});
