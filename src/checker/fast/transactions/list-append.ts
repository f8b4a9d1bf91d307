/**
 * Transactions that append to lists and read them whole. Every element is appended once, so that a read
 * spells all versions up to the one it saw, and nearly every dependency is known for certain.
 */
import type { History } from '../../history/columns.ts';
import { canonicalText } from '../../history/values.ts';
import { DependencyGraph } from './graph.ts';
import {
  anomaly,
  isRead,
  judge,
  type Micro,
  type Transaction,
  type TransactionAnomaly,
  type TransactionOptions,
  type TransactionVerdict,
  transactionsOf,
} from './transactions.ts';

export function checkListAppend(
  history: History,
  options: TransactionOptions = {},
): TransactionVerdict {
  const transactions = transactionsOf(history);
  const lists = new ListAppend(transactions);
  return judge(history, transactions, lists.recover(), options);
}

interface Write {
  readonly node: number;
  /** Whether the same transaction appends to the same key later on. */
  isFinal: boolean;
  /** What it appended to the same key right before. */
  readonly before: string | undefined;
}

interface Read {
  readonly node: number;
  readonly list: readonly unknown[];
}

interface Key {
  readonly name: string;
  /** By element, as text. */
  readonly writes: Map<string, Write>;
  readonly reads: Read[];
  /** The longest read: what is known of the order of the versions. */
  longest: Read | undefined;
}

class ListAppend {
  readonly #transactions: readonly Transaction[];
  readonly #keys = new Map<string, Key>();
  readonly #graph: DependencyGraph;
  readonly #anomalies: TransactionAnomaly[] = [];

  constructor(transactions: readonly Transaction[]) {
    this.#transactions = transactions;
    this.#graph = new DependencyGraph(transactions.length);
  }

  recover() {
    for (const [node, transaction] of this.#transactions.entries())
      this.#collect(node, transaction);
    for (const key of this.#keys.values()) {
      this.#checkReads(key);
      this.#dependencies(key);
    }
    return { graph: this.#graph, anomalies: this.#anomalies };
  }

  #key(name: string): Key {
    let key = this.#keys.get(name);
    if (key === undefined) {
      key = { name, writes: new Map(), reads: [], longest: undefined };
      this.#keys.set(name, key);
    }
    return key;
  }

  #collect(node: number, { micros, outcome }: Transaction): void {
    const last = new Map<string, string>();
    for (const [f, name, value] of micros) {
      if (f !== 'append') continue;
      const key = this.#key(String(name));
      const text = canonicalText(value);
      const before = last.get(key.name);
      const earlier = before === undefined ? undefined : key.writes.get(before);
      if (earlier !== undefined) earlier.isFinal = false;
      last.set(key.name, text);
      const other = key.writes.get(text);
      key.writes.set(text, { node, isFinal: true, before });
      if (other === undefined) continue;
      const why = `${text} is appended to ${name} twice, so that no version is known`;
      this.#report('duplicate-elements', [other.node, node], why);
    }
    if (outcome !== 'ok') return;
    this.#checkInternal(node, micros);
    for (const [name, list] of externalReads(micros)) {
      const key = this.#key(name);
      const read = { node, list };
      key.reads.push(read);
      if (list.length > (key.longest?.list.length ?? -1)) key.longest = read;
    }
  }

