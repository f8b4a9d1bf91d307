/**
 * Sets that only grow, every element added once, and read as a whole. Reads must form a chain of
 * inclusions; the chain says between which reads each element came in, so that the order is forced up to
 * neighbours that commute.
 */
import { type History, NEVER, Outcome } from '../history/columns.ts';
import { firstInversion } from './blocks.ts';
import { type FastPath, type FastResult, notApplicable } from './fast-path.ts';

export function growOnly(): FastPath {
  return { name: 'grow-only', check: (history) => new GrowOnly(history).check() };
}

interface Read {
  readonly op: number;
  readonly elements: ReadonlySet<number>;
}

class GrowOnly {
  readonly #history: History;
  /** Addition of each element. */
  readonly #adds = new Map<number, number>();
  readonly #reads: Read[] = [];

  constructor(history: History) {
    this.#history = history;
  }

  check(): FastResult {
    const unfit = this.#decode();
    if (unfit !== undefined) return notApplicable(unfit);
    this.#reads.sort((a, b) => a.elements.size - b.elements.size || a.op - b.op);
    return this.#chain() ?? this.#order();
  }

  #decode(): string | undefined {
    const { count, outcome, input, dictionaries } = this.#history;
    for (let op = 0; op < count; op++) {
      if (outcome[op] === Outcome.fail) continue;
      const { f, output } = this.#history.op(op);
      if (f === 'add') {
        if (this.#adds.has(input[op] as number)) return 'an element is added twice';
        this.#adds.set(input[op] as number, op);
      } else if (f !== 'read') {
        return `${f} is no operation of a set that grows`;
      } else if (outcome[op] === Outcome.ok) {
        if (!Array.isArray(output)) return 'a read is no list';
        const ids = output.map((element) => dictionaries.values.idOf(element));
        const elements = new Set(ids);
        if (elements.size !== ids.length) return 'a read names an element twice';
        this.#reads.push({ op, elements });
      }
    }
    return undefined;
  }

  /** Each read is part of the next, and everything that was read was added. */
  #chain(): FastResult | undefined {
    let before: Read | undefined;
    for (const read of this.#reads) {
      for (const element of read.elements) {
        if (this.#adds.has(element)) continue;
        return this.#refute([], [read], [element], `${this.#show(element)} was never added`);
      }
      const missing = before === undefined ? undefined : firstMissing(before, read);
      if (before !== undefined && missing !== undefined) {
        const extra = firstMissing(read, before) as number;
        const [x, y] = [this.#show(missing), this.#show(extra)];
        const why = `one read saw ${x} without ${y}, another ${y} without ${x}`;
        return this.#refute([], [before, read], [missing, extra], why);
      }
      before = read;
    }
    return undefined;
  }

  #order(): FastResult {
    const { start, end } = this.#history;
    const order: number[] = [];
    const elementOf = new Map<number, number>();
    const unseen = new Set(this.#adds.keys());
    const addAll = (elements: Iterable<number>): void => {
      const ops = [...elements].map((element) => {
        const op = this.#adds.get(element) as number;
        elementOf.set(op, element);
        return op;
      });
      order.push(...ops.sort((a, b) => (start[a] as number) - (start[b] as number)));
    };
    for (const { elements } of this.#levels()) {
      const fresh = [...elements].filter((element) => unseen.delete(element));
      addAll(fresh);
      for (const read of this.#readsOf(elements.size)) order.push(read.op);
    }
    addAll([...unseen].filter((element) => end[this.#adds.get(element) as number] !== NEVER));
    const inversion = firstInversion(order, start, end);
    if (inversion === undefined) return { verdict: 'linearizable', order: Int32Array.from(order) };
    return this.#inverted(inversion, elementOf);
  }

  /** One read of each size. */
  #levels(): Read[] {
    return this.#reads.filter(({ elements }, at) => {
      return elements.size !== this.#reads[at - 1]?.elements.size;
    });
  }

  readonly #bySize = new Map<number, Read[]>();

  #readsOf(size: number): readonly Read[] {
    if (this.#bySize.size === 0) {
      for (const read of this.#reads) {
        const others = this.#bySize.get(read.elements.size);
        if (others === undefined) this.#bySize.set(read.elements.size, [read]);
        else others.push(read);
      }
    }
    return this.#bySize.get(size) ?? [];
  }

  #inverted(pair: readonly [number, number], elementOf: ReadonlyMap<number, number>): FastResult {
    const elements = pair.flatMap((op) => elementOf.get(op) ?? []);
    const reads = this.#reads.filter(({ op }) => pair.includes(op));
    const [earlier, later] = pair;
    const [first, second] = [elementOf.get(earlier), elementOf.get(later)];
    if (reads.length === 2) {
      const [small, large] = reads as [Read, Read];
      elements.push(firstMissing(large, small) as number);
      const why = `a later read no longer saw ${this.#show(elements[0] as number)}`;
      return this.#refute(pair, reads, elements, why);
    }
    if (first !== undefined && second !== undefined) {
      // Some read tells the two additions apart.
      const witness = this.#reads.find((read) => {
        return read.elements.has(first) && !read.elements.has(second);
      });
      if (witness !== undefined) reads.push(witness);
      const why = `${this.#show(second)} was added before ${this.#show(first)}, but was seen after it`;
      return this.#refute(pair, reads, elements, why);
    }
    const why =
      first === undefined
        ? `${this.#show(second as number)} was added before a read that did not see it`
        : `${this.#show(first)} was seen before it was added`;
    return this.#refute(pair, reads, elements, why);
  }

  /** The set restricted to some of its elements is a set that grows, too. */
  #refute(
    ops: readonly number[],
    reads: readonly Read[],
    elements: readonly number[],
    why: string,
  ): FastResult {
    const { values } = this.#history.dictionaries;
    const adds = elements.flatMap((element) => this.#adds.get(element) ?? []);
    const chosen = new Set([...ops, ...adds, ...reads.map(({ op }) => op)]);
    const rows = Int32Array.from(chosen).sort();
    const part = this.#history.select(rows);
    const output = part.output.slice();
    const all = new Map(this.#reads.map((read) => [read.op, read]));
    rows.forEach((op, row) => {
      const read = all.get(op);
      if (read === undefined) return;
      const seen = elements.filter((element) => read.elements.has(element));
      output[row] = values.idOf(seen.map((element) => values.at(element)));
    });
    return {
      verdict: 'non-linearizable',
      witness: { history: part.with({ output }), rows, why },
    };
  }

  #show(element: number): string {
    return JSON.stringify(this.#history.dictionaries.values.at(element));
  }
}

/** Some element of one read that another did not see. */
function firstMissing(of: Read, from: Read): number | undefined {
  for (const element of of.elements) if (!from.elements.has(element)) return element;
  return undefined;
}
