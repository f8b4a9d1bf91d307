/**
 * A catalogue of anomalies that clients see: each takes evidence of a good run and spoils it in one way. It returns false
 * where the run offers no place for it.
 */

import { formatHex, parseHex } from '../../../src/base/zxid.ts';
import type { HistoryEntry } from '../../../src/checker/history.ts';
import {
  editEntry,
  type InjectedAnomaly,
  largest,
  okOf,
  valueOf,
  zxidOf,
} from './anomaly-tools.ts';
import type { Run } from './good-run.ts';

/** The newest acknowledged write of each key, and a read after it. */
const readAfterWrite = (run: Run, f: string): [HistoryEntry, HistoryEntry] | undefined => {
  for (const write of okOf(run, 'write')) {
    const read = okOf(run, f).find((entry) => {
      const invoked = run.history.findLast(
        ({ type, process, index }) =>
          type === 'invoke' && process === entry.process && index < entry.index,
      );
      return entry.key === write.key && (invoked?.index ?? 0) > write.index;
    });
    if (read !== undefined) return [write, read];
  }
  return undefined;
};

export const workloadAnomalies: readonly InjectedAnomaly[] = [
  {
    name: 'a quorum read is stale',
    workload: 'register',
    found: ['non-linearizable'],
    inject: (run) => {
      const [, read] = readAfterWrite(run, 'read') ?? [];
      if (read === undefined) return false;
      editEntry(run, read.index, { value: { ...valueOf(read), value: null } });
      return true;
    },
  },
  {
    name: 'a read finds a value that nobody wrote',
    workload: 'register',
    found: ['value-from-nowhere'],
    inject: (run) => {
      const read = okOf(run, 'plain-read').at(-1);
      if (read === undefined) return false;
      editEntry(run, read.index, { value: { ...valueOf(read), value: 'phantom' } });
      return true;
    },
  },
  {
    name: 'a write that had certainly failed is read',
    workload: 'register',
    found: ['refused-write-visible'],
    inject: (run) => {
      const [write, read] = readAfterWrite(run, 'plain-read') ?? [];
      if (write === undefined || read === undefined) return false;
      editEntry(run, write.index, { type: 'fail' });
      editEntry(run, read.index, { value: { ...valueOf(read), value: write.value } });
      return true;
    },
  },
  {
    name: 'one mzxid has two values',
    workload: 'register',
    found: ['two-values-for-one-zxid'],
    inject: (run) => {
      const [one, other] = okOf(run, 'final-read').filter(({ key }) => key === '/r/0');
      if (one === undefined || other === undefined) return false;
      editEntry(run, other.index, { value: { ...valueOf(other), value: 'v0', version: 77 } });
      return true;
    },
  },
  {
    name: 'a read is newer than its reply',
    workload: 'register',
    found: ['read-from-the-future'],
    inject: (run) => {
      const read = okOf(run, 'plain-read').at(-1);
      const mzxid = parseHex(String(read === undefined ? '' : valueOf(read).mzxid));
      if (read === undefined || mzxid === undefined) return false;
      editEntry(run, read.index, { zxid: formatHex(mzxid - 1n) });
      return true;
    },
  },
  {
    name: 'a session goes back',
    workload: 'register',
    found: ['session-went-back'],
    inject: (run) => {
      const entry = okOf(run, 'plain-read', 'read').at(-1);
      const before = run.history.findLast(
        ({ session, index, zxid }) =>
          session === entry?.session && zxid !== undefined && index < (entry?.index ?? 0),
      );
      if (entry === undefined || before === undefined) return false;
      editEntry(run, entry.index, { zxid: formatHex(zxidOf(before) - 1n) });
      return true;
    },
  },
  {
    name: 'a session does not read its own write',
    workload: 'register',
    // It may have read a newer version meanwhile.
    found: ['own-write-not-read', 'read-went-back'],
    inject: (run) => {
      for (const write of okOf(run, 'write')) {
        const read = okOf(run, 'plain-read').find(
          ({ session, key, index }) =>
            session === write.session && key === write.key && index > write.index,
        );
        if (read === undefined) continue;
        const value = { value: null, mzxid: '0x100000001', version: 0 };
        editEntry(run, read.index, { value });
        return true;
      }
      return false;
    },
  },
  {
    name: 'a plain read is older than what its session has seen',
    workload: 'register',
    found: ['read-older-than-session'],
    inject: (run) => {
      // Key r1 changed before the session saw a later zxid on r0; then it reads the first r1.
      for (const read of okOf(run, 'plain-read')) {
        const own = run.history.filter(
          ({ session, index }) => session === read.session && index < read.index,
        );
        if (own.some(({ key }) => key === read.key)) continue;
        const seen = own.map(zxidOf).reduce(largest, -1n);
        const changed = okOf(run, 'write', 'cas').find(
          (write) => write.key === read.key && zxidOf(write) <= seen,
        );
        if (changed === undefined) continue;
        const value = { value: null, mzxid: '0x100000001', version: 0 };
        editEntry(run, read.index, { value });
        return true;
      }
      return false;
    },
  },
  {
    name: 'a later write gets a smaller zxid',
    workload: 'register',
    found: ['write-order'],
    inject: (run) => {
      const [write] = okOf(run, 'write', 'cas');
      const later = run.history.find(
        ({ type, f, index }) => type === 'invoke' && f === 'write' && index > (write?.index ?? 0),
      );
      const ended = run.history.find(
        ({ type, process, index }) =>
          type === 'ok' && process === later?.process && index > later.index,
      );
      if (write === undefined || ended === undefined || ended.f !== 'write') return false;
      editEntry(run, ended.index, { zxid: formatHex(zxidOf(write) - 1n) });
      return true;
    },
  },
  {
    name: 'one server’s final read differs',
    workload: 'register',
    found: ['final-read-divergence'],
    inject: (run) => {
      const read = okOf(run, 'final-read').at(-1);
      if (read === undefined) return false;
      editEntry(run, read.index, { value: { ...valueOf(read), version: 99 } });
      return true;
    },
  },
  {
    name: 'all final reads miss the newest acknowledged write',
    workload: 'register',
    found: ['acknowledged-write-lost'],
    inject: (run) => {
      const write = okOf(run, 'write', 'cas').at(-1);
      if (write === undefined) return false;
      const path = `/r/${write.key?.slice(1)}`;
      for (const read of okOf(run, 'final-read')) {
        if (read.key !== path) continue;
        const value = { value: null, mzxid: '0x100000001', version: 0 };
        editEntry(run, read.index, { value });
      }
      return true;
    },
  },
  {
    name: 'the counter loses an increment',
    workload: 'counter',
    found: ['lost-increment'],
    inject: (run) => {
      const acknowledged = okOf(run, 'increment').length;
      if (acknowledged === 0) return false;
      for (const read of okOf(run, 'final-read')) {
        editEntry(run, read.index, {
          value: { ...valueOf(read), value: String(acknowledged - 1) },
        });
      }
      return true;
    },
  },
  {
    name: 'the counter counts twice',
    workload: 'counter',
    found: ['duplicated-increment'],
    inject: (run) => {
      const tried = run.history.filter(({ type, f }) => type === 'invoke' && f === 'increment');
      for (const read of okOf(run, 'final-read')) {
        const value = String(tried.length + 1);
        editEntry(run, read.index, { value: { ...valueOf(read), value } });
      }
      return true;
    },
  },
  {
    name: 'two increments are told the same number',
    workload: 'counter',
    found: ['lost-increment', 'non-linearizable'],
    inject: (run) => {
      const [one, other] = okOf(run, 'increment').slice(-2);
      if (one === undefined || other === undefined) return false;
      editEntry(run, other.index, { value: one.value });
      return true;
    },
  },
  {
    name: 'a read of the counter is stale',
    workload: 'counter',
    found: ['non-linearizable'],
    inject: (run) => {
      const read = okOf(run, 'read').at(-1);
      if (read === undefined || Number(read.value) < 4) return false;
      editEntry(run, read.index, { value: 0 });
      return true;
    },
  },
  {
    name: 'the store accepts a token below one that it has seen',
    workload: 'lock',
    found: ['stale-token-accepted'],
    inject: (run) => {
      const store = okOf(run, 'store').at(-1);
      const token = parseHex(String(store === undefined ? '' : valueOf(store).token));
      if (store === undefined || token === undefined) return false;
      editEntry(run, store.index, { value: { ...valueOf(store), highest: formatHex(token + 5n) } });
      return true;
    },
  },
  {
    name: 'the store forgets what it has seen',
    workload: 'lock',
    found: ['stale-token-accepted'],
    inject: (run) => {
      const stores = okOf(run, 'store');
      const last = stores.at(-1);
      const token = last === undefined ? undefined : valueOf(last).token;
      const earlier = stores.find((entry) => valueOf(entry).token !== token);
      if (last === undefined || earlier === undefined) return false;
      const stale = valueOf(earlier).token;
      const value = { ...valueOf(last), token: stale, highest: stale };
      editEntry(run, last.index, { value });
      return true;
    },
  },
  {
    name: 'one token is granted twice',
    workload: 'lock',
    found: ['token-reused'],
    inject: (run) => {
      const [one, other] = okOf(run, 'acquire');
      if (one === undefined || other === undefined) return false;
      editEntry(run, other.index, { value: { ...valueOf(other), token: valueOf(one).token } });
      return true;
    },
  },
  {
    name: 'a later grant gets a smaller token',
    workload: 'lock',
    found: ['token-order'],
    inject: (run) => {
      const [one] = okOf(run, 'acquire');
      const later = run.history.find(
        ({ type, f, index }) => type === 'invoke' && f === 'acquire' && index > (one?.index ?? 0),
      );
      const ended = run.history.find(
        ({ type, f, process, index }) =>
          type === 'ok' && f === 'acquire' && process === later?.process && index > later.index,
      );
      if (one === undefined || ended === undefined) return false;
      editEntry(run, ended.index, { value: { ...valueOf(ended), token: '0x1' } });
      return true;
    },
  },
  {
    name: 'two clients believe to hold the lock',
    workload: 'lock',
    found: ['belief-overlap'],
    inject: (run) => {
      const [one, other] = okOf(run, 'acquire');
      if (one === undefined || other === undefined) return false;
      const first = valueOf(one).belief as { fromMs: number; untilMs: number };
      const belief = { fromMs: first.fromMs, untilMs: first.fromMs + 5 };
      editEntry(run, other.index, { value: { ...valueOf(other), belief } });
      return true;
    },
  },
  {
    name: 'the lock is granted before its holder has released it',
    workload: 'lock',
    found: ['granted-twice'],
    inject: (run) => {
      const [one] = okOf(run, 'acquire');
      const release = run.history.find(
        ({ type, f, process }) => type === 'invoke' && f === 'release' && process === one?.process,
      );
      const other = okOf(run, 'acquire')[1];
      if (one === undefined || release === undefined || other === undefined) return false;
      if (!okOf(run, 'release').some(({ process }) => process === one.process)) return false;
      // The second grant moves to just before the release of the first.
      const moved = run.history.filter((entry) => entry !== other);
      const invoked = moved.findIndex(
        ({ type, f, process }) => type === 'invoke' && f === 'acquire' && process === other.process,
      );
      const place = moved.indexOf(release);
      if (other.process === one.process || invoked > place || invoked < 0) return false;
      moved.splice(place, 0, { ...other, time: release.time });
      run.history.splice(
        0,
        run.history.length,
        ...moved.map((entry, index) => ({ ...entry, index })),
      );
      return true;
    },
  },
];
