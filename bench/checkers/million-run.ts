/** One history of a million operations, in a process of its own, so that time and memory are its own. */
import { prngStream } from '../../src/base/prng.ts';
import {
  type CheckResult,
  check,
  type History,
  judgeZooKeeper,
  modelByName,
  SessionCollector,
} from '../../src/checker/index.ts';
import { modelRecords } from '../../test/support/model-ensemble.ts';
import { cpuMs } from './measure.ts';
import { millionQueueOperations, millionRegisterOperations, OPERATIONS } from './million.ts';

export type Subject = 'register' | 'queue' | 'zookeeper';

export interface MillionResult {
  readonly verdict: string;
  readonly engine: string;
  /** Making the history and pushing it event by event. */
  readonly madeMs: number;
  /** Of that the pushing alone, where it is known. */
  readonly pushedMs?: number;
  /** The first turn, and the least. */
  readonly firstMs: number;
  readonly checkedMs: number;
  readonly peakMegabytes: number;
}

const TURNS = 3;

/** Ten clients with more of them would mostly hear of events: about one for each write is enough. */
const STANDING_WATCHES = 4;

const peakMegabytes = (): number => process.resourceUsage().maxRSS / 1024;

function judgeHistory(make: () => History, model: string): MillionResult {
  const before = process.cpuUsage();
  const history = make();
  const madeMs = cpuMs(before);
  const begun = process.cpuUsage();
  const { verdict, parts } = check(history, modelByName(model));
  const checkedMs = cpuMs(begun);
  const engine = parts[0]?.engine ?? '';
  return { verdict, engine, madeMs, firstMs: checkedMs, checkedMs, peakMegabytes: peakMegabytes() };
}

/** Code is compiled while the first turn runs; of all turns the least counts. */
function judgeJournal(): MillionResult {
  const shape = { operations: OPERATIONS, standingWatches: STANDING_WATCHES };
  const records = () => modelRecords({ prng: prngStream('bench', 'journal'), ...shape });
  const makes = process.cpuUsage();
  let made = 0;
  for (const { time } of records()) if (time > 0) made++;
  const onlyMadeMs = cpuMs(makes);
  const before = process.cpuUsage();
  const collector = new SessionCollector();
  for (const record of records()) collector.push(record);
  const sessions = collector.finish();
  const madeMs = cpuMs(before);
  const pushedMs = madeMs - onlyMadeMs;
  const turns: number[] = [];
  let results: readonly CheckResult[] = [];
  for (let turn = 0; turn < TURNS; turn++) {
    const begun = process.cpuUsage();
    results = judgeZooKeeper(sessions);
    turns.push(cpuMs(begun));
  }
  const [firstMs = Number.NaN] = turns;
  const checkedMs = Math.min(...turns);
  const bad = results.filter(({ verdict }) => verdict !== 'pass' && verdict !== 'not-exercised');
  const verdict = bad.length === 0 ? 'pass' : bad.map(({ summary }) => summary).join('; ');
  const looked = results.filter((result) => result.looked > 0).length;
  const engine = `${looked} of ${results.length} checks, ${made} records,`;
  const peak = peakMegabytes();
  return { verdict, engine, madeMs, pushedMs, firstMs, checkedMs, peakMegabytes: peak };
}

const runs: Readonly<Record<Subject, () => MillionResult>> = {
  register: () => judgeHistory(millionRegisterOperations, 'register'),
  queue: () => judgeHistory(millionQueueOperations, 'queue'),
  zookeeper: judgeJournal,
};

const subject = process.argv[2] as Subject;
process.stdout.write(JSON.stringify(runs[subject]()));
