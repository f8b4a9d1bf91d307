/**
 * What values and versions alone tell of each node: which write made which of its versions, and who read it.
 * Only of nodes that were created once and never deleted, as far as anybody can tell, is it of use.
 */
import type { PlainWrite } from '../models/plain-tree.ts';
import type { Call, Calls, Told } from './call.ts';
import { NO_STAT } from './stat-rows.ts';
import { isDone, isWrite, zxidOf } from './transactions.ts';

/** Instead of a row, or of a call. */
export const NONE = -1;

/** Versions that leave more out than this are of no use as places in a list. */
const MAX_VERSION_GAP = 1_000_000;

/** What one node's values and versions tell. */
export interface Register {
  readonly path: string;
  /** Rows of what is known of each version, by its number; NONE where nobody told of it. */
  readonly versions: number[];
  /** Two writes that were both told to have made one version. */
  readonly doubles: (readonly [version: number, one: Call, other: Call])[];
  /** Reads of another value than the one that was told of the version first. */
  readonly others: (readonly [version: number, row: number, reader: Call])[];
  isCreated: boolean;
  isUsable: boolean;
  /** How many reads and writes of known versions there are. */
  looked: number;
}

/** Versions of all nodes, as rows of columns; calls by their index. */
export class Registers {
  readonly #calls: Calls;
  /** By number of the path. */
  readonly #registers: (Register | undefined)[] = [];
  /** Of each version its value, who told it first, who wrote it, and at which zxid. */
  readonly #values: (string | null)[] = [];
  readonly #by: number[] = [];
  readonly #writers: number[] = [];
  readonly #zxids: number[] = [];
  /** Row of the version that a call read. */
  readonly #read: Int32Array;
  /** Whether a call is known to have written a version. */
  readonly #isWriter: Uint8Array;

  constructor(calls: Calls) {
    this.#calls = calls;
    this.#read = new Int32Array(calls.length).fill(NONE);
    this.#isWriter = new Uint8Array(calls.length);
    for (let index = 0; index < calls.length; index++) this.#learn(calls.at(index));
  }

  /** Those that are of use. */
  *[Symbol.iterator](): Generator<Register, void> {
    for (const register of this.#registers) if (register?.isUsable === true) yield register;
  }

  /** How many versions there are. */
  get length(): number {
    return this.#values.length;
  }

  value(row: number): string | null {
    return this.#values[row] as string | null;
  }

  toldBy(row: number): Call {
    return this.#calls.at(this.#by[row] as number);
  }

  /** NONE where nobody is known to have written it. */
  writer(row: number): number {
    return this.#writers[row] as number;
  }

  /** Of its write; -1 without one. */
  zxid(row: number): number {
    return this.#zxids[row] as number;
  }

  /** Row of the version that a call read; NONE where it read none. */
  readBy(call: number): number {
    return this.#read[call] as number;
  }

  isWriter(call: number): boolean {
    return this.#isWriter[call] === 1;
  }

  #learn(call: Call): void {
    if (call.op === 'getData') {
      const { stat } = call;
      if (stat !== NO_STAT) this.#learnRead(call, stat);
    } else if (isWrite(call)) {
      const isGood = isDone(call);
      const { parts, results } = call;
      let index = 0;
      for (const part of parts) this.#learnPart(call, part, results?.[index++] ?? call, isGood);
    }
  }

  #learnPart(call: Call, part: PlainWrite, told: Told, isGood: boolean): void {
    if (part.op === 'check' || part.op === 'setAcl') return;
    const path = told.path ?? part.path;
    const number = this.#calls.requests.paths.find(path);
    // A name that a server chose and nobody asked for is nobody's register.
    if (number === undefined) return;
    const register = this.#at(number);
    if (part.op === 'delete') register.isUsable = false;
    else if (part.op === 'create') {
      const isFleeting = part.flags !== 0;
      const isAgain = register.isCreated && call.error === undefined;
      if (isFleeting || isAgain) register.isUsable = false;
      if (isGood) register.isCreated = true;
      if (isGood && !isFleeting) this.#learnWrite(register, 0, part.data, call);
    } else if (isGood && told.stat !== NO_STAT) {
      this.#learnWrite(register, this.#calls.stats.version(told.stat), part.data, call);
    }
  }

  #at(number: number): Register {
    let register = this.#registers[number];
    if (register === undefined) {
      const path = this.#calls.requests.paths.at(number);
      const nothing = { path, versions: [], doubles: [], others: [] };
      register = { ...nothing, isCreated: false, isUsable: true, looked: 0 };
      this.#registers[number] = register;
    }
    return register;
  }

  #rowOf(register: Register, version: number, value: string | null, by: Call): number {
    const rows = register.versions;
    if (version < 0 || version > rows.length + MAX_VERSION_GAP) {
      register.isUsable = false;
      return NONE;
    }
    while (rows.length <= version) rows.push(NONE);
    const known = rows[version] as number;
    if (known !== NONE) return known;
    this.#values.push(value);
    this.#by.push(by.index);
    this.#zxids.push(-1);
    const row = this.#writers.push(NONE) - 1;
    rows[version] = row;
    return row;
  }

  #learnWrite(register: Register, version: number, value: string | null, call: Call): void {
    const row = this.#rowOf(register, version, value, call);
    if (row === NONE) return;
    const writer = this.writer(row);
    if (writer !== NONE) {
      register.doubles.push([version, this.#calls.at(writer), call]);
      return;
    }
    this.#writers[row] = call.index;
    this.#zxids[row] = zxidOf(call, this.#calls.stats);
    this.#isWriter[call.index] = 1;
    register.looked++;
  }

  #learnRead(call: Call, stat: number): void {
    const register = this.#at(call.pathNumber);
    const version = this.#calls.stats.version(stat);
    const value = call.data ?? null;
    const row = this.#rowOf(register, version, value, call);
    if (row === NONE) return;
    this.#read[call.index] = row;
    register.looked++;
    if (this.value(row) !== value) register.others.push([version, row, call]);
  }
}
