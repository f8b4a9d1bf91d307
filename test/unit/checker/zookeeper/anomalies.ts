/**
 * What a server could do wrong towards its clients, each as an edit of a good journal. Every edit makes a
 * breach for certain: what the contract allows (an old read of a session that has seen nothing newer, an
 * unanswered write) is no anomaly.
 */
import { type Answered, type Forgery, pathOf } from './injection.ts';

export interface ContractAnomaly {
  readonly name: string;
  /** Kinds of which at least one has to be found. */
  readonly found: readonly string[];
  /** `reconnects`: sessions that move between servers are needed. */
  readonly run: 'calm' | 'reconnects';
  /** False where the journal has no place for it. */
  readonly inject: (forgery: Forgery) => boolean;
}

const BREACH_OF_STATE = ['state-that-never-was', 'reply-differs', 'multi-not-atomic'];

/** Changes one good reply of such requests. */
function editReply(
  ops: readonly ('getData' | 'exists' | 'getChildren')[],
  edit: (forgery: Forgery, of: Answered) => boolean | undefined,
): ContractAnomaly['inject'] {
  return (forgery) => {
    const of = forgery.pick(forgery.reads(...ops).filter(({ reply }) => reply.stat !== undefined));
    return of !== undefined && edit(forgery, of) !== false;
  };
}

const anyRead = ['getData', 'exists', 'getChildren'] as const;

/** An earlier and a later read of one path with different contents, the later one's session knowing so. */
function oldAndNew(
  forgery: Forgery,
  accept: (old: Answered, now: Answered) => boolean,
): readonly [Answered, Answered] | undefined {
  const reads = forgery.reads('getData');
  const pairs: (readonly [Answered, Answered])[] = [];
  for (const now of reads) {
    for (const old of reads) {
      if (old.told >= now.asked || pathOf(old) !== pathOf(now)) continue;
      if ((old.reply.stat?.mzxid ?? 0) >= (now.reply.stat?.mzxid ?? 0)) continue;
      if ((now.reply.stat?.mzxid ?? 0) > now.seen) continue;
      if (accept(old, now)) pairs.push([old, now]);
    }
  }
  return forgery.pick(pairs);
}

