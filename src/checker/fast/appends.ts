/**
 * Objects that are appended to: lists, or the texts of a key-value store with `put` and `append`, every
 * value written once (or told apart by time). A read spells the order of the writes it saw. What was read after one put is an
 * *epoch*: a block whose inner order is forced; blocks are ordered by their zones (see blocks.ts). A write
 * that nobody saw fits between any two blocks, because the next block begins with a put.
 */
import { type History, NEVER, Outcome } from '../history/columns.ts';
import { firstInversion, orderBlocks } from './blocks.ts';
import { type FastPath, type FastResult, notApplicable } from './fast-path.ts';
import {
  listScript,
  type Script,
  type Spelling,
  textScript,
  type Unreadable,
  Writers,
} from './texts.ts';

export interface AppendNames {
  readonly read: string;
  readonly append: string;
  readonly put?: string;
}

/** `list`: reads answer lists of what was appended; `text`: the texts, joined. */
export function appends(kind: 'list' | 'text', names: AppendNames): FastPath {
  return {
    name: 'appends',
    check: (history) => {
      const found = writesOf(history, names, kind);
      if (typeof found === 'string') return notApplicable(found);
      const { byToken, puts } = found;
      const writers = new Writers(history, byToken, puts);
      return kind === 'list'
        ? new Appends(history, names, listScript, writers).check()
        : new Appends(history, names, textScript(new Set(byToken.keys())), writers).check();
    },
  };
}

interface Writes {
  readonly byToken: ReadonlyMap<unknown, readonly number[]>;
  readonly puts: readonly number[];
}

function writesOf(
  history: History,
  { read, append, put }: AppendNames,
  kind: 'list' | 'text',
): Writes | string {
  const byToken = new Map<unknown, number[]>();
  const puts: number[] = [];
  for (let op = 0; op < history.count; op++) {
    if (history.outcome[op] === Outcome.fail) continue;
    const { f, input } = history.op(op);
    if (f === read) continue;
    if (f !== append && f !== put) return `${f} is no operation of an append-only object`;
    if (kind === 'text' && typeof input !== 'string') return 'a value is no text';
    if (typeof input === 'object' || input === undefined) return 'a value is no plain value';
    if (input === '') return 'an empty text leaves no trace';
    if (f === put) puts.push(op);
    const others = byToken.get(input);
    if (others === undefined) byToken.set(input, [op]);
    else others.push(op);
  }
  return { byToken, puts };
}

const EMPTY: Spelling = { writers: [], sizes: [] };

/** Epoch of the initial content. */
const INITIAL = -1;

const UNREADABLE = {
  none: 'a read has something that nobody wrote',
  ambiguous: 'a read can not be taken apart in one way only',
} as const;

interface Read<Content> {
  readonly op: number;
  readonly content: Content;
  /** Known from the start where some values were written twice. */
  readonly spelling?: Spelling;
}

interface Epoch<Content> {
  /** The put that began it, or INITIAL. */
  readonly put: number;
  /** Longest first. */
  readonly reads: Read<Content>[];
  spelling: Spelling;
}

class Appends<Content> {
  readonly #history: History;
  readonly #names: AppendNames;
  readonly #script: Script<Content>;
  readonly #writers: Writers;
  readonly #epochs = new Map<number, Epoch<Content>>();
  /** Epoch of each write that was seen. */
  readonly #seenIn = new Map<number, Epoch<Content>>();

  constructor(history: History, names: AppendNames, script: Script<Content>, writers: Writers) {
    this.#history = history;
    this.#names = names;
    this.#script = script;
    this.#writers = writers;
  }

  check(): FastResult {
    const problem = this.#sortReads() ?? this.#spellEpochs();
    return problem ?? this.#order();
  }

  #isPut(op: number): boolean {
    const { names } = this.#history.dictionaries;
    return names.list[this.#history.f[op] as number] === this.#names.put;
  }

