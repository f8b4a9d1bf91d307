/** What became of every node, as the replay of all transactions tells it: its states, and its changes. */
import { nameOf, parentOf } from '../models/plain-tree.ts';
import { NameSum } from './name-hash.ts';
import { Rows } from './rows.ts';
import { NO_STAT } from './stat-rows.ts';
import type { Txn, Txns } from './transactions.ts';

/** Instead of the place of a transaction: what was there from the start. */
export const FROM_START = -1;

/** Places in a row: of its one number, and of its integers. */
const SINCE = 0;
const BY = 0;
const STAT = 1;
const CHILDREN_A = 2;
const CHILDREN_B = 3;

/** States of all nodes, in columns. */
class StateColumns {
  readonly rows = new Rows({ numbers: 1, integers: 4 });
  readonly data: (string | null)[] = [];
  readonly txns: Txns;

  constructor(txns: Txns) {
    this.txns = txns;
  }
}

/** A state of one node, from the transaction on that made it so: a view of one row. */
export class NodeState {
  readonly #columns: StateColumns;
  readonly #index: number;

  constructor(columns: StateColumns, index: number) {
    this.#columns = columns;
    this.#index = index;
  }

  /** Undefined for what was there from the start. */
  get by(): Txn | undefined {
    const place = this.#integer(BY);
    return place === FROM_START ? undefined : this.#columns.txns.at(place);
  }
  /** Row of its Stat; NO_STAT while the node does not exist. */
  get stat(): number {
    return this.#integer(STAT);
  }
  get data(): string | null {
    return this.#columns.data[this.#index] as string | null;
  }

  /** Whether the node had these children. */
  hasChildren(sum: NameSum): boolean {
    return sum.a === this.#integer(CHILDREN_A) && sum.b === this.#integer(CHILDREN_B);
  }

  #integer(column: number): number {
    return this.#columns.rows.integer(this.#index, column);
  }
}

/** So many places are looked at before all are searched. */
const NEAR = 8;

/** States of one node, in order. */
export class StateList {
  readonly #columns: StateColumns;
  readonly #indices: number[] = [];
  #lastPlace = -1;

  constructor(columns: StateColumns) {
    this.#columns = columns;
  }

  get length(): number {
    return this.#indices.length;
  }

  /** Place of the transaction that made the newest one; undefined where there is none. */
  get newestBy(): number | undefined {
    const index = this.#indices.at(-1);
    return index === undefined ? undefined : this.#columns.rows.integer(index, BY);
  }

  at(place: number): NodeState | undefined {
    const index = this.#indices[place];
    return index === undefined ? undefined : new NodeState(this.#columns, index);
  }

  /** The zxid from which on it holds. */
  since(place: number): number {
    return this.#columns.rows.number(this.#indices[place] as number, SINCE);
  }

  /** Place of the last state at or before that zxid; -1 without one. */
  placeAt(zxid: number): number {
    // Who asks in the order of time asks for the same place again, or for one of the next.
    const last = Math.min(this.#lastPlace + NEAR, this.length - 1);
    let place = this.#lastPlace;
    if (place < 0 || this.since(place) <= zxid) {
      while (place < last && this.since(place + 1) <= zxid) place++;
      if (place < last || last === this.length - 1) {
        this.#lastPlace = place;
        return place;
      }
    }
    this.#lastPlace = this.#search(zxid);
    return this.#lastPlace;
  }

  #search(zxid: number): number {
    let low = 0;
    let high = this.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.since(middle) <= zxid) low = middle + 1;
      else high = middle;
    }
    return low - 1;
  }

  /** `by`: place of the transaction. */
  add(since: number, by: number, stat: number, data: string | null, children: NameSum): void {
    const { rows } = this.#columns;
    const row = rows.add();
    rows.numbersOf(row)[rows.numbersAt(row) + SINCE] = since;
    const [integers, place] = [rows.integersOf(row), rows.integersAt(row)];
    integers[place + BY] = by;
    integers[place + STAT] = stat;
    integers[place + CHILDREN_A] = children.a;
    integers[place + CHILDREN_B] = children.b;
    this.#indices.push(this.#columns.data.push(data) - 1);
  }
}

export type NodeChange = 'created' | 'deleted' | 'changed' | 'children';

/** What a watch of a node could see, in order. */
export interface ChangeList {
  readonly zxids: number[];
  readonly kinds: NodeChange[];
}

const noChanges: ChangeList = { zxids: [], kinds: [] };
const noNames = new NameSum();

/** Names that came and went, to tell a difference in words, and the sum of those that are there. */
class ChildNames {
  readonly sum = new NameSum();
  readonly #zxids: number[] = [];
  readonly #names: string[] = [];
  readonly #areThere: boolean[] = [];

  change(name: string, zxid: number, isThere: boolean): void {
    this.#zxids.push(zxid);
    this.#names.push(name);
    this.#areThere.push(isThere);
    this.sum.add(name, isThere ? 1 : -1);
  }

  at(zxid: number): ReadonlySet<string> {
    const names = new Set<string>();
    for (const [place, name] of this.#names.entries()) {
      if ((this.#zxids[place] as number) > zxid) break;
      if (this.#areThere[place] === true) names.add(name);
      else names.delete(name);
    }
    return names;
  }
}

/** What became of one node. */
export class NodeHistory {
  readonly path: string;
  /** Last component of the path. */
  readonly name: string;
  parent: NodeHistory | undefined;
  readonly states: StateList;
  readonly changes: ChangeList = { zxids: [], kinds: [] };
  #children: ChildNames | undefined;

  constructor(path: string, columns: StateColumns) {
    this.path = path;
    this.name = nameOf(path);
    this.states = new StateList(columns);
  }

  change(zxid: number, kind: NodeChange): void {
    this.changes.zxids.push(zxid);
    this.changes.kinds.push(kind);
  }

  changeChild(name: string, zxid: number, isThere: boolean): void {
    this.#children ??= new ChildNames();
    this.#children.change(name, zxid, isThere);
  }

  /** A new state; `by` is the place of its transaction. */
  keep(since: number, by: number, stat: number, data: string | null): void {
    this.states.add(since, by, stat, data, this.#children?.sum ?? noNames);
  }

  /** Names of the children at that zxid. */
  childrenAt(zxid: number): ReadonlySet<string> {
    return this.#children?.at(zxid) ?? new Set();
  }
}

export class Timeline {
  readonly #columns: StateColumns;
  readonly #histories = new Map<string, NodeHistory>();

  constructor(txns: Txns) {
    this.#columns = new StateColumns(txns);
  }

  /** Undefined where nothing was ever known of the node. */
  find(path: string): NodeHistory | undefined {
    return this.#histories.get(path === '' ? '/' : path);
  }

  /** Of every node that ever was. */
  histories(): Iterable<NodeHistory> {
    return this.#histories.values();
  }

  /** Row of the Stat at that zxid; NO_STAT where there is no node. */
  statAt(path: string, zxid: number): number {
    const states = this.find(path)?.states;
    return states?.at(states.placeAt(zxid))?.stat ?? NO_STAT;
  }

  changes(path: string): ChangeList {
    return this.find(path)?.changes ?? noChanges;
  }

  historyOf(path: string): NodeHistory {
    let history = this.#histories.get(path);
    if (history === undefined) {
      history = new NodeHistory(path, this.#columns);
      this.#histories.set(path, history);
    }
    return history;
  }

  parentOf(history: NodeHistory): NodeHistory {
    history.parent ??= this.historyOf(parentOf(history.path));
    return history.parent;
  }
}