const reads: readonly ContractAnomaly[] = [
  {
    name: 'a session does not read its own write',
    found: ['own-write-not-read'],
    run: 'calm',
    inject: (forgery) => {
      const pair = oldAndNew(forgery, (_old, now) =>
        forgery
          .writes('setData')
          .some((write) => write.session === now.session && write.zxid === now.reply.stat?.mzxid),
      );
      if (pair === undefined) return false;
      forgery.tell(pair[1], pair[0].reply);
      return true;
    },
  },
  {
    name: 'a read goes back behind what its session has seen',
    found: ['read-went-back', 'own-write-not-read', 'multi-seen-in-part'],
    run: 'calm',
    inject: (forgery) => {
      const pair = oldAndNew(forgery, () => true);
      if (pair === undefined) return false;
      forgery.tell(pair[1], pair[0].reply);
      return true;
    },
  },
  {
    name: 'a read finds what nobody wrote',
    found: BREACH_OF_STATE,
    run: 'calm',
    inject: editReply(['getData'], (forgery, of) => {
      // Of the same length, so that only the bytes tell.
      forgery.tell(of, { data: '?'.repeat(of.reply.data?.length ?? 0) });
      return (of.reply.data?.length ?? 0) > 0;
    }),
  },
  {
    name: 'a read finds the data of another node',
    found: BREACH_OF_STATE,
    run: 'calm',
    inject: (forgery) => {
      const all = forgery.reads('getData');
      const of = forgery.pick(all);
      const other = all.find((read) => pathOf(read) !== (of && pathOf(of)));
      if (of === undefined || other === undefined || of.reply.data === other.reply.data)
        return false;
      forgery.tell(of, other.reply);
      return true;
    },
  },
  ...(
    [
      ['version', 1],
      ['cversion', 1],
      ['aversion', 1],
      ['numChildren', 1],
      ['dataLength', 1],
      ['mzxid', -1],
      ['czxid', -1],
      ['pzxid', -1],
    ] as const
  ).map(
    ([field, by]): ContractAnomaly => ({
      name: `a read shows a wrong ${field}`,
      found: BREACH_OF_STATE,
      run: 'calm',
      inject: editReply(anyRead, (forgery, of) => {
        const stat = of.reply.stat;
        if (stat === undefined) return false;
        forgery.tellStat(of, { [field]: stat[field] + by });
        return true;
      }),
    }),
  ),
  ...(['ctime', 'mtime'] as const).map(
    (field): ContractAnomaly => ({
      name: `a read shows a ${field} that others do not`,
      found: ['time-of-zxid', 'reply-differs'],
      run: 'calm',
      inject: (forgery) => {
        const all = forgery.reads('getData');
        const zxid = field === 'ctime' ? 'czxid' : 'mzxid';
        const of = forgery.pick(
          all.filter((read) => {
            const same = all.filter(({ reply }) => reply.stat?.[zxid] === read.reply.stat?.[zxid]);
            return same.length > 1 && (read.reply.stat?.[zxid] ?? 0) > 0;
          }),
        );
        if (of?.reply.stat === undefined) return false;
        forgery.tellStat(of, { [field]: of.reply.stat[field] + 1 });
        return true;
      },
    }),
  ),
  {
    name: 'a read shows another owner of an ephemeral',
    found: BREACH_OF_STATE,
    run: 'calm',
    inject: editReply(['getData', 'exists'], (forgery, of) => {
      if (of.reply.stat?.ephemeralOwner === '') return false;
      forgery.tellStat(of, { ephemeralOwner: '0x123' });
      return true;
    }),
  },
  {
    name: 'a child is missing from the list',
    found: BREACH_OF_STATE,
    run: 'calm',
    inject: editReply(['getChildren'], (forgery, of) => {
      const { children = [], stat } = of.reply;
      if (children.length === 0 || stat === undefined) return false;
      forgery.tell(of, { children: children.slice(1) });
      return true;
    }),
  },
  {
    name: 'a child is in the list that is not there',
    found: BREACH_OF_STATE,
    run: 'calm',
    inject: editReply(['getChildren'], (forgery, of) => {
      const { children = [] } = of.reply;
      if (children.length === 0) return false;
      forgery.tell(of, { children: ['ghost', ...children.slice(1)] });
      return true;
    }),
  },
  {
    name: 'a node is gone that nobody deleted',
    found: [...BREACH_OF_STATE, 'read-went-back', 'own-write-not-read'],
    run: 'calm',
    inject: (forgery) => {
      const of = forgery.pick(
        forgery.reads('getData').filter(({ request, reply, seen }) => {
          const isStable = 'path' in request && request.path.startsWith('/t/m/');
          return isStable && (reply.stat?.czxid ?? 0) <= seen;
        }),
      );
      if (of === undefined) return false;
      const gone = { data: undefined, stat: undefined } as object;
      forgery.tell(of, { ...gone, error: 'NoNode' });
      return true;
    },
  },
  {
    name: 'a deleted node is back',
    found: ['read-went-back', 'own-write-not-read', 'ephemeral-outlives-session'],
    run: 'calm',
    inject: (forgery) => {
      const absent = forgery.refusals('NoNode', 'getData', 'exists');
      const of = forgery.pick(
        absent.filter((read) =>
          forgery
            .writes('delete')
            .some((gone) => pathOf(gone) === pathOf(read) && gone.zxid <= read.seen),
        ),
      );
      const before = forgery
        .reads('getData')
        .find((read) => of !== undefined && read.told < of.asked && pathOf(read) === pathOf(of));
      if (of === undefined || before === undefined) return false;
      forgery.tell(of, { ...before.reply, error: undefined } as object);
      return true;
    },
  },
  {
    name: 'a read is newer than its own header',
    found: ['read-beyond-its-header', 'state-that-never-was', 'session-went-back'],
    run: 'calm',
    inject: (forgery) => {
      const newest = ({ reply: { stat } }: Answered): number =>
        Math.max(stat?.mzxid ?? 0, stat?.pzxid ?? 0);
      const of = forgery.pick(
        forgery.reads(...anyRead).filter((read) => newest(read) > Math.max(1, read.seen + 1)),
      );
      if (of === undefined) return false;
      forgery.tell(of, {}, newest(of) - 1);
      return true;
    },
  },
];

