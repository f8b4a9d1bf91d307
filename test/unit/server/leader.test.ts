/**
 * Who may be counted by a leader. Learners are scripted packet by packet, and the leader's log stands still
 * until it is told to go on. Both mistakes that are shut out here lose acknowledged writes; the model of the
 * running server found them (its mutants `knownEpochCounts` and `staleAcksCount`).
 */
import { expect, test } from 'vitest';
import type { ConnectionId } from '../../../src/base/core.ts';
import { Prng } from '../../../src/base/prng.ts';
import { type Zxid, zxidOf } from '../../../src/base/zxid.ts';
import { ClientPort } from '../../../src/server/core/client-port.ts';
import type { CoreContext } from '../../../src/server/core/context.ts';
import { Leader } from '../../../src/server/core/leader.ts';
import { QuorumVerifier } from '../../../src/server/core/quorum-verifier.ts';
import { Replica } from '../../../src/server/core/replica.ts';
import { Storage } from '../../../src/server/core/storage/storage.ts';
import { OpCode } from '../../../src/wire/client.ts';
import { encode, int } from '../../../src/wire/jute.ts';
import {
  encodePacket,
  LEARNER_PROTOCOL_VERSION,
  LearnerInfo,
  PacketType,
  packetName,
  SNAPSHOT_SIGNATURE,
  tryReadPacket,
} from '../../../src/wire/quorum.ts';
import { CrashDisk } from '../../support/crash-disk.ts';
import { configOf } from '../../support/scripted-ensemble.ts';

const SID = 3;

/** A leader on its own, among three servers, with an empty disk. */
class LeaderRig {
  readonly leader: Leader;
  readonly acts: string[] = [];
  isLogFrozen = false;
  readonly #disk = new CrashDisk();
  readonly #files: Array<Parameters<CoreContext['file']>> = [];
  readonly #sent = new Map<ConnectionId, Uint8Array[]>();
  readonly closed = new Set<ConnectionId>();
  #nextConnection = 1;

  constructor() {
    const context = this.#context();
    const replica = new Replica(context, new Storage(context));
    replica.recover((recovered) => expect(recovered).toEqual({ ok: true }));
    this.settle();
    this.leader = new Leader({
      context,
      replica,
      clientPort: new ClientPort(context, replica, () => undefined),
      verifier: new QuorumVerifier(context.config.servers),
      onEnd: (reason) => expect.fail(reason),
      onEstablished: () => undefined,
    });
    this.leader.start();
  }

  #context(): CoreContext {
    const ignored = (): void => undefined;
    return {
      config: { ...configOf(SID, 500), isTraced: true },
      prng: new Prng(1),
      now: () => 0,
      wallMs: () => 1_700_000_000_000,
      dial: () => expect.fail('a leader dials nobody'),
      send: (connection, bytes) => this.#sent.get(connection)?.push(bytes),
      close: (connection) => this.closed.add(connection),
      pauseReading: ignored,
      resumeReading: ignored,
      listen: ignored,
      unlisten: ignored,
      setTimer: ignored,
      cancelTimer: ignored,
      file: (...operation) => this.#files.push(operation),
      trace: (act) => this.acts.push(act),
      log: ignored,
      halt: (code, reason) => expect.fail(`${code} ${reason}`),
    };
  }

  /** Carries out what the disk has been asked for; a frozen log keeps its transactions waiting. */
  settle(): void {
    for (;;) {
      const ready = this.#files.findIndex(([{ path }]) => !(this.isLogFrozen && isLog(path)));
      const [operation] = ready < 0 ? [] : this.#files.splice(ready, 1);
      if (operation === undefined) return;
      const [request, done] = operation;
      done(this.#disk.execute(request));
    }
  }

  connect(sid: number, acceptedEpoch: number): ScriptedLearner {
    const connection = this.#nextConnection as ConnectionId;
    this.#nextConnection += 2;
    this.#sent.set(connection, []);
    this.leader.accepted(connection);
    const learner = new ScriptedLearner(this, connection);
    learner.send(PacketType.followerInfo, zxidOf(acceptedEpoch, 0), {
      data: encode(LearnerInfo, {
        sid: BigInt(sid),
        protocolVersion: LEARNER_PROTOCOL_VERSION,
        configVersion: 0n,
      }),
    });
    return learner;
  }

  /** What a connection was sent since the last call, by name; a snapshot's stream is left out. */
  received(connection: ConnectionId): string[] {
    const names: string[] = [];
    let isStream = false;
    for (const bytes of this.#sent.get(connection) ?? []) {
      if (isStream) {
        isStream = new TextDecoder().decode(bytes.subarray(4)) !== SNAPSHOT_SIGNATURE;
        continue;
      }
      const type = tryReadPacket(bytes, 0)?.packet.type ?? 0;
      isStream = type === PacketType.snap;
      names.push(packetName(type));
    }
    this.#sent.set(connection, []);
    return names;
  }

  propose(): void {
    const request = {
      origin: { kind: 'internal' as const },
      sessionId: 7n,
      cxid: 0,
      type: OpCode.createSession,
      body: encode(int, 4000),
      authinfo: [],
    };
    expect(this.leader.submitWrite(request)).toBeUndefined();
    this.settle();
  }
}

