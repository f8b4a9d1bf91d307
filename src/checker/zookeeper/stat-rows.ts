/** Stats of replies and of states of nodes, each a row of numbers. */
import type { NodeStat, PlainNode } from '../models/plain-tree.ts';
import { NumberRows } from './number-rows.ts';

/** Instead of a row: a reply without a Stat, a node that does not exist. */
export const NO_STAT = -1;

/** Places in a row. The first nine are compared, what differs most often first; times are judged apart. */
const MZXID = 0;
const VERSION = 1;
const PZXID = 2;
const CVERSION = 3;
const NUM_CHILDREN = 4;
const DATA_LENGTH = 5;
const CZXID = 6;
const AVERSION = 7;
const OWNER = 8;
const CTIME = 9;
const MTIME = 10;
const WIDTH = 11;

/** Of the fields of a node and of its Stat. */
type Shared = 'mzxid' | 'version' | 'pzxid' | 'czxid' | 'aversion' | 'ctime' | 'mtime';

export class StatRows {
  readonly #rows = new NumberRows(WIDTH);
  /** Sessions that own ephemerals, by the number that stands for them; the first is none. */
  readonly #owners = [''];
  readonly #ownerNumbers = new Map([['', 0]]);

  /** Returns its row. */
  add(stat: NodeStat): number {
    const row = this.#rows.add();
    const [numbers, place] = [this.#rows.arrayOf(row), this.#rows.placeOf(row)];
    setShared(numbers, place, stat);
    numbers[place + CVERSION] = stat.cversion;
    numbers[place + NUM_CHILDREN] = stat.numChildren;
    numbers[place + DATA_LENGTH] = stat.dataLength;
    numbers[place + OWNER] = this.#ownerNumber(stat.ephemeralOwner);
    return row;
  }

  /** The Stat of a node as it is now. */
  addNode(node: Readonly<PlainNode>): number {
    const row = this.#rows.add();
    const [numbers, place] = [this.#rows.arrayOf(row), this.#rows.placeOf(row)];
    setShared(numbers, place, node);
    numbers[place + CVERSION] = node.childChanges;
    numbers[place + NUM_CHILDREN] = node.children?.size ?? 0;
    numbers[place + DATA_LENGTH] = node.data?.length ?? 0;
    numbers[place + OWNER] = this.#ownerNumber(node.owner);
    return row;
  }

  get length(): number {
    return this.#rows.length;
  }

  /** Made anew, for what is rarely asked. */
  at(row: number): NodeStat {
    return {
      czxid: this.czxid(row),
      mzxid: this.mzxid(row),
      ctime: this.ctime(row),
      mtime: this.mtime(row),
      version: this.version(row),
      cversion: this.#rows.get(row, CVERSION),
      aversion: this.#rows.get(row, AVERSION),
      ephemeralOwner: this.owner(row),
      dataLength: this.#rows.get(row, DATA_LENGTH),
      numChildren: this.numChildren(row),
      pzxid: this.pzxid(row),
    };
  }

  czxid(row: number): number {
    return this.#rows.get(row, CZXID);
  }

  mzxid(row: number): number {
    return this.#rows.get(row, MZXID);
  }

  pzxid(row: number): number {
    return this.#rows.get(row, PZXID);
  }

  ctime(row: number): number {
    return this.#rows.get(row, CTIME);
  }

  mtime(row: number): number {
    return this.#rows.get(row, MTIME);
  }

  version(row: number): number {
    return this.#rows.get(row, VERSION);
  }

  numChildren(row: number): number {
    return this.#rows.get(row, NUM_CHILDREN);
  }

  /** Session that owns the ephemeral; empty for every other node. */
  owner(row: number): string {
    return this.#owners[this.#rows.get(row, OWNER)] as string;
  }

  /** In everything but the times. */
  isSame(one: number, other: number): boolean {
    return one === other || this.#rows.isSame(one, other, CTIME);
  }

  /** The same, of a node as it is now. */
  isNode(row: number, node: Readonly<PlainNode>): boolean {
    const [numbers, place] = [this.#rows.arrayOf(row), this.#rows.placeOf(row)];
    return (
      isShared(numbers, place, node) &&
      numbers[place + CVERSION] === node.childChanges &&
      numbers[place + NUM_CHILDREN] === (node.children?.size ?? 0) &&
      numbers[place + DATA_LENGTH] === (node.data?.length ?? 0) &&
      this.owner(row) === node.owner
    );
  }

  /** The same, of one that has no row. */
  isStat(row: number, stat: NodeStat): boolean {
    const [numbers, place] = [this.#rows.arrayOf(row), this.#rows.placeOf(row)];
    return (
      isShared(numbers, place, stat) &&
      numbers[place + CVERSION] === stat.cversion &&
      numbers[place + NUM_CHILDREN] === stat.numChildren &&
      numbers[place + DATA_LENGTH] === stat.dataLength &&
      this.owner(row) === stat.ephemeralOwner
    );
  }

  /** In the times as well. */
  isTold(row: number, stat: NodeStat): boolean {
    return (
      this.isStat(row, stat) && this.ctime(row) === stat.ctime && this.mtime(row) === stat.mtime
    );
  }

  #ownerNumber(owner: string): number {
    let number = this.#ownerNumbers.get(owner);
    if (number === undefined) {
      number = this.#owners.push(owner) - 1;
      this.#ownerNumbers.set(owner, number);
    }
    return number;
  }
}

/** What a node and its Stat call the same. */
function setShared(numbers: Float64Array, place: number, from: Pick<NodeStat, Shared>): void {
  numbers[place + MZXID] = from.mzxid;
  numbers[place + VERSION] = from.version;
  numbers[place + PZXID] = from.pzxid;
  numbers[place + CZXID] = from.czxid;
  numbers[place + AVERSION] = from.aversion;
  numbers[place + CTIME] = from.ctime;
  numbers[place + MTIME] = from.mtime;
}

function isShared(numbers: Float64Array, place: number, of: Pick<NodeStat, Shared>): boolean {
  return (
    numbers[place + MZXID] === of.mzxid &&
    numbers[place + VERSION] === of.version &&
    numbers[place + PZXID] === of.pzxid &&
    numbers[place + CZXID] === of.czxid &&
    numbers[place + AVERSION] === of.aversion
  );
}