/** A successful conditional or unconditional write of the plain nodes. */
const writes: readonly ContractAnomaly[] = [
  {
    name: 'an acknowledged write is lost: the next one gets its version',
    found: ['reply-differs', 'version-written-twice'],
    run: 'calm',
    inject: (forgery) => {
      const of = forgery.pick(
        forgery.writes('setData').filter(({ reply }) => (reply.stat?.version ?? 0) > 1),
      );
      if (of?.reply.stat === undefined) return false;
      forgery.tellStat(of, { version: of.reply.stat.version - 1 });
      return true;
    },
  },
  {
    name: 'a write skips a version',
    found: ['reply-differs'],
    run: 'calm',
    inject: (forgery) => {
      const of = forgery.pick(forgery.writes('setData'));
      if (of?.reply.stat === undefined) return false;
      forgery.tellStat(of, { version: of.reply.stat.version + 1 });
      return true;
    },
  },
  {
    name: 'a write is never seen by anybody',
    found: [...BREACH_OF_STATE, 'reply-differs', 'read-went-back'],
    run: 'calm',
    inject: (forgery) => {
      // The write alone is put in: nothing of it is in any later reply.
      const of = forgery.pick(
        forgery.writes('setData').filter((write) =>
          forgery.answered.some((later) => {
            const isRead = later.request.op === 'getData' && later.reply.error === undefined;
            // Of a node that was made anew it would rightly be gone.
            const isSame = later.reply.stat?.czxid === write.reply.stat?.czxid;
            const isLater = later.asked > write.told;
            return isRead && isSame && isLater && pathOf(later) === pathOf(write);
          }),
        ),
      );
      if (of?.reply.stat === undefined || of.request.op !== 'setData') return false;
      const { told, client, request, reply } = of;
      const stat = { ...of.reply.stat, version: of.reply.stat.version + 1 };
      const next = of.zxid + 0.5;
      const xid = 900_000;
      const time = 0;
      const lost = { ...reply, stat: { ...stat, mzxid: next } };
      forgery.insert(told, { type: 'reply', client, time, xid, zxid: next, reply: lost });
      const again = { ...request, data: 'lost', version: -1 };
      forgery.insert(told, { type: 'request', client, time, xid, request: again });
      return forgery.answered.every(({ asked, told: end }) => !(asked < told && told < end));
    },
  },
  {
    name: 'two writes share a zxid',
    found: ['zxid-used-twice', 'write-before-its-time'],
    run: 'calm',
    inject: (forgery) => {
      const all = forgery.writes('setData');
      const of = forgery.pick(all);
      const other = all.find((write) => of !== undefined && write.zxid < of.zxid);
      if (of === undefined || other === undefined) return false;
      forgery.tell(of, { stat: { ...of.reply.stat, mzxid: other.zxid } as never }, other.zxid);
      return true;
    },
  },
  {
    name: 'zxids contradict real time',
    found: ['write-before-its-time'],
    run: 'calm',
    inject: (forgery) => {
      const all = forgery.writes('setData');
      const first = forgery.pick(all);
      const later = all.find((write) => first !== undefined && write.asked > first.told);
      if (first === undefined || later === undefined) return false;
      const swap = (of: Answered, zxid: number): void =>
        forgery.tell(of, { stat: { ...of.reply.stat, mzxid: zxid } as never }, zxid);
      swap(first, later.zxid);
      swap(later, first.zxid);
      return true;
    },
  },
  {
    name: 'the header of a write is older than the write',
    found: ['header-before-own-zxid'],
    run: 'calm',
    inject: (forgery) => {
      const of = forgery.pick(forgery.writes('setData'));
      if (of === undefined) return false;
      forgery.tell(of, {}, of.zxid - 1);
      return true;
    },
  },
  {
    name: 'a good write is refused',
    found: ['reply-differs'],
    run: 'calm',
    inject: (forgery) => {
      const of = forgery.pick(forgery.writes('setData'));
      if (of === undefined) return false;
      forgery.tell(of, { error: 'BadVersion', stat: undefined } as object);
      return true;
    },
  },
  {
    name: 'a write with the wrong version is done',
    found: ['reply-differs'],
    run: 'calm',
    inject: (forgery) => {
      const of = forgery.pick(forgery.refusals('BadVersion', 'setData'));
      const other = forgery.pick(forgery.writes('setData'));
      if (of === undefined || other === undefined) return false;
      const stat = { ...other.reply.stat, mzxid: of.zxid };
      forgery.tell(of, { error: undefined, stat } as object);
      return true;
    },
  },
  {
    name: 'a refusal names the wrong error',
    found: ['reply-differs'],
    run: 'calm',
    inject: (forgery) => {
      const of = forgery.pick(forgery.refusals('NodeExists', 'create'));
      if (of === undefined) return false;
      forgery.tell(of, { error: 'NoNode' });
      return true;
    },
  },
  {
    name: 'a delete is refused as if the node were not there',
    found: ['reply-differs'],
    run: 'calm',
    inject: (forgery) => {
      const of = forgery.pick(forgery.writes('delete'));
      if (of === undefined) return false;
      forgery.tell(of, { error: 'NoNode' });
      return true;
    },
  },
  {
    name: 'a node is created although it exists',
    found: ['reply-differs'],
    run: 'calm',
    inject: (forgery) => {
      const of = forgery.pick(forgery.refusals('NodeExists', 'create'));
      if (of === undefined || !('path' in of.request)) return false;
      forgery.tell(of, { error: undefined, path: of.request.path } as object);
      return true;
    },
  },
  {
    name: 'a node is deleted although it has children',
    found: ['reply-differs'],
    run: 'calm',
    inject: (forgery) => {
      const of = forgery.pick(forgery.refusals('NotEmpty', 'delete'));
      if (of === undefined) return false;
      forgery.tell(of, { error: undefined } as object);
      return true;
    },
  },
];

