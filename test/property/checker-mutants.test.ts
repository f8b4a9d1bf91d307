/**
 * The fuzz is worth what it catches. Each mutant breaks one reduction of the search, or one step of a fast
 * path, in a copy of the sources; the same histories that pass on the sound engine must expose it.
 */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { build, type Plugin } from 'esbuild';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { prngStream } from '../../src/base/prng.ts';
import { type HistoryEvent, historyOf } from '../../src/checker/history/builder.ts';
import { check as checkHistory } from '../../src/checker/linearizability/decide.ts';
import type { Reductions } from '../../src/checker/linearizability/jit.ts';
import { crashedHistories } from '../unit/checker/linearizability/crashed-histories.ts';
import { fuzz, type Judges } from '../unit/checker/linearizability/fuzz.ts';
import { type Subject, subjects } from '../unit/checker/linearizability/objects.ts';

interface Mutant {
  readonly breaks: string;
  readonly file: string;
  readonly find: string;
  readonly replace: string;
  /** Name of the object whose histories show it, or of the one history that is made for it. */
  readonly on: string;
}

const jit = 'linearizability/jit.ts';
const few = 'register, few values';
const mutants: readonly Mutant[] = [
  {
    breaks: 'absorption takes what only happens to change nothing',
    file: jit,
    find: 'if (isPure[op] === 0 || this.#isLinearized(op)) return;',
    replace: 'if (this.#isLinearized(op)) return;',
    on: few,
  },
  {
    breaks: 'absorption takes what is not legal',
    file: jit,
    find: 'if (this.#space.transition(classOf[op] as number, this.#state) !== this.#state) return;',
    replace: '',
    on: few,
  },
  {
    breaks: 'twins are told by their state instead of their class',
    file: jit,
    find: 'if (seen[classId] === stamp) continue;\n        seen[classId] = stamp;',
    replace: 'if (seen[0] === stamp) continue;\n        seen[0] = stamp;',
    on: few,
  },
  {
    breaks: 'crashed operations are available before they began',
    file: jit,
    find: 'if (nextOp === undefined || (start[nextOp] as number) > limit) continue;',
    replace: 'if (nextOp === undefined) continue;',
    on: few,
  },
  {
    breaks: 'crashed operations may be used again and again',
    file: jit,
    find: 'else this.#used = this.#crashed.plus(this.#used, -1 - candidate);',
    replace: '',
    on: 'counter, ones',
  },
  {
    breaks: 'which crashed operations were used does not matter',
    file: 'linearizability/jit-memo.ts',
    find: 'if (other === used) return false;',
    replace: 'return false;',
    on: 'one of two was the wrong one',
  },
  {
    breaks: 'dominance is the wrong way round',
    file: 'linearizability/jit-memo.ts',
    find: 'this.#crashed.isSubset(other, used)',
    replace: 'this.#crashed.isSubset(used, other)',
    on: 'none was better than one',
  },
  {
    breaks: 'the memo forgets which operations were linearized',
    file: jit,
    find: 'this.#memo.add(this.#level, this.#state, this.#bits, this.#used)',
    replace: 'this.#memo.add(this.#level, this.#state, this.#bits.map(() => 0), this.#used)',
    on: few,
  },
  {
    breaks: 'whatever follows a crashed operation makes it vain',
    file: jit,
    find: 'if (this.#space.transition(classId, before) !== next) return false;',
    replace: '',
    on: few,
  },
  {
    breaks: 'a crashed operation is vain although something saw it',
    file: jit,
    find: 'if (this.#depth === 0 || this.#hasAbsorbed) return NO_OP;',
    replace: 'if (this.#depth === 0) return NO_OP;',
    on: few,
  },
  {
    breaks: 'what is hidden can not be used any more',
    file: jit,
    find: 'if (this.#isHidden(due)) {',
    replace: 'if (this.#isHidden(due)) {\n      this.#addCandidate(PASS);\n      return;',
    on: few,
  },
  {
    breaks: 'operations hide behind what does not overwrite them',
    file: 'linearizability/state-space.ts',
    find: 'return row[earlier] === 2;',
    replace: 'return true;',
    on: 'cas-register, failed cas without effect',
  },
  {
    breaks: 'a level too few is looked ahead of',
    file: 'models/containers.ts',
    find: 'elements(op).length < state.size',
    replace: 'elements(op).length <= state.size',
    on: 'grow-only set',
  },
  {
    breaks: 'zones may overlap',
    file: 'fast/blocks.ts',
    find: 'if ((firstEnd[block] as number) < (lastStart[before] as number)) {',
    replace: 'if (Number.isNaN(before)) {',
    on: 'register, unique values',
  },
  {
    breaks: 'a dequeue may find nothing in a full queue',
    file: 'fast/fifo.ts',
    find: 'covered.cover(insertTo + 1, removeFrom - 1)',
    replace: 'covered.cover(insertTo + 1, insertTo)',
    on: 'queue',
  },
  {
    breaks: 'every value can be at the bottom of the stack',
    file: 'fast/lifo.ts',
    find: 'value.insertFrom <= firstIn && value.removeTo >= lastOut',
    replace: 'true',
    on: 'stack',
  },
  {
    breaks: 'lesser values do not matter',
    file: 'fast/priority.ts',
    find: 'covered.cover(insertTo + 1, Math.min(out, found.lastGap) - 1);',
    replace: '',
    on: 'priority queue',
  },
  {
    breaks: 'latest deadline first',
    file: 'fast/unit-counter.ts',
    find: '(a, b) => (end[a] as number) - (end[b] as number)',
    replace: '(a, b) => (end[b] as number) - (end[a] as number)',
    on: 'counter, ones',
  },
  {
    breaks: 'one hold more than there are permits',
    file: 'fast/holds.ts',
    find: 'holding.size > permits',
    replace: 'holding.size > permits + 1',
    on: 'semaphore',
  },
  {
    breaks: 'what was read need not have been added for long',
    file: 'fast/grow-only.ts',
    find: 'const missing = before === undefined ? undefined : firstMissing(before, read);',
    replace: 'const missing = before === undefined ? undefined : firstMissing(read, before);',
    on: 'grow-only set',
  },
  {
    breaks: 'reads may fork',
    file: 'fast/appends.ts',
    find: 'if (!isPrefix || !sizes.has(size(read))) return this.#forked(epoch, read);',
    replace: '',
    on: 'append list',
  },
  {
    breaks: 'a write that nobody saw is left out',
    file: 'fast/appends.ts',
    find: 'blocks.push([op]);\n      epochOf.push(undefined);',
    replace: '',
    on: 'kv',
  },
  {
    breaks: 'words that were written twice are anybody’s',
    file: 'fast/texts.ts',
    find: "if (possible.length !== total || !this.#isInTurn(possible)) return 'ambiguous';",
    replace: '',
    on: 'kv, words repeated',
  },
  {
    breaks: 'tokens are granted in any order',
    file: 'fast/tokens.ts',
    find: 'grants.sort((a, b) => a.token - b.token);',
    replace: '',
    on: 'fenced lock',
  },
  {
    breaks: 'values that were read lose their names',
    file: 'models/register.ts',
    find: 'isNamed[history.output[index] as number] = 1;',
    replace: '',
    on: few,
  },
  {
    breaks: 'the other engine forgets which crashed operations it used',
    file: 'linearizability/wgl.ts',
    find: 'this.#crashed.add(this.#bit[call] as number);',
    replace: '',
    on: 'cas-register, many crashes',
  },
  {
    breaks: 'the other engine takes pure operations that are not legal',
    file: 'linearizability/wgl.ts',
    find: '=== this.#state\n      ) {',
    replace: '!== ILLEGAL - 1\n      ) {',
    on: few,
  },
  {
    breaks: 'the monitor does not wait for what runs beside an answer',
    file: 'linearizability/monitor.ts',
    find: 'if (!frontier.isReady()) break;',
    replace: '',
    on: few,
  },
  {
    breaks: 'the monitor keeps the wrong one of two that are equal but for crashes',
    file: 'linearizability/frontier.ts',
    find: 'if (others.some(({ used }) => isAtMost(used, configuration.used))) return false;',
    replace: 'if (others.some(({ used }) => isAtMost(configuration.used, used))) return false;',
    on: 'cas-register, many crashes',
  },
  {
    breaks: 'the monitor leaves crashed operations out',
    file: 'linearizability/frontier.ts',
    find: '(this.#groups[group] as CrashedGroup).count++;',
    replace: '',
    on: few,
  },
  {
    breaks: 'nothing is forgotten at cuts',
    file: jit,
    find: 'this.#memo.forgetBefore(cut);',
    replace: '',
    on: 'bursts',
  },
  {
    breaks: 'what comes after a cut is forgotten instead of what came before',
    file: 'linearizability/jit-memo.ts',
    find: 'if ((this.#records[record] as number) < level) continue;',
    replace: 'if ((this.#records[record] as number) >= level) continue;',
    on: 'bursts',
  },
];