  /** A transaction agrees with itself: what it read and appended is what it reads next. */
  #checkInternal(node: number, micros: readonly Micro[]): void {
    // What is known of each list: all of it, or only how it ends.
    const known = new Map<string, { list: readonly unknown[]; isWhole: boolean }>();
    for (const micro of micros) {
      const name = String(micro[1]);
      const before = known.get(name);
      if (!isRead(micro)) {
        const { list = [], isWhole = false } = before ?? {};
        known.set(name, { list: [...list, micro[2]], isWhole });
        continue;
      }
      const list = (micro[2] ?? []) as readonly unknown[];
      if (before !== undefined) {
        const tail = before.isWhole ? list : list.slice(list.length - before.list.length);
        if (canonicalText(tail) !== canonicalText(before.list)) {
          const why =
            `it reads ${name} = ${canonicalText(list)}, though by its own doing the list ` +
            `${before.isWhole ? 'is' : 'ends in'} ${canonicalText(before.list)}`;
          this.#report('internal', [node], why);
        }
      }
      known.set(name, { list, isWhole: true });
    }
  }

  #checkReads(key: Key): void {
    const { longest } = key;
    if (longest === undefined) return;
    for (const read of key.reads) {
      const isPrefix = read.list.every(
        (element, at) => canonicalText(element) === canonicalText(longest.list[at]),
      );
      if (!isPrefix) {
        const why =
          `${key.name} was read as ${canonicalText(read.list)} and as ` +
          `${canonicalText(longest.list)}: neither is a beginning of the other`;
        this.#report('incompatible-order', [read.node, longest.node], why);
      }
      this.#checkElements(key, read);
    }
  }

  #checkElements(key: Key, { node, list }: Read): void {
    const seen = new Set<string>();
    list.forEach((element, at) => {
      const text = canonicalText(element);
      const write = key.writes.get(text);
      if (seen.has(text)) {
        this.#report('duplicate-elements', [node], `${key.name} is read with ${text} in it twice`);
      }
      seen.add(text);
      if (write === undefined) {
        this.#report('unwritten-read', [node], `${text} in ${key.name} was never appended`);
        return;
      }
      if (write.before !== undefined && !seen.has(write.before)) {
        const why =
          `it reads ${text} in ${key.name} without ${write.before} before it, ` +
          'which the same transaction had appended first';
        this.#report('incompatible-order', [node, write.node], why);
      }
      if (write.node === node) return;
      if (this.#transactions[write.node]?.outcome === 'fail') {
        const why = `it reads ${text} in ${key.name}, which a transaction that failed had appended`;
        this.#report('G1a', [node, write.node], why);
      }
      if (at === list.length - 1 && !write.isFinal) {
        const why = `it reads ${key.name} up to ${text}, in the middle of a transaction that appended more`;
        this.#report('G1b', [node, write.node], why);
      }
    });
  }

  #dependencies(key: Key): void {
    const { longest, writes, name } = key;
    if (longest === undefined) return;
    const order = longest.list.map((element) => canonicalText(element));
    const writer = (at: number): number | undefined => {
      const text = order[at];
      return text === undefined ? undefined : writes.get(text)?.node;
    };
    for (let at = 1; at < order.length; at++) {
      const [from, to] = [writer(at - 1), writer(at)];
      if (from === undefined || to === undefined) continue;
      const why = `appended ${order[at - 1]} to ${name}, and ${order[at]} came right behind it`;
      this.#graph.add({ from, to, kind: 'ww', why });
    }
    for (const { node, list } of key.reads) {
      const last = writer(list.length - 1);
      if (last !== undefined) {
        const why = `appended ${order[list.length - 1]} to ${name}, which the other one read`;
        this.#graph.add({ from: last, to: node, kind: 'wr', why });
      }
      const next = writer(list.length);
      if (next !== undefined) {
        const why = `read ${name} without ${order[list.length]}, which the other one appended`;
        this.#graph.add({ from: node, to: next, kind: 'rw', why });
      }
    }
    this.#unseen(key, order);
  }

  /** What no read saw was appended behind all that was seen, if ever: lists only grow. */
  #unseen({ name, writes, reads }: Key, order: readonly string[]): void {
    const seen = new Set(order);
    const last = order.at(-1);
    const from = last === undefined ? undefined : writes.get(last)?.node;
    const whole = reads.filter(({ list }) => list.length === order.length);
    for (const [text, { node: to }] of writes) {
      if (seen.has(text) || this.#transactions[to]?.outcome === 'fail') continue;
      if (from !== undefined) {
        const why = `appended ${last} to ${name}, and ${text} came behind it`;
        this.#graph.add({ from, to, kind: 'ww', why });
      }
      for (const { node } of whole) {
        const why = `read ${name} without ${text}, which the other one appended`;
        this.#graph.add({ from: node, to, kind: 'rw', why });
      }
    }
  }

  #report(name: TransactionAnomaly['name'], nodes: readonly number[], why: string): void {
    this.#anomalies.push(anomaly(name, nodes, why));
  }
}

/** The first read of each key, without what the transaction itself had appended by then. */
function externalReads(micros: readonly Micro[]): Map<string, readonly unknown[]> {
  const reads = new Map<string, readonly unknown[]>();
  const appended = new Map<string, readonly unknown[]>();
  for (const micro of micros) {
    const name = String(micro[1]);
    const own = appended.get(name) ?? [];
    if (!isRead(micro)) {
      appended.set(name, [...own, micro[2]]);
    } else if (!reads.has(name)) {
      const list = (micro[2] ?? []) as readonly unknown[];
      const size = list.length - own.length;
      // Where it does not see its own doing, nothing follows from what it sees.
      if (canonicalText(list.slice(Math.max(0, size))) !== canonicalText(own)) continue;
      reads.set(name, list.slice(0, size));
    }
  }
  return reads;
}