const sequences: readonly ContractAnomaly[] = [
  ...(
    [
      ['a sequence number is given twice', 0, 'sequence-twice'],
      ['a sequence number goes back', -1, 'sequence-went-back'],
    ] as const
  ).map(
    ([name, by, kind]): ContractAnomaly => ({
      name,
      found: [kind],
      run: 'calm',
      inject: (forgery) => {
        const all = forgery
          .writes('create')
          .filter(({ request }) => request.op === 'create' && request.flags >= 2);
        const of = forgery.pick(all);
        const before = all
          .filter((create) => of !== undefined && create.zxid < of.zxid)
          .sort((a, b) => a.zxid - b.zxid)
          .at(-1);
        if (of === undefined || before === undefined) return false;
        const number = Number(pathOf(before).slice(-10)) + by;
        if (number < 0) return false;
        const path = `${pathOf(of).slice(0, -10)}${String(number).padStart(10, '0')}`;
        forgery.tell(of, { path });
        return true;
      },
    }),
  ),
  {
    name: 'a sequence number leaves a gap that nothing explains',
    found: ['reply-differs'],
    run: 'calm',
    inject: (forgery) => {
      const of = forgery.pick(
        forgery
          .writes('create')
          .filter(({ request }) => request.op === 'create' && request.flags >= 2),
      );
      if (of === undefined) return false;
      const number = Number(pathOf(of).slice(-10)) + 1000;
      const path = `${pathOf(of).slice(0, -10)}${String(number).padStart(10, '0')}`;
      forgery.tell(of, { path });
      return true;
    },
  },
  {
    name: 'a sequence number has nine digits',
    found: ['sequence-malformed'],
    run: 'calm',
    inject: (forgery) => {
      const of = forgery.pick(
        forgery
          .writes('create')
          .filter(({ request }) => request.op === 'create' && request.flags >= 2),
      );
      if (of === undefined) return false;
      forgery.tell(of, { path: pathOf(of).replace(/0(\d{9})$/, '$1') });
      return true;
    },
  },
];

