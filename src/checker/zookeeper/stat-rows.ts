/** Stats of replies and of states of nodes, each a row of 64 bytes. */
import type { NodeStat, PlainNode } from '../models/plain-tree.ts';
import { Rows } from './rows.ts';

/** Instead of a row: a reply without a Stat, a node that does not exist. */
export const NO_STAT = -1;

/** Places of the numbers. The first three are compared; times are judged apart. */
const MZXID = 0;
const PZXID = 1;
const CZXID = 2;
const CTIME = 3;
const MTIME = 4;
const NUMBERS = 5;

/** Places of the integers, all of which are compared. */
const VERSION = 0;
const CVERSION = 1;
const AVERSION = 2;
const NUM_CHILDREN = 3;
const DATA_LENGTH = 4;
const OWNER = 5;
const INTEGERS = 6;

/** What the protocol gives 32 bits. */
const integerFields = ['version', 'cversion', 'aversion', 'numChildren', 'dataLength'] as const;

/** A field that cannot have come from a server, and what stands there; undefined where all is well. */
export function oddField(stat: NodeStat): string | undefined {
  for (const field of integerFields) {
    const value = stat[field];
    if ((value | 0) !== value) return `${field} ${value}`;
  }
  return undefined;
}

export class StatRows {
  readonly #rows = new Rows({ numbers: NUMBERS, integers: INTEGERS });
  /** Sessions that own ephemerals, by the number that stands for them; the first is none. */
  readonly #owners = [''];
  readonly #ownerNumbers = new Map([['', 0]]);

  /** Returns its row. */
  add(stat: NodeStat): number {
    const row = this.#add(stat);
    const [integers, place] = [this.#rows.integersOf(row), this.#rows.integersAt(row)];
    integers[place + VERSION] = stat.version;
    integers[place + CVERSION] = stat.cversion;
    integers[place + AVERSION] = stat.aversion;
    integers[place + NUM_CHILDREN] = stat.numChildren;
    integers[place + DATA_LENGTH] = stat.dataLength;
    integers[place + OWNER] = this.#ownerNumber(stat.ephemeralOwner);
    return row;
  }

  /** The Stat of a node as it is now. */
  addNode(node: Readonly<PlainNode>): number {
    const row = this.#add(node);
    const [integers, place] = [this.#rows.integersOf(row), this.#rows.integersAt(row)];
    integers[place + VERSION] = node.version;
    integers[place + CVERSION] = node.childChanges;
    integers[place + AVERSION] = node.aversion;
    integers[place + NUM_CHILDREN] = node.children?.size ?? 0;
    integers[place + DATA_LENGTH] = node.data?.length ?? 0;
    integers[place + OWNER] = this.#ownerNumber(node.owner);
    return row;
  }

  /** What a node and its Stat call the same. */
  #add(from: Pick<NodeStat, 'mzxid' | 'pzxid' | 'czxid' | 'ctime' | 'mtime'>): number {
    const row = this.#rows.add();
    const [numbers, place] = [this.#rows.numbersOf(row), this.#rows.numbersAt(row)];
    numbers[place + MZXID] = from.mzxid;
    numbers[place + PZXID] = from.pzxid;
    numbers[place + CZXID] = from.czxid;
    numbers[place + CTIME] = from.ctime;
    numbers[place + MTIME] = from.mtime;
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
      cversion: this.#rows.integer(row, CVERSION),
      aversion: this.#rows.integer(row, AVERSION),
      ephemeralOwner: this.owner(row),
      dataLength: this.#rows.integer(row, DATA_LENGTH),
      numChildren: this.numChildren(row),
      pzxid: this.pzxid(row),
    };
  }

  czxid(row: number): number {
    return this.#rows.number(row, CZXID);
  }

  mzxid(row: number): number {
    return this.#rows.number(row, MZXID);
  }

  pzxid(row: number): number {
    return this.#rows.number(row, PZXID);
  }

  ctime(row: number): number {
    return this.#rows.number(row, CTIME);
  }

  mtime(row: number): number {
    return this.#rows.number(row, MTIME);
  }

  version(row: number): number {
    return this.#rows.integer(row, VERSION);
  }

  numChildren(row: number): number {
    return this.#rows.integer(row, NUM_CHILDREN);
  }

  /** Session that owns the ephemeral; empty for every other node. */
  owner(row: number): string {
    return this.#owners[this.#rows.integer(row, OWNER)] as string;
  }

  /** In everything but the times. */
  isSame(one: number, other: number): boolean {
    return one === other || (this.#hasSameZxids(one, other) && this.#hasSameIntegers(one, other));
  }

  #hasSameZxids(one: number, other: number): boolean {
    const rows = this.#rows;
    const [numbers, place] = [rows.numbersOf(one), rows.numbersAt(one)];
    const [others, otherPlace] = [rows.numbersOf(other), rows.numbersAt(other)];
    return (
      numbers[place + MZXID] === others[otherPlace + MZXID] &&
      numbers[place + PZXID] === others[otherPlace + PZXID] &&
      numbers[place + CZXID] === others[otherPlace + CZXID]
    );
  }

  #hasSameIntegers(one: number, other: number): boolean {
    const rows = this.#rows;
    const [integers, place] = [rows.integersOf(one), rows.integersAt(one)];
    const [others, otherPlace] = [rows.integersOf(other), rows.integersAt(other)];
    for (let column = 0; column < INTEGERS; column++) {
      if (integers[place + column] !== others[otherPlace + column]) return false;
    }
    return true;
  }

  /** The same, of a node as it is now. */
  isNode(row: number, node: Readonly<PlainNode>): boolean {
    const [integers, place] = [this.#rows.integersOf(row), this.#rows.integersAt(row)];
    return (
      this.#hasZxids(row, node) &&
      integers[place + VERSION] === node.version &&
      integers[place + CVERSION] === node.childChanges &&
      integers[place + AVERSION] === node.aversion &&
      integers[place + NUM_CHILDREN] === (node.children?.size ?? 0) &&
      integers[place + DATA_LENGTH] === (node.data?.length ?? 0) &&
      this.owner(row) === node.owner
    );
  }

  /** The same, of one that has no row. */
  isStat(row: number, stat: NodeStat): boolean {
    const [integers, place] = [this.#rows.integersOf(row), this.#rows.integersAt(row)];
    return (
      this.#hasZxids(row, stat) &&
      integers[place + VERSION] === stat.version &&
      integers[place + CVERSION] === stat.cversion &&
      integers[place + AVERSION] === stat.aversion &&
      integers[place + NUM_CHILDREN] === stat.numChildren &&
      integers[place + DATA_LENGTH] === stat.dataLength &&
      this.owner(row) === stat.ephemeralOwner
    );
  }

  #hasZxids(row: number, of: Pick<NodeStat, 'mzxid' | 'pzxid' | 'czxid'>): boolean {
    const [numbers, place] = [this.#rows.numbersOf(row), this.#rows.numbersAt(row)];
    return (
      numbers[place + MZXID] === of.mzxid &&
      numbers[place + PZXID] === of.pzxid &&
      numbers[place + CZXID] === of.czxid
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
