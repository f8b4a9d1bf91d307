/** Histories of an index: where they lie, what they mean, what is known of them. */
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import {
  type CheckOptions,
  check,
  type History,
  type HistoryVerdict,
  type Model,
  modelByName,
  readHistory,
} from '../../src/checker/index.ts';
import { cpuMs } from './measure.ts';

export interface Entry {
  readonly file: string;
  readonly model: string;
  readonly expected: string;
  readonly porcupineCpuMs?: number;
  readonly [option: string]: unknown;
}

export interface Loaded {
  readonly entry: Entry;
  readonly path: string;
  readonly history: History;
  readonly model: Model;
}

export function entriesOf(index: string): readonly Entry[] {
  return JSON.parse(readFileSync(index, 'utf8')) as Entry[];
}

export function load(index: string, entry: Entry): Loaded {
  const path = join(dirname(index), entry.file);
  const history = readHistory(readFileSync(path, 'utf8'), { lostCalls: 'crash' });
  const { model, init, failedCas, nilReads } = entry;
  const hasInit =
    model.includes('register') || model === 'kv' || (model === 'mutex' && init !== null);
  const options = {
    ...(hasInit && init !== undefined ? { init } : {}),
    ...(failedCas === undefined ? {} : { failedCas }),
    ...(nilReads === undefined ? {} : { nilReads }),
  };
  return { entry, path, history, model: modelByName(model, options) };
}

/** The clock is a call into the system: not every step of a model is worth one. */
const STEPS_PER_LOOK = 64;

/** A check that gives up after so much processor time. */
export function checkWithin(
  limitMs: number,
  { history, model }: Pick<Loaded, 'history' | 'model'>,
  options: CheckOptions = {},
): HistoryVerdict {
  const begun = process.cpuUsage();
  let asked = 0;
  const isPastDeadline = (): boolean => ++asked % STEPS_PER_LOOK === 0 && cpuMs(begun) > limitMs;
  const budget = { maxSteps: Number.MAX_SAFE_INTEGER, isPastDeadline };
  return check(history, model, { ...options, budget });
}

/** What decided: of the parts that have the verdict of the whole, the first one's engine. */
export function engineOf({ verdict, parts }: HistoryVerdict): string {
  return parts.find((part) => part.verdict === verdict)?.engine ?? '';
}

/** Why it is open, and how far it came. */
export function causeOf({ parts }: HistoryVerdict): string {
  const open = parts.find(({ verdict }) => verdict === 'unknown');
  if (open?.verdict !== 'unknown') return '';
  const { passed, total } = open.progress;
  return `${open.cause} after ${passed} of ${total} returns`;
}