const multis: readonly ContractAnomaly[] = [
  {
    name: 'a multi is seen in part',
    found: ['multi-seen-in-part', 'own-write-not-read'],
    run: 'calm',
    inject: (forgery) => {
      const pairs = forgery.answered.flatMap((one, index) => {
        const two = forgery.answered
          .slice(index + 1)
          .find(({ client, request }) => client === one.client && request.op === 'getData');
        const isPair = pathOf(one) === '/t/m/1' && two !== undefined && pathOf(two) === '/t/m/2';
        if (!isPair || one.reply.stat === undefined || two.reply.stat === undefined) return [];
        const old = forgery
          .reads('getData')
          .find(
            (read) =>
              pathOf(read) === '/t/m/2' &&
              (read.reply.stat?.mzxid ?? 0) < (one.reply.stat?.mzxid ?? 0),
          );
        const isOfMulti = one.reply.stat.mzxid === two.reply.stat.mzxid;
        const isOther = one.reply.data !== 'first' && one.session === two.session;
        return old !== undefined && isOfMulti && isOther ? [[two, old] as const] : [];
      });
      const pair = forgery.pick(
        // The session itself must not have written what it then does not see.
        pairs.filter(([two]) => !wroteMulti(forgery, two)),
      );
      if (pair === undefined) return false;
      forgery.tell(pair[0], pair[1].reply);
      return true;
    },
  },
  ...(
    [
      [
        'a multi that fails says that a part of it was done',
        (error: string) => error === 'Ok',
        undefined,
      ],
      [
        'a multi that fails says that what came before was refused',
        (error: string) => error === 'Ok',
        'BadVersion',
      ],
      [
        'a multi that fails gives the wrong reason',
        (error: string) => error !== 'Ok',
        'NodeExists',
      ],
    ] as const
  ).map(
    ([name, isPart, error]): ContractAnomaly => ({
      name,
      found: ['multi-not-atomic'],
      run: 'calm',
      inject: (forgery) => {
        const of = forgery.pick(failedMultis(forgery));
        const results = of?.reply.results?.map((result) => {
          if (result.error === undefined || !isPart(result.error)) return result;
          return error === undefined ? {} : { error };
        });
        if (of === undefined || results === undefined) return false;
        forgery.tell(of, { results });
        return results.some(({ error: told }, at) => told !== of.reply.results?.[at]?.error);
      },
    }),
  ),
  {
    name: 'a multi is done although a check of it fails',
    found: ['multi-not-atomic'],
    run: 'calm',
    inject: (forgery) => {
      const of = forgery.pick(failedMultis(forgery));
      if (of?.reply.results === undefined) return false;
      forgery.tell(of, { results: of.reply.results.map(() => ({})) });
      return true;
    },
  },
  {
    name: 'a multi has too few results',
    found: ['multi-results-missing'],
    run: 'calm',
    inject: (forgery) => {
      const of = forgery.pick(doneMultis(forgery));
      if (of?.reply.results === undefined) return false;
      forgery.tell(of, { results: of.reply.results.slice(0, -1) });
      return true;
    },
  },
  {
    name: 'the parts of a multi have two zxids',
    found: ['multi-not-atomic'],
    run: 'calm',
    inject: (forgery) => {
      const of = forgery.pick(doneMultis(forgery));
      const results = [...(of?.reply.results ?? [])];
      const last = results.at(-1);
      if (of === undefined || last?.stat === undefined) return false;
      results[results.length - 1] = { ...last, stat: { ...last.stat, mzxid: of.zxid + 1 } };
      forgery.tell(of, { results });
      return true;
    },
  },
];

function wroteMulti(forgery: Forgery, read: Answered): boolean {
  return doneMultis(forgery).some(
    ({ session, zxid }) => session === read.session && zxid === read.reply.stat?.mzxid,
  );
}