const isLog = (path: string): boolean => path.includes('/log.');

class ScriptedLearner {
  readonly #rig: LeaderRig;
  readonly connection: ConnectionId;

  constructor(rig: LeaderRig, connection: ConnectionId) {
    this.#rig = rig;
    this.connection = connection;
  }

  send(type: number, zxid: Zxid, { data }: { readonly data?: Uint8Array } = {}): void {
    const bytes = encodePacket({ type, zxid, data: data ?? null });
    this.#rig.leader.handle({ type: 'bytes-received', connection: this.connection, bytes });
    this.#rig.settle();
  }

  ackEpoch(currentEpoch: number, lastZxid: Zxid): void {
    this.send(PacketType.ackEpoch, lastZxid, { data: encode(int, currentEpoch) });
  }

  ack(zxid: Zxid): void {
    this.send(PacketType.ack, zxid);
  }

  received(): string[] {
    return this.#rig.received(this.connection);
  }
}

test('who had accepted the epoch before, from whomever, does not count toward its quorum', () => {
  const rig = new LeaderRig();
  const one = rig.connect(1, 0);
  const two = rig.connect(2, 0);
  rig.settle();
  expect(one.received()).toEqual(['LEADERINFO']);
  expect(two.received()).toEqual(['LEADERINFO']);

  // An earlier leader of this epoch has the promise of 1; its history is not told.
  one.ackEpoch(-1, zxidOf(1, 1));
  expect(rig.acts).not.toContain('CurrentEpochSaved');
  expect(one.received()).toEqual([]);
  expect(rig.closed.size).toBe(0);

  two.ackEpoch(0, zxidOf(0, 0));
  expect(rig.acts).toContain('CurrentEpochSaved');
  expect(one.received()).toEqual(['SNAP', 'NEWLEADER']);
  expect(two.received()).toEqual(['DIFF', 'NEWLEADER']);
});

test('what a learner acknowledged before it was cut back does not count any more', () => {
  const rig = new LeaderRig();
  const learner = rig.connect(1, 0);
  learner.ackEpoch(0, zxidOf(0, 0));
  learner.ack(zxidOf(1, 0));
  expect(learner.received()).toEqual(['LEADERINFO', 'DIFF', 'NEWLEADER', 'UPTODATE']);

  rig.isLogFrozen = true;
  rig.propose();
  learner.ack(zxidOf(1, 1));
  expect(learner.received()).toEqual(['PROPOSAL']);
  expect(rig.acts).toContain('AckReceived');

  // It comes back with the transaction, which the leader has not committed and lets it throw away.
  const again = rig.connect(1, 1);
  again.ackEpoch(-1, zxidOf(1, 1));
  expect(again.received()).toEqual(['LEADERINFO', 'SNAP', 'PROPOSAL', 'NEWLEADER']);

  // Now only the leader's own disk has it.
  rig.isLogFrozen = false;
  rig.settle();
  expect(rig.acts).toContain('TxnFlushed');
  expect(rig.acts).not.toContain('ProposalCommitted');

  again.ack(zxidOf(1, 0));
  again.ack(zxidOf(1, 1));
  expect(rig.acts).toContain('ProposalCommitted');
  expect(again.received()).toEqual(['UPTODATE', 'COMMIT']);
});
