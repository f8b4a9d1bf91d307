/**
 * A catalogue of anomalies of servers, their disks and events: each takes evidence of a good run and spoils it in one way. It returns false
 * where the run offers no place for it.
 */

import { formatHex, parseHex } from '../../../src/base/zxid.ts';
import type { LoggedTxn } from '../../../src/checker/server-evidence.ts';
import {
  all,
  editArgs,
  editDisk,
  editEntry,
  editTxn,
  eventsOf,
  findPlace,
  forget,
  type InjectedAnomaly,
  okOf,
  shared,
  valueOf,
  withoutSnapshots,
  zxidOf,
} from './anomaly-tools.ts';

export const serverAnomalies: readonly InjectedAnomaly[] = [
  {
    name: 'an acknowledged write is on no disk',
    workload: 'register',
    found: ['acknowledged-write-lost'],
    inject: (run) => {
      const write = okOf(run, 'write', 'cas').at(-1);
      if (write === undefined) return false;
      forget(run, zxidOf(write), all(run));
      return true;
    },
  },
  {
    name: 'an acknowledged write is on a minority only',
    workload: 'counter',
    found: ['acknowledged-write-lost'],
    inject: (run) => {
      const write = okOf(run, 'increment').at(-1);
      if (write === undefined) return false;
      forget(run, zxidOf(write), all(run).slice(1));
      return true;
    },
  },
  {
    name: 'the create behind a fencing token is gone',
    workload: 'lock',
    found: ['acknowledged-write-lost'],
    inject: (run) => {
      const grant = okOf(run, 'acquire').at(-1);
      if (grant === undefined) return false;
      forget(run, parseHex(String(valueOf(grant).token)) ?? 0n, all(run));
      return true;
    },
  },
  {
    name: 'the zxid of an acknowledged write stands for something else',
    workload: 'register',
    found: ['acknowledged-write-replaced'],
    inject: (run) => {
      const write = okOf(run, 'write').at(-1);
      if (write === undefined) return false;
      let isDone = false;
      for (const node of all(run)) {
        const place = findPlace(run, node, zxidOf(write));
        if (place < 0) continue;
        editTxn(run, node, place, () => ({ paths: ['/elsewhere'] }));
        isDone = true;
      }
      return isDone;
    },
  },
  {
    name: 'two logs hold different transactions under one zxid',
    workload: 'register',
    found: ['divergent-log'],
    inject: (run) => {
      const place = shared(run);
      if (place === undefined) return false;
      const { one, zxid } = place;
      editTxn(run, one, findPlace(run, one, zxid), () => ({ fingerprint: 'another' }));
      return true;
    },
  },
  {
    name: 'a log leaves a committed transaction out',
    workload: 'counter',
    found: ['log-prefix-mismatch', 'committed-transaction-missing', 'log-hole'],
    inject: (run) => {
      const place = shared(run);
      if (place === undefined) return false;
      withoutSnapshots(run);
      const { one, zxid } = place;
      editDisk(run, one, ({ log }) => ({ log: log.filter((txn) => txn.zxid !== zxid) }));
      return run.disks.get(one)?.lastZxid !== zxid;
    },
  },
  {
    name: 'an uncommitted transaction stays in the middle of one log',
    workload: 'register',
    found: ['log-prefix-mismatch'],
    inject: (run) => {
      const [node] = all(run);
      const disk = run.disks.get(node ?? 0);
      withoutSnapshots(run);
      // A transaction that only the deposed leader of epoch 1 had.
      const firsts = disk?.log.filter(({ zxid }) => zxid >> 32n === 1n) ?? [];
      const last = firsts.at(-1);
      if (node === undefined || last === undefined || disk?.lastZxid === last.zxid) return false;
      const orphan = { ...last, zxid: last.zxid + 1n, fingerprint: 'orphan' };
      editDisk(run, node, ({ log }) => ({
        log: log.flatMap((txn) => (txn === last ? [txn, orphan] : [txn])),
      }));
      return (
        [...run.disks].every(([, { log }]) => log.includes(last) || log[0]?.zxid === 0n) ||
        all(run).some((other) => other !== node && findPlace(run, other, last.zxid) >= 0)
      );
    },
  },
  {
    name: 'a log is out of order',
    workload: 'register',
    found: ['log-order'],
    inject: (run) => {
      const node = all(run).find((sid) => (run.disks.get(sid)?.log.length ?? 0) > 2);
      if (node === undefined) return false;
      editDisk(run, node, ({ log: [first, second, ...rest] }) => ({
        log: [second as LoggedTxn, first as LoggedTxn, ...rest],
      }));
      return true;
    },
  },
  {
    name: 'trees differ at the same last transaction',
    workload: 'register',
    found: ['tree-mismatch'],
    inject: (run) => {
      const [node] = all(run);
      if (node === undefined) return false;
      editDisk(run, node, ({ tree }) => {
        const changed = new Map(tree);
        const [path, found] = [...tree][0] ?? [];
        if (path !== undefined && found !== undefined) {
          changed.set(path, { ...found, data: new Uint8Array([9, 9]) });
        }
        return { tree: changed };
      });
      return true;
    },
  },
  {
    name: 'a node is missing on one server',
    workload: 'register',
    found: ['tree-mismatch'],
    inject: (run) => {
      const node = all(run).at(-1);
      if (node === undefined) return false;
      editDisk(run, node, ({ tree }) => ({ tree: new Map([...tree].slice(1)) }));
      return true;
    },
  },
  {
    name: 'two leaders are established in one epoch',
    workload: 'register',
    found: ['two-leaders'],
    inject: (run) => {
      const [event] = eventsOf(run, 'LeaderEstablished');
      if (event === undefined) return false;
      const other = all(run).find((node) => node !== event.node);
      const copy = run.events.get(event.node)?.[event.place];
      if (other === undefined || copy === undefined) return false;
      run.events.get(other)?.push({ ...copy, node: other });
      return true;
    },
  },
  {
    name: 'a leader is established by half of the servers',
    workload: 'register',
    found: ['leader-without-quorum'],
    inject: (run) => {
      const [event] = eventsOf(run, 'LeaderEstablished');
      if (event === undefined) return false;
      editArgs(run, event.node, event.place, { quorum: [event.node] });
      return true;
    },
  },
  {
    name: 'half of the servers make a leader while the old one goes on',
    workload: 'register',
    found: ['split-brain'],
    inject: (run) => {
      const commit = eventsOf(run, 'ProposalCommitted')[0];
      const leader = eventsOf(run, 'LeaderEstablished').findLast(
        ({ node }) => node !== commit?.node,
      );
      const last = leader === undefined ? undefined : run.events.get(leader.node)?.[leader.place];
      if (leader === undefined || last === undefined) return false;
      const behind = { ...last, post: { ...last.post, lastLogged: '0x0' } };
      run.events.get(leader.node)?.splice(leader.place, 1, behind);
      editArgs(run, leader.node, leader.place, { epoch: 9, quorum: [leader.node] });
      return true;
    },
  },
  {
    name: 'a proposal is committed by a minority',
    workload: 'register',
    found: ['commit-without-quorum'],
    inject: (run) => {
      const event = eventsOf(run, 'ProposalCommitted').at(-1);
      if (event === undefined) return false;
      editArgs(run, event.node, event.place, { acks: [event.node] });
      return true;
    },
  },
  {
    name: 'a write is acknowledged before a quorum has flushed it',
    workload: 'register',
    found: ['acknowledged-before-flush'],
    inject: (run) => {
      const write = okOf(run, 'write', 'cas').at(-1);
      if (write === undefined) return false;
      const behind = formatHex(zxidOf(write) - 1n);
      for (const [node, sequence] of run.events) {
        const kept = sequence.filter(
          ({ act, args }) => act !== 'TxnFlushed' || !('zxid' in args) || args.zxid !== write.zxid,
        );
        const held = kept.map((event) => {
          const isAhead = (parseHex(event.post.lastFlushed) ?? 0n) >= zxidOf(write);
          return isAhead ? { ...event, post: { ...event.post, lastFlushed: behind } } : event;
        });
        run.events.set(node, held);
      }
      return true;
    },
  },
  {
    name: 'a write is acknowledged that no server committed',
    workload: 'register',
    found: ['acknowledged-without-commit'],
    inject: (run) => {
      const write = okOf(run, 'write', 'cas').at(-1);
      if (write === undefined) return false;
      for (const [node, sequence] of run.events) {
        run.events.set(
          node,
          sequence.filter(({ args }) => !('zxid' in args) || args.zxid !== write.zxid),
        );
      }
      return true;
    },
  },
  {
    name: 'two servers apply the same transaction to different trees',
    workload: 'register',
    found: ['digest-mismatch'],
    inject: (run) => {
      const event = eventsOf(run, 'TxnApplied').at(-1);
      if (event === undefined) return false;
      editArgs(run, event.node, event.place, { digest: '0xbad' });
      return true;
    },
  },
  {
    name: 'a server applies something else under the same zxid',
    workload: 'register',
    found: ['applied-divergence'],
    inject: (run) => {
      const event = eventsOf(run, 'TxnApplied').at(-1);
      if (event === undefined) return false;
      editArgs(run, event.node, event.place, { op: 'delete' });
      return true;
    },
  },
  {
    name: 'a server leaves a transaction out',
    workload: 'register',
    found: ['applied-with-gap'],
    inject: (run) => {
      const event = eventsOf(run, 'TxnApplied').at(-2);
      const sequence = run.events.get(event?.node ?? 0);
      if (event === undefined || sequence === undefined) return false;
      const left = (sequence[event.place] as { args: { zxid: string } }).args.zxid;
      const before = formatHex((parseHex(left) ?? 0n) - 1n);
      const changed = sequence
        .filter((_, place) => place !== event.place)
        .map((item) =>
          item.post.lastApplied === left
            ? { ...item, post: { ...item.post, lastApplied: before } }
            : item,
        );
      run.events.set(event.node, changed);
      return eventsOf(run, 'TxnApplied').some(({ node, place }) => {
        const item = run.events.get(node)?.[place];
        return node !== event.node && item?.act === 'TxnApplied' && item.args.zxid === left;
      });
    },
  },
  {
    name: 'a server applies backwards',
    workload: 'register',
    found: ['applied-out-of-order'],
    inject: (run) => {
      const event = eventsOf(run, 'TxnApplied').at(-1);
      const sequence = run.events.get(event?.node ?? 0);
      const copy = sequence?.[event?.place ?? 0];
      if (sequence === undefined || copy === undefined) return false;
      sequence.push(copy);
      return true;
    },
  },
  {
    name: 'one zxid is acknowledged for two writes',
    workload: 'register',
    found: ['zxid-acknowledged-twice'],
    inject: (run) => {
      const [one, other] = okOf(run, 'write');
      if (one?.zxid === undefined || other === undefined) return false;
      editEntry(run, other.index, { zxid: one.zxid });
      return true;
    },
  },
  {
    name: 'a server is in an epoch that it never accepted',
    workload: 'register',
    found: ['epoch-order'],
    inject: (run) => {
      const [node] = all(run);
      if (node === undefined) return false;
      editDisk(run, node, ({ currentEpoch }) => ({ acceptedEpoch: (currentEpoch ?? 1) - 1 }));
      return true;
    },
  },
];