function doneMultis(forgery: Forgery): Answered[] {
  return forgery.answered.filter(({ request, reply }) => {
    return request.op === 'multi' && reply.results?.every(({ error }) => error === undefined);
  });
}

function failedMultis(forgery: Forgery): Answered[] {
  return forgery.answered.filter(({ request, reply }) => {
    return request.op === 'multi' && reply.results?.some(({ error }) => error === 'BadVersion');
  });
}

const ephemerals: readonly ContractAnomaly[] = [
  {
    name: 'an ephemeral outlives its session',
    found: ['ephemeral-outlives-session'],
    run: 'calm',
    inject: (forgery) => {
      const closes = forgery.answered.filter(({ request }) => request.op === 'close');
      const pairs = forgery.reads('exists', 'getData').flatMap((before) => {
        const owner = before.reply.stat?.ephemeralOwner ?? '';
        const end = closes.find(({ session }) => session === owner);
        if (owner === '' || end === undefined) return [];
        return forgery.refusals('NoNode', 'exists').flatMap((after) => {
          const isAfter = end.zxid <= after.seen && after.told > before.told;
          const wasThereAtEnd = !forgery.answered.some(
            ({ request, zxid, reply }) =>
              request.op === 'delete' &&
              reply.error === undefined &&
              request.path === pathOf(before) &&
              zxid > (before.reply.stat?.czxid ?? 0) &&
              zxid < end.zxid,
          );
          return isAfter && wasThereAtEnd && pathOf(after) === pathOf(before)
            ? [[after, before] as const]
            : [];
        });
      });
      const pair = forgery.pick(pairs);
      if (pair === undefined) return false;
      const { stat } = pair[1].reply;
      forgery.tell(pair[0], { error: undefined, stat } as object);
      return true;
    },
  },
  {
    name: 'an ephemeral is gone while its session lives',
    found: ['ephemeral-gone-too-early'],
    run: 'calm',
    inject: (forgery) => {
      const of = forgery.pick(
        forgery.reads('exists').filter(({ reply, seen }) => {
          return reply.stat?.ephemeralOwner !== '' && (reply.stat?.czxid ?? 0) <= seen;
        }),
      );
      if (of === undefined) return false;
      forgery.tell(of, { stat: undefined, error: 'NoNode' } as object);
      return true;
    },
  },
  {
    name: 'the ephemerals of a session that was closed are in the way of a create',
    found: ['reply-differs'],
    run: 'calm',
    inject: (forgery) => {
      const of = forgery.pick(
        forgery
          .writes('create')
          .filter(({ request }) => request.op === 'create' && request.flags === 1),
      );
      if (of === undefined) return false;
      forgery.tell(of, { error: 'NodeExists', path: undefined, stat: undefined } as object);
      return true;
    },
  },
];

/** Events of a change that the journal tells of later on the same connection. */
function eventsFollowed(forgery: Forgery): Forgery['events'] {
  return forgery.events.filter(({ connection, at, record }) =>
    forgery.answered.some(
      (answer) =>
        answer.connection === connection && answer.told > at && answer.zxid >= record.zxid,
    ),
  );
}