  #sortReads(): FastResult | undefined {
    const { count, f, outcome, dictionaries } = this.#history;
    const reading = dictionaries.names.find(this.#names.read) ?? -1;
    for (let op = 0; op < count; op++) {
      if (f[op] !== reading || outcome[op] !== Outcome.ok) continue;
      const content = dictionaries.values.at(this.#history.output[op] as number);
      if (!this.#script.isContent(content)) return notApplicable('a read has another type');
      const read = this.#readOf(op, content);
      if (typeof read === 'string') return notApplicable(UNREADABLE[read]);
      const first = read.first;
      const put = first !== undefined && this.#isPut(first) ? first : INITIAL;
      const epoch = this.#epochs.get(put);
      if (epoch === undefined) {
        const spelling = { writers: [], sizes: [] };
        this.#epochs.set(put, { put, reads: [read], spelling });
      } else {
        epoch.reads.push(read);
      }
    }
    return undefined;
  }

  /** Only the beginning is looked at, unless values were written twice. */
  #readOf(op: number, content: Content): (Read<Content> & { first?: number }) | Unreadable {
    if (this.#script.sizeOf(content) === 0) return { op, content, spelling: EMPTY };
    if (this.#writers.hasDuplicates) {
      const spelling = this.#spell(op, content);
      if (typeof spelling === 'string') return spelling;
      return { op, content, spelling, first: spelling.writers[0] as number };
    }
    const tokens = this.#script.firstToken(content);
    if (typeof tokens === 'string') return tokens;
    const writers = this.#writers.resolve(tokens, op);
    if (typeof writers === 'string') return writers;
    return { op, content, first: writers[0] as number };
  }

  #spell(op: number, content: Content): Spelling | Unreadable {
    const tokens = this.#script.tokens(content);
    if (typeof tokens === 'string') return tokens;
    const writers = this.#writers.resolve(tokens, op);
    if (typeof writers === 'string') return writers;
    let size = 0;
    const sizes = tokens.map((token) => {
      size += this.#script.sizeOfToken(token);
      return size;
    });
    return { writers, sizes };
  }

  #spellingOf({ op, content, spelling }: Read<Content>): Spelling | Unreadable {
    return spelling ?? this.#spell(op, content);
  }

  #spellEpochs(): FastResult | undefined {
    const size = ({ content }: Read<Content>): number => this.#script.sizeOf(content);
    for (const epoch of this.#epochs.values()) {
      epoch.reads.sort((a, b) => size(b) - size(a));
      const longest = epoch.reads[0] as Read<Content>;
      const spelling = this.#spellingOf(longest);
      if (typeof spelling === 'string') return notApplicable(UNREADABLE[spelling]);
      epoch.spelling = spelling;
      for (const [at, writer] of spelling.writers.entries()) {
        const other = this.#seenIn.get(writer);
        if (other === undefined && (at === 0 || !this.#isPut(writer))) {
          this.#seenIn.set(writer, epoch);
          continue;
        }
        return this.#misplaced(writer, epoch, other);
      }
      const sizes = new Set(spelling.sizes).add(0);
      for (const read of epoch.reads) {
        const isPrefix =
          read.spelling?.writers.every((writer, at) => writer === spelling.writers[at]) ??
          this.#script.isPrefix(read.content, longest.content);
        if (!isPrefix || !sizes.has(size(read))) return this.#forked(epoch, read);
      }
    }
    return undefined;
  }

