/**
 * The mutants of the model as mistakes in the server's sources. A mistake lives in a copy of the text only;
 * `find` stands there exactly once.
 */
import { pathToFileURL } from 'node:url';
import type { ServerView } from '../../spec/schedule/view.ts';
import { bundleServer, type SourcePatch } from '../../src/harness/bundle.ts';
import type * as ServerModule from '../../src/server/core/server.ts';
import type { MakeServer } from './schedule-server.ts';

const LEADER = 'src/server/core/leader.ts';
const FOLLOWER = 'src/server/core/follower.ts';

const notFlushed: SourcePatch = {
  file: FOLLOWER,
  find: '    if (zxid === undefined || storage.lastFlushed >= zxid) {',
  replacement: '    storage.flush();\n    if (zxid !== 0n) {',
};

/** By the name of the mutant. */
export const serverBugs: Readonly<Record<string, readonly SourcePatch[]>> = {
  acceptedEpochForgotten: [
    {
      file: 'src/server/core/storage/recovery.ts',
      find: '      acceptedEpoch: epochs.accepted,',
      replacement: '      acceptedEpoch: epochs.current,',
    },
  ],
  knownEpochCounts: [{ file: LEADER, find: 'if (currentEpoch !== -1) {', replacement: '{' }],
  aheadLearnerKept: [
    { file: LEADER, find: 'if (isAhead) {', replacement: 'if (isAhead && this.#isEnded) {' },
  ],
  // At the grain of turns these two are one: the learner answers before its disk has the transactions.
  zk3911LoggedAfterUpToDate: [notFlushed],
  zk4646AckBeforeFlush: [notFlushed],
  zk4643EpochBeforeLog: [
    {
      file: FOLLOWER,
      find: `      this.#whenFlushed(last, () => {
        storage.saveCurrentEpoch(this.#epoch, () => {
          if (this.#isEnded) return;
          this.#context.trace('CurrentEpochSaved', { epoch: this.#epoch });
`,
      replacement: `      storage.flush();
      storage.saveCurrentEpoch(this.#epoch, () => {
        this.#context.trace('CurrentEpochSaved', { epoch: this.#epoch });
        this.#whenFlushed(last, () => {
          if (this.#isEnded) return;
`,
    },
  ],
  zk4785DiffNotLogged: [
    {
      file: FOLLOWER,
      find: `        storage.append(decided.zxid, decided.bytes);
        this.#replica.apply(decided);
        last = decided.zxid;
`,
      replacement: '        this.#replica.apply(decided);\n',
    },
  ],
  zk4394QueueCleared: [
    {
      file: FOLLOWER,
      find: '      this.#whenFlushed(last, () => {',
      replacement: '      this.#pending.length = 0;\n      this.#whenFlushed(last, () => {',
    },
  ],
  zk4685AckOutOfTurn: [
    {
      file: FOLLOWER,
      find: "          this.#context.trace('NewLeaderAcked', { epoch: this.#epoch });",
      replacement: `          for (const { decided } of this.#pending) {
            this.#send({ type: PacketType.ack, zxid: decided.zxid });
          }`,
    },
  ],
  zk3701TruncateIgnored: [
    {
      file: 'src/server/core/storage/truncation.ts',
      find: `  for (const file of newestFirst) yield* remove(file.directory, file.name);
  yield* cutLog(catalog, zxid);
  return { ok: true };`,
      replacement: '  return { ok: true };',
    },
  ],
  outstandingNotSent: [
    {
      file: LEADER,
      find: 'outstanding: [...this.#outstanding.values()].map(({ decided }) => decided),',
      replacement: 'outstanding: [],',
    },
  ],
  staleAcksCount: [
    {
      file: LEADER,
      find: '    for (const { acks } of this.#outstanding.values()) acks.delete(handler.sid);\n',
      replacement: '',
    },
  ],
  ackBeforeFlush: [
    {
      file: FOLLOWER,
      find: '    this.#unacked.add(decided.zxid);\n',
      replacement: '    this.#send({ type: PacketType.ack, zxid: decided.zxid });\n',
    },
  ],
  leaderAcksUnflushed: [
    {
      file: LEADER,
      find: '      acks: new Set(),',
      replacement: '      acks: new Set([this.#sid]),',
    },
  ],
  committedWithoutQuorum: [
    {
      file: LEADER,
      find: 'if (this.#isEnded || !proposal.verifier.containsQuorum(proposal.acks)) return;',
      replacement: 'if (this.#isEnded) return;',
    },
    {
      file: LEADER,
      find: '    this.#replica.log(decided);\n',
      replacement: '    this.#replica.log(decided);\n    this.#commitReady();\n',
    },
  ],
};

/** Where the model has no words for what the mistake does. */
export const notCompared: Readonly<Record<string, keyof ServerView>> = {
  // Applied, and in no log: the model names transactions by their place in the log.
  zk4785DiffNotLogged: 'lastApplied',
};

export async function serverWithBug(name: string): Promise<MakeServer> {
  const patches = serverBugs[name];
  if (patches === undefined) throw new Error(`${name} is no mistake in the server's sources`);
  const entryPoint = 'src/server/core/server.ts';
  const bundle = await bundleServer({ entryPoint, patches });
  const { Server } = (await import(pathToFileURL(bundle).href)) as typeof ServerModule;
  return (config) => new Server(config);
}