const watches: readonly ContractAnomaly[] = [
  {
    name: 'a watch event is missed',
    found: ['watch-missed'],
    run: 'calm',
    inject: (forgery) => {
      const event = forgery.pick(eventsFollowed(forgery));
      if (event === undefined) return false;
      forgery.remove(event.at);
      return true;
    },
  },
  {
    name: 'a watch event is repeated',
    found: ['watch-that-was-not-set', 'watch-without-its-change'],
    run: 'calm',
    inject: (forgery) => {
      const event = forgery.pick(forgery.events);
      if (event === undefined) return false;
      forgery.insert(event.at, event.record);
      return true;
    },
  },
  {
    name: 'a watch event comes after a reply that shows its change',
    found: ['watch-missed'],
    run: 'calm',
    inject: (forgery) => {
      const event = forgery.pick(eventsFollowed(forgery));
      const reply = forgery.answered
        .filter(
          ({ connection, told }) =>
            event !== undefined && connection === event.connection && told > event.at,
        )
        .find(({ zxid }) => event !== undefined && zxid >= event.record.zxid);
      if (event === undefined || reply === undefined) return false;
      forgery.insert(reply.told, event.record);
      forgery.remove(event.at);
      return true;
    },
  },
  {
    name: 'a watch event comes before its change',
    found: ['session-went-back', 'watch-before-its-change', 'watch-that-was-not-set'],
    run: 'calm',
    inject: (forgery) => {
      const event = forgery.pick(forgery.events);
      const reply = forgery.answered.find(
        ({ connection, told, zxid }) =>
          event !== undefined &&
          connection === event.connection &&
          told < event.at &&
          zxid < event.record.zxid,
      );
      if (event === undefined || reply === undefined) return false;
      forgery.remove(event.at);
      forgery.insert(reply.told - 1, event.record);
      return true;
    },
  },
  {
    name: 'a watch event has the wrong type',
    found: ['watch-without-its-change', 'watch-that-was-not-set', 'watch-missed'],
    run: 'calm',
    inject: (forgery) => {
      const event = forgery.pick(
        forgery.events.filter(({ record }) => record.event === 'nodeDataChanged'),
      );
      if (event === undefined) return false;
      forgery.edit(event.at, { event: 'nodeDeleted' });
      return true;
    },
  },
  {
    name: 'a watch event names another node',
    found: ['watch-that-was-not-set', 'watch-without-its-change'],
    run: 'calm',
    inject: (forgery) => {
      const event = forgery.pick(forgery.events);
      if (event === undefined) return false;
      forgery.edit(event.at, { path: '/t/nobody' });
      return true;
    },
  },
  {
    name: 'a watch event names another zxid',
    found: ['watch-without-its-change', 'session-went-back', 'watch-before-its-change'],
    run: 'calm',
    inject: (forgery) => {
      const event = forgery.pick(forgery.events.filter(({ record }) => record.zxid > 0));
      if (event === undefined) return false;
      forgery.edit(event.at, { zxid: event.record.zxid - 1 });
      return true;
    },
  },
  {
    name: 'a watch fires that nobody set',
    // Its client may have set one there; then it fires without a change.
    found: ['watch-that-was-not-set', 'watch-without-its-change'],
    run: 'calm',
    inject: (forgery) => {
      const write = forgery.pick(forgery.writes('setData'));
      if (write === undefined) return false;
      const { client, zxid, told } = write;
      const event = { event: 'nodeDataChanged', path: '/t/m/2' } as const;
      forgery.insert(told, { type: 'event', client, time: 0, zxid, ...event });
      return true;
    },
  },
  {
    name: 'a reconnected client is not told what it missed',
    found: ['watch-not-caught-up'],
    run: 'reconnects',
    inject: (forgery) => {
      const event = forgery.pick(forgery.events.filter(({ record }) => record.zxid === -1));
      if (event === undefined) return false;
      forgery.remove(event.at);
      return true;
    },
  },
  {
    name: 'a reconnected client is told what did not happen',
    found: ['watch-that-was-not-set'],
    run: 'reconnects',
    inject: (forgery) => {
      const restore = forgery.pick(
        forgery.answered.filter(
          ({ request }) => request.op === 'setWatches' && !request.child.includes('/t/m'),
        ),
      );
      if (restore === undefined) return false;
      const event = { event: 'nodeChildrenChanged', path: '/t/m', zxid: -1 } as const;
      const { client, told } = restore;
      forgery.insert(told - 1, { type: 'event', client, time: 0, ...event });
      return true;
    },
  },
];

