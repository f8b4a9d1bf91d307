/**
 * The twin that trusts no zxid. Where every value of a node was written once, and each of its writes says or
 * is read with its version, the node's versions and values alone give its order of writes. With the order of
 * each session and the real time of writes this must fit into one order of everything: ordered sequential
 * consistency (Lev-Ari et al., "Composing ordered sequential consistency"). A cycle is a breach.
 *
 * Zxids are tried as that order, and believed only where each edge was seen to lead forward: a write stands
 * at its zxid, a read behind its session and the write that it read. Where one edge does not, a cycle is
 * searched in the graph of all edges, which knows nothing of zxids.
 */
import { Findings } from '../report.ts';
import { NONE, type Register, Registers } from './registers.ts';
import type { Call, Sessions } from './sessions.ts';
import { zxidOf } from './transactions.ts';
import { findCycle } from './twin-graph.ts';
import { callText, factsOf } from './words.ts';

export class TwinJudge {
  readonly findings = new Findings();
  readonly #sessions: Sessions;
  readonly #registers: Registers;
  /** By version: zxids of its write, or the known one before, and of the next known one. */
  readonly #since: Float64Array;
  readonly #until: Float64Array;
  /** Where the newest operation of each session stands. */
  readonly #newest: number[] = [];
  /** Whether all edges so far lead forward in the order of zxids. */
  #isInOrder = true;

  constructor(sessions: Sessions) {
    this.#sessions = sessions;
    const registers = new Registers(sessions.calls);
    this.#registers = registers;
    this.#since = new Float64Array(registers.length).fill(Number.NEGATIVE_INFINITY);
    this.#until = new Float64Array(registers.length).fill(Number.POSITIVE_INFINITY);
    for (const register of registers) {
      reportValues(this.findings, registers, register);
      this.findings.looked += register.looked;
      this.#placeVersions(register);
    }
  }

  #placeVersions({ versions }: Register): void {
    let since = Number.NEGATIVE_INFINITY;
    let before = NONE;
    /** The first version behind the last known write. */
    let from = 0;
    for (let at = 0; at < versions.length; at++) {
      const row = versions[at] as number;
      if (row === NONE) continue;
      const writer = this.#registers.writer(row);
      if (writer !== NONE) {
        const zxid = this.#registers.zxid(row);
        // A multi may write a node twice.
        if (zxid <= since && writer !== before) this.#isInOrder = false;
        before = writer;
        for (; from < at; from++) {
          const earlier = versions[from] as number;
          if (earlier !== NONE) this.#until[earlier] = zxid;
        }
        since = zxid;
      }
      this.#since[row] = since;
    }
  }

  reply(call: Call): void {
    if (!this.#isInOrder) return;
    const row = this.#registers.readBy(call.index);
    if (row !== NONE) this.#read(call, row);
    else if (this.#registers.isWriter(call.index)) this.#write(call);
  }

  #read({ connection: { session } }: Call, row: number): void {
    const newest = this.#newest[session.index] ?? Number.NEGATIVE_INFINITY;
    const place = Math.max(newest, this.#since[row] as number);
    this.#newest[session.index] = place;
    if (place >= (this.#until[row] as number)) this.#isInOrder = false;
  }

  #write(call: Call): void {
    const { session } = call.connection;
    const zxid = zxidOf(call, this.#sessions.calls.stats);
    const newest = this.#newest[session.index] ?? Number.NEGATIVE_INFINITY;
    this.#newest[session.index] = zxid;
    // No write that was answered before this one was sent is beyond the floor: each is in its own header.
    if (zxid <= newest || zxid <= call.floor || zxid > call.zxid) this.#isInOrder = false;
  }

  finish(): void {
    if (this.findings.looked === 0 || this.#isInOrder) return;
    const cycle = findCycle(this.#sessions, this.#registers);
    const [first] = cycle;
    if (first === undefined) return;
    const story = cycle.map(({ from, to, how }) => `${callText(from)} ${how} ${callText(to)}`);
    this.findings.add({
      ...factsOf(first.from),
      kind: 'no-order-fits',
      message: `no order of operations explains this: ${story.join('; ')}`,
    });
  }
}

function reportValues(
  findings: Findings,
  registers: Registers,
  { path, doubles, others }: Register,
): void {
  for (const [version, one, other] of doubles) {
    findings.add({
      ...factsOf(other),
      kind: 'version-written-twice',
      message: `version ${version} of ${path} was made by ${callText(one)} and by ${callText(other)}`,
    });
  }
  for (const [version, row, reader] of others) {
    const told = JSON.stringify(reader.data ?? null);
    findings.add({
      ...factsOf(reader),
      kind: 'two-values-of-one-version',
      message:
        `version ${version} of ${path} is ${told} for ${callText(reader)} and ` +
        `${JSON.stringify(registers.value(row))} for ${callText(registers.toldBy(row))}`,
    });
  }
}
