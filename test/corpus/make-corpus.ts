/**
 * Writes the corpus: `npx tsx test/corpus/make-corpus.ts [RUN …]`. RUN are stored runs of canaries, whose
 * registers and sequences are taken in; without any, those that are in the corpus already stay.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { prngStream } from '../../src/base/prng.ts';
import type { HistoryEvent } from '../../src/checker/history/builder.ts';
import { type History, NEVER } from '../../src/checker/history/columns.ts';
import { check } from '../../src/checker/linearizability/decide.ts';
import { modelByName } from '../../src/checker/models/registry.ts';
import { drawEvents, subjects } from '../unit/checker/linearizability/objects.ts';
import { scripted } from '../unit/checker/linearizability/script.ts';
import { type CorpusEntry, corpusFile, readCorpus } from './corpus.ts';
import { handMade } from './hand-made.ts';

/** Names and options of the objects that draw. */
const drawn: Readonly<Record<string, readonly [model: string, options: object]>> = {
  'register, few values': ['register', { init: 0 }],
  'register, unique values': ['register', { init: 0 }],
  'cas-register, failed cas observed': ['cas-register', { init: 0, failedCas: 'observed' }],
  'cas-register, failed cas without effect': ['cas-register', { init: 0 }],
  'cas-register, many crashes': ['cas-register', { init: 0 }],
  'cas-register, unique values': ['cas-register', { init: 0 }],
  'counter, ones': ['counter', {}],
  'counter, amounts': ['counter', {}],
  'counter, increments': ['counter', {}],
  sequence: ['sequence', {}],
  queue: ['queue', {}],
  stack: ['stack', {}],
  'priority queue': ['priority-queue', {}],
  'grow-only set': ['grow-only-set', {}],
  'append list': ['append-list', {}],
  kv: ['kv', {}],
  'kv, words repeated': ['kv', {}],
  mutex: ['mutex', {}],
  semaphore: ['semaphore', { permits: 2 }],
  'shared lock': ['shared-lock', {}],
  'fenced lock': ['fenced-lock', {}],
};

const EACH_VERDICT = 5;

function shorten(events: readonly HistoryEvent[]): string {
  const marks = { invoke: '>', ok: '<', fail: '!', info: '?' } as const;
  const numbers = new Map<number | string, number>();
  return events
    .map(({ process, type, f, value }) => {
      if (!numbers.has(process)) numbers.set(process, numbers.size);
      const hasValue = value !== null && value !== undefined && type !== 'info' && type !== 'fail';
      const text = hasValue ? JSON.stringify(value) : '';
      return `${numbers.get(process)}${marks[type]} ${type === 'invoke' ? f : ''} ${text}`
        .replace(/ +/g, ' ')
        .trim();
    })
    .join('; ');
}

/** The events of a history, in the order of their ranks. */
function eventsOf(history: History): HistoryEvent[] {
  const events: { readonly rank: number; readonly event: HistoryEvent }[] = [];
  for (let row = 0; row < history.count; row++) {
    const { f, input, output, outcome } = history.op(row);
    // A process number of its own for each operation: some that stood between are left out.
    const [rank, end] = [history.start[row] as number, history.end[row] as number];
    events.push({ rank, event: { process: row, type: 'invoke', f, value: input } });
    const isOpen = end === NEVER;
    const type = isOpen ? 'info' : outcome;
    const value = outcome === 'ok' ? output : undefined;
    events.push({ rank: isOpen ? rank + 0.5 : end, event: { process: row, type, f, value } });
  }
  return events.sort((a, b) => a.rank - b.rank).map(({ event }) => event);
}