  #misplaced(writer: number, epoch: Epoch<Content>, other: Epoch<Content> | undefined): FastResult {
    const reads = [epoch, other ?? epoch].map(({ reads: [longest] }) => longest as Read<Content>);
    const why =
      other === undefined
        ? `${this.#show(writer)} was put, but is read behind something else`
        : `${this.#show(writer)} is read in two places`;
    const before = epoch.spelling.writers.slice(0, 2);
    return this.#refute([writer, ...before], reads, why);
  }

  /** Two reads of one epoch that go on differently. */
  #forked(epoch: Epoch<Content>, read: Read<Content>): FastResult {
    const spelling = this.#spellingOf(read);
    if (typeof spelling === 'string') return notApplicable(UNREADABLE[spelling]);
    const { writers } = epoch.spelling;
    const at = spelling.writers.findIndex((writer, index) => writer !== writers[index]);
    const [one, two] = [writers[at] as number, spelling.writers[at] as number];
    const why =
      `one read has ${this.#show(one)} where another has ${this.#show(two)}: ` +
      'neither can be a beginning of the other';
    return this.#refute([one, two], [epoch.reads[0] as Read<Content>, read], why);
  }

  #order(): FastResult {
    const { count, start, end } = this.#history;
    const blocks: number[][] = [];
    const epochOf: (Epoch<Content> | undefined)[] = [];
    for (const epoch of this.#epochs.values()) {
      const ops = this.#block(epoch);
      const inversion = firstInversion(ops, start, end);
      if (inversion !== undefined) return this.#insideOut(epoch, inversion);
      blocks.push(ops);
      epochOf.push(epoch);
    }
    const read = this.#history.dictionaries.names.find(this.#names.read);
    for (let op = 0; op < count; op++) {
      if (this.#history.f[op] === read || end[op] === NEVER || this.#seenIn.has(op)) continue;
      if (this.#history.outcome[op] === Outcome.fail) continue;
      blocks.push([op]);
      epochOf.push(undefined);
    }
    const firstEnd = Int32Array.from(blocks, (ops, block) => {
      if (epochOf[block]?.put === INITIAL) return -1;
      return ops.reduce((least, op) => Math.min(least, end[op] as number), NEVER);
    });
    const lastStart = Int32Array.from(blocks, (ops) =>
      ops.reduce((most, op) => Math.max(most, start[op] as number), -1),
    );
    const zoned = orderBlocks(firstEnd, lastStart);
    if (zoned.conflict !== undefined) {
      return this.#overlap(zoned.conflict.map((block) => [blocks[block], epochOf[block]] as const));
    }
    const order = Array.from(zoned.order).flatMap((block) => blocks[block] as number[]);
    return { verdict: 'linearizable', order: Int32Array.from(order) };
  }

  /** The writes of an epoch, each with the reads that saw it as the last. */
  #block({ reads, spelling }: Epoch<Content>): number[] {
    const ops: number[] = [];
    let next = reads.length - 1;
    const addReads = (size: number): void => {
      const same: number[] = [];
      for (; next >= 0; next--) {
        const read = reads[next] as Read<Content>;
        if (this.#script.sizeOf(read.content) > size) break;
        same.push(read.op);
      }
      ops.push(...same.sort((a, b) => a - b));
    };
    addReads(0);
    for (const [at, writer] of spelling.writers.entries()) {
      ops.push(writer);
      addReads(spelling.sizes[at] as number);
    }
    return ops;
  }

  #insideOut(epoch: Epoch<Content>, pair: readonly [number, number]): FastResult {
    const [earlier, later] = pair;
    const describe = (op: number): string => {
      const { f } = this.#history.op(op);
      return f === this.#names.read ? `a ${f}` : `${f} ${this.#show(op)}`;
    };
    const why = `${describe(later)} was over before ${describe(earlier)} began, which it follows`;
    return this.#refute(this.#telling(epoch, pair), this.#readsAmong(epoch, pair), why);
  }

  #overlap(parts: readonly (readonly [number[] | undefined, Epoch<Content> | undefined])[]) {
    const { start, end } = this.#history;
    const writes: number[] = [];
    const reads: Read<Content>[] = [];
    const shown: string[] = [];
    for (const [ops = [], epoch] of parts) {
      const first = ops.reduce((a, b) => ((end[b] as number) < (end[a] as number) ? b : a));
      const last = ops.reduce((a, b) => ((start[b] as number) > (start[a] as number) ? b : a));
      if (epoch === undefined) {
        writes.push(first);
        shown.push(this.#show(first));
        continue;
      }
      writes.push(...this.#telling(epoch, [first, last]));
      reads.push(...this.#readsAmong(epoch, [first, last]));
      shown.push(epoch.put === INITIAL ? 'the initial content' : this.#show(epoch.put));
    }
    const why = `${shown.join(' and ')} were each seen before and after the other`;
    return this.#refute(writes, reads, why);
  }

  /** Writes that tell operations of an epoch apart: they themselves, and those around what reads saw. */
  #telling({ reads, spelling, put }: Epoch<Content>, ops: readonly number[]): number[] {
    const writes: number[] = put === INITIAL ? [] : [put];
    for (const op of ops) {
      const read = reads.find((candidate) => candidate.op === op);
      if (read === undefined) {
        writes.push(op);
        continue;
      }
      const size = this.#script.sizeOf(read.content);
      const behind = spelling.sizes.findIndex((other) => other > size);
      const last = behind === -1 ? spelling.writers.length - 1 : behind - 1;
      if (behind !== -1) writes.push(spelling.writers[behind] as number);
      if (last >= 0) writes.push(spelling.writers[last] as number);
    }
    return writes;
  }

  #readsAmong({ reads }: Epoch<Content>, ops: readonly number[]): Read<Content>[] {
    return reads.filter(({ op }, at) => at === 0 || ops.includes(op));
  }

  /** The object restricted to some of the values: other values, and reads of other epochs, are left out. */
  #refute(writes: readonly number[], reads: readonly Read<Content>[], why: string): FastResult {
    const { values } = this.#history.dictionaries;
    const kept = new Set(writes);
    const tokens = new Map<number, readonly unknown[]>();
    for (const read of reads) {
      const { op } = read;
      const spelling = this.#spellingOf(read);
      if (typeof spelling === 'string') return notApplicable(UNREADABLE[spelling]);
      const [first] = spelling.writers;
      if (first !== undefined && this.#isPut(first)) kept.add(first);
      const put = this.#writers.putBefore(op);
      if (put !== undefined) kept.add(put);
      tokens.set(op, spelling.writers);
    }
    const rows = Int32Array.from(new Set([...kept, ...tokens.keys()])).sort();
    const part = this.#history.select(rows);
    const output = part.output.slice();
    rows.forEach((op, row) => {
      const spelled = tokens.get(op)?.filter((writer) => kept.has(writer as number));
      if (spelled === undefined) return;
      const content = spelled.map((writer) => this.#history.op(writer as number).input);
      output[row] = values.idOf(this.#script.join(content));
    });
    return {
      verdict: 'non-linearizable',
      witness: { history: part.with({ output }), rows, why },
    };
  }

  #show(op: number): string {
    return JSON.stringify(this.#history.op(op).input);
  }
}