const checker = resolve(import.meta.dirname, '../../src/checker');
let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'umpire-mutants-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** The check and the models, from sources in which one text is replaced. */
async function load(mutant: Mutant, ordinal: number) {
  const path = join(checker, mutant.file);
  const text = readFileSync(path, 'utf8');
  expect(text.split(mutant.find).length - 1, `${mutant.file} has the text once`).toBe(1);
  const plugin: Plugin = {
    name: 'mutant',
    setup: ({ onLoad }) => {
      onLoad({ filter: /\.ts$/ }, (args) =>
        args.path === path
          ? { contents: text.replace(mutant.find, () => mutant.replace), loader: 'ts' }
          : undefined,
      );
    },
  };
  const outfile = join(folder, `${ordinal}.mjs`);
  const objects = resolve(import.meta.dirname, '../unit/checker/linearizability/objects.ts');
  await build({
    stdin: {
      contents:
        `export { check } from ${JSON.stringify(join(checker, 'linearizability/decide.ts'))};\n` +
        `export { Monitor } from ${JSON.stringify(join(checker, 'linearizability/monitor.ts'))};\n` +
        `export { subjects } from ${JSON.stringify(objects)};`,
      resolveDir: checker,
    },
    bundle: true,
    platform: 'node',
    format: 'esm',
    outfile,
    plugins: [plugin],
    logLevel: 'silent',
  });
  const loaded = (await import(pathToFileURL(outfile).href)) as Judges & {
    readonly subjects: typeof subjects;
  };
  return loaded;
}