/** Undefined where the core could not be made certain within the budget of an explanation. */
function entryOf(
  entry: Pick<CorpusEntry, 'name' | 'origin' | 'model' | 'options' | 'events'>,
): CorpusEntry | undefined {
  const found = check(scripted(entry.events), modelByName(entry.model, entry.options));
  const [part] = found.parts;
  if (part === undefined || found.parts.length !== 1)
    throw new Error(`${entry.name}: not one part`);
  if (part.verdict === 'linearizable') {
    return { ...entry, expected: 'linearizable', order: Array.from(part.order) };
  }
  if (part.verdict === 'unknown') throw new Error(`${entry.name} is not decided`);
  const { explanation } = part.violation;
  if (explanation?.confirmedBy === undefined || !explanation.isIrreducible) {
    return undefined;
  }
  const { witness } = part.violation;
  if (witness === undefined) {
    return { ...entry, expected: 'non-linearizable', core: explanation.core };
  }
  const rowOf = new Map(Array.from(witness.rows, (row, at) => [row, at]));
  const core = explanation.core.map((row) => rowOf.get(row) as number);
  const left = shorten(eventsOf(witness.history));
  return { ...entry, expected: 'non-linearizable', core, witness: left };
}

function drawEntries(): CorpusEntry[] {
  return subjects.flatMap((subject) => {
    const known = drawn[subject.name];
    if (known === undefined) return [];
    const [model, options] = known;
    const prng = prngStream('corpus', subject.name);
    const wanted = { linearizable: EACH_VERDICT, 'non-linearizable': EACH_VERDICT };
    const entries: CorpusEntry[] = [];
    for (let attempt = 0; attempt < 400 && entries.length < 2 * EACH_VERDICT; attempt++) {
      const events = drawEvents(subject, prng, {
        operations: prng.int(12, 28),
        clients: prng.int(3, 6),
        lies: prng.pick([0, 60]),
      });
      const entry = entryOf({
        name: `${subject.name} ${attempt}`,
        origin: 'drawn',
        model,
        options: options as CorpusEntry['options'],
        events: shorten(events),
      });
      if (entry !== undefined && wanted[entry.expected]-- > 0) entries.push(entry);
    }
    return entries;
  });
}

/** What a stored run's history says of one register or sequence. */
function harvest(run: string): CorpusEntry[] {
  const text = readFileSync(join(run, 'history.ndjson'), 'utf8').trim();
  const byKey = new Map<string, HistoryEvent[]>();
  for (const line of text.split('\n')) {
    const event = JSON.parse(line) as HistoryEvent;
    const plain = plainEvent(event);
    if (event.process === 'nemesis' || plain === undefined) continue;
    const key = String(event.key);
    const events = byKey.get(key);
    if (events === undefined) byKey.set(key, [plain]);
    else events.push(plain);
  }
  return [...byKey].flatMap(([key, events]) => {
    const model = events[0]?.f === 'generate' ? 'sequence' : 'cas-register';
    const options = model === 'sequence' ? { init: -1 } : { init: null };
    const name = `${basename(run)} ${key}`;
    return entryOf({ name, origin: 'canary', model, options, events: shorten(events) }) ?? [];
  });
}

function plainEvent(event: HistoryEvent): HistoryEvent | undefined {
  const { f, type, value } = event;
  switch (f) {
    case 'write':
    case 'cas':
      return event;
    case 'read':
      return type === 'ok' ? { ...event, value: (value as { value: unknown }).value } : event;
    case 'next-id':
      return { ...event, f: 'generate', value: type === 'ok' ? Number(value) : null };
    default:
      return undefined;
  }
}

const runs = process.argv.slice(2);
const old = existsSync(corpusFile) ? readCorpus() : [];
const harvested =
  runs.length > 0 ? runs.flatMap(harvest) : old.filter(({ origin }) => origin === 'canary');
const entries = [
  ...handMade.flatMap(({ options = {}, ...rest }) => {
    return entryOf({ ...rest, origin: 'hand', options }) ?? [];
  }),
  ...drawEntries(),
  ...harvested,
];
writeFileSync(corpusFile, `${entries.map((entry) => JSON.stringify(entry)).join('\n')}\n`);
process.stdout.write(`${entries.length} histories\n`);