const orders: readonly ContractAnomaly[] = [
  {
    name: 'the zxid of a session goes back',
    found: ['session-went-back'],
    run: 'calm',
    inject: (forgery) => {
      const of = forgery.pick(
        forgery.answered.filter(({ request, seen }) => request.op === 'ping' && seen > 1),
      );
      if (of === undefined) return false;
      forgery.tell(of, {}, of.seen - 1);
      return true;
    },
  },
  {
    name: 'a server that is behind takes over a session',
    found: ['session-went-back'],
    run: 'reconnects',
    inject: (forgery) => {
      const at = forgery.pick(forgery.resumed);
      const of = forgery.answered.find(
        ({ told, client }) =>
          at !== undefined &&
          told > at.connected &&
          client === forgery.records[at.connected]?.client,
      );
      if (at === undefined || of === undefined) return false;
      forgery.edit(at.connecting, { lastZxidSeen: of.zxid + 1 });
      return true;
    },
  },
  {
    name: 'replies change places',
    found: ['reply-out-of-order'],
    run: 'calm',
    inject: (forgery) => {
      // Two requests of one client that are both under way.
      const own = forgery.pick(forgery.answered.filter(({ request }) => request.op === 'getData'));
      if (own === undefined) return false;
      const { client, asked, told, request } = own;
      const xid = 900_001;
      const { zxid, reply } = own;
      forgery.insert(asked, { type: 'request', client, time: 0, xid, request });
      forgery.insert(told, { type: 'reply', client, time: 0, xid, zxid, reply });
      return true;
    },
  },
  {
    name: 'a reply comes that was not asked for',
    found: ['reply-to-nothing'],
    run: 'calm',
    inject: (forgery) => {
      const of = forgery.pick(forgery.answered);
      if (of === undefined) return false;
      const { client, zxid, reply } = of;
      forgery.insert(of.told, { type: 'reply', client, time: 0, xid: 900_002, zxid, reply });
      return of.request.op !== 'close';
    },
  },
  {
    name: 'a sync does not bring its server up to the leader',
    found: ['sync-missed-a-write'],
    run: 'calm',
    inject: (forgery) => {
      const of = forgery.pick(
        forgery.answered.filter(
          ({ request, floor, seen, asked }) =>
            request.op === 'sync' &&
            floor > seen &&
            forgery.writes('setData').some((write) => write.asked > asked),
        ),
      );
      if (of === undefined) return false;
      forgery.tell(of, {}, of.floor - 1);
      return true;
    },
  },
  {
    name: 'a session id is given twice',
    found: ['session-id-twice', 'closed-session-resumed'],
    run: 'calm',
    inject: (forgery) => {
      const opened = forgery.records.flatMap((record, at) =>
        record.type === 'connected' ? [{ record, at }] : [],
      );
      const last = opened.at(-1);
      const first = opened[0];
      if (last === undefined || first === undefined || last === first) return false;
      forgery.edit(last.at, { session: first.record.session });
      return true;
    },
  },
  {
    name: 'a session is resumed as another',
    found: ['session-id-changed'],
    run: 'reconnects',
    inject: (forgery) => {
      const at = forgery.pick(forgery.resumed);
      if (at === undefined) return false;
      forgery.edit(at.connected, { session: '0x123' });
      return true;
    },
  },
  {
    name: 'a closed session goes on',
    found: ['answered-after-close'],
    run: 'calm',
    inject: (forgery) => {
      const of = forgery.pick(forgery.answered.filter(({ request }) => request.op === 'close'));
      if (of === undefined) return false;
      const { client, zxid, told } = of;
      const xid = 900_003;
      forgery.insert(told, { type: 'reply', client, time: 0, xid, zxid, reply: {} });
      const request = { op: 'sync', path: '/' } as const;
      forgery.insert(told, { type: 'request', client, time: 0, xid, request });
      return true;
    },
  },
];

const expiries: readonly ContractAnomaly[] = [
  {
    name: 'a session is expired before its time',
    found: ['session-expired-too-early'],
    run: 'calm',
    inject: (forgery) => {
      const of = forgery.pick(forgery.answered.filter(({ request }) => request.op === 'ping'));
      if (of === undefined) return false;
      const { time } = forgery.records[of.told] as { readonly time: number };
      forgery.expiries.push({ session: of.session, time: time + 1, node: 1 });
      return true;
    },
  },
];

export const contractAnomalies: readonly ContractAnomaly[] = [
  ...reads,
  ...writes,
  ...sequences,
  ...multis,
  ...ephemerals,
  ...watches,
  ...orders,
  ...expiries,
];