/** So much memory is enough for a few bursts. */
const BURST_BYTES = 100_000;
const BURSTS = 2000;

/** A long history with a quiet moment behind each burst of operations: the verdict, or what ran out. */
function judgeBursts(check: Judges['check'], reductions: Partial<Reductions> = {}): string {
  const register = subjects.find(({ name }) => name.includes('without effect')) as Subject;
  const prng = prngStream('engines', 'bursts');
  const running = register.start();
  const events: HistoryEvent[] = [];
  for (let burst = 0; burst < BURSTS; burst++) {
    const requests = Array.from({ length: 8 }, () => running.ask(prng, 0));
    requests.forEach((request, process) => {
      events.push({ process, type: 'invoke', ...request });
    });
    const replies = requests.map((_, process) => process);
    for (const process of prng.shuffle(replies)) {
      const request = requests[process] as (typeof requests)[number];
      const reply = running.apply(request, process);
      if (typeof reply === 'string') events.push({ process, type: 'fail', ...request });
      else events.push({ process, type: 'ok', f: request.f, value: reply.ok });
    }
  }
  try {
    const { verdict, parts } = check(historyOf(events), register.model, {
      engine: 'jit',
      reductions,
      isExplained: false,
      budget: { maxBytes: BURST_BYTES, maxSteps: 1_000_000 },
    });
    const [part] = parts;
    return part?.verdict === 'unknown' ? part.cause : verdict;
  } catch (thrown) {
    return String(thrown);
  }
}

describe('mutants of the engines are caught', () => {
  test.each(mutants)('$breaks', async (mutant) => {
    const { subjects: mutated, ...judges } = await load(mutant, mutants.indexOf(mutant));
    const events = crashedHistories[mutant.on];
    if (events !== undefined) {
      const register = mutated.find(({ name }) => name.includes('without effect')) as Subject;
      const found = judges.check(historyOf(events), register.model, { engine: 'jit' });
      expect(found.verdict).toBe('non-linearizable');
      return;
    }
    if (mutant.on === 'bursts') {
      expect(judgeBursts(judges.check)).not.toBe('linearizable');
      return;
    }
    const subject = mutated.find(({ name }) => name === mutant.on);
    if (subject === undefined) throw new Error(`no object ${mutant.on}`);
    const prng = prngStream('engines', mutant.on);
    expect(fuzz(subject, prng, { histories: 20_000, judges }).disagreement).toBeDefined();
  });

  test('the sound engine finds its way through many bursts with little memory', () => {
    expect(judgeBursts(checkHistory)).toBe('linearizable');
    expect(judgeBursts(checkHistory, { cuts: false })).toBe('bytes');
  });

  test.each(Object.entries(crashedHistories))('the sound engine orders: %s', (_, events) => {
    const register = subjects.find(({ name }) => name.includes('without effect')) as Subject;
    const found = checkHistory(historyOf(events), register.model, { engine: 'jit' });
    expect(found.verdict).toBe('linearizable');
  });
});
