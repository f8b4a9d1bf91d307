/**
 * The checkers of the workloads are tested by mutation: good runs pass, and each anomaly of the catalogue,
 * put into the history of a good run, is found by its name.
 */
import { describe, expect, test } from 'vitest';
import { formatHex, parseHex } from '../../src/base/zxid.ts';
import type { HistoryEntry } from '../../src/checker/history.ts';
import type { Evidence } from '../../src/harness/evidence.ts';
import { generatePlan } from '../../src/harness/generator.ts';
import { runSimulated } from '../../src/harness/run.ts';
import type { Workload } from '../../src/harness/workload.ts';
import { Server } from '../../src/server/core/server.ts';
import { workloads } from '../../workloads/index.ts';

type Entry = { -readonly [K in keyof HistoryEntry]: HistoryEntry[K] };
type Value = Record<string, unknown>;
interface View {
  state: Value & { children?: string[] };
  zxid: string;
  confirmed?: string;
}
interface Anomaly {
  readonly workload: string;
  readonly name: string;
  readonly found: string;
  /** False where the run has no place for it. */
  readonly inject: (history: Entry[]) => boolean;
}

const goodRuns = new Map<string, readonly Evidence[]>();

/** A few seeds: not every run has a place for every anomaly. */
function goodRunsOf(name: string): readonly Evidence[] {
  const known = goodRuns.get(name);
  if (known !== undefined) return known;
  const workload = workloads.get(name) as Workload;
  const runs = ['1', '2'].map((seed) => {
    const plan = generatePlan({
      seed,
      workload,
      nemesis: [seed === '1' ? 'none' : 'partition-one'],
      nodes: 3,
      concurrency: 4,
      timeLimitMs: 5000,
      world: 'simulation',
    });
    const makeServer = (config: ConstructorParameters<typeof Server>[0]) => new Server(config);
    const settings = { makeServer, now: () => 0, commit: null };
    return runSimulated(plan, workload, settings).evidence;
  });
  goodRuns.set(name, runs);
  return runs;
}

const hex = (text: unknown): bigint => parseHex(String(text)) ?? -1n;
const valueOf = (entry: Entry): Value => entry.value as Value;
const viewsOf = (entry: Entry): View[] => valueOf(entry).views as View[];
const ok = (history: Entry[], ...fs: string[]): Entry[] =>
  history.filter(({ type, f }) => type === 'ok' && fs.includes(f));
const views = (history: Entry[]): View[] => ok(history, 'watch').flatMap(viewsOf);
const invocationOf = (history: Entry[], { op, process }: Entry): Entry =>
  history.find(
    (entry) => entry.type === 'invoke' && entry.op === op && entry.process === process,
  ) as Entry;

/** Changes what `pick` finds; false where it finds nothing. */
function edit<T>(found: T | undefined, change: (item: T) => void): boolean {
  if (found !== undefined) change(found);
  return found !== undefined;
}

const exactWithdrawals = (history: Entry[]): Entry[] =>
  ok(history, 'withdraw').filter((entry) => valueOf(entry).isExact === true);

/** A provider that was registered and withdrawn in between lived up to the withdrawal. */
function livedUntil(history: Entry[]): { name: string; from: bigint; until: bigint }[] {
  return exactWithdrawals(history).flatMap((entry) => {
    const { name } = valueOf(entry);
    const entered = ok(history, 'register').find((other) => valueOf(other).name === name);
    if (entered === undefined) return [];
    return [{ name: String(name), from: hex(entered.zxid), until: hex(entry.zxid) }];
  });
}

const registration: readonly Omit<Anomaly, 'workload'>[] = [
  {
    name: 'a list names a provider that has withdrawn',
    found: 'dead-provider-listed',
    inject: (history) =>
      exactWithdrawals(history).some((entry) =>
        edit(
          views(history).find(({ zxid }) => hex(zxid) >= hex(entry.zxid)),
          ({ state }) => state.children?.push(String(valueOf(entry).name)),
        ),
      ),
  },
  {
    name: 'a consumer keeps a provider although it was answered from beyond its end',
    found: 'dead-provider-kept',
    inject: (history) =>
      livedUntil(history).some(({ name, until }) =>
        edit(
          views(history).find(({ state }) => state.children?.includes(name)),
          (view) => {
            view.confirmed = formatHex(until);
          },
        ),
      ),
  },
  {
    name: 'a list lacks a provider that lives',
    found: 'live-provider-missing',
    inject: (history) =>
      livedUntil(history).some(({ name, from, until }) =>
        edit(
          views(history).find(({ zxid }) => hex(zxid) >= from && hex(zxid) < until),
          ({ state }) => state.children?.splice(state.children.indexOf(name), 1),
        ),
      ),
  },
  {
    name: 'a consumer is not told of a new provider before it is answered from beyond',
    found: 'new-provider-not-told',
    inject: (history) =>
      livedUntil(history).some(({ from, until }) =>
        edit(
          views(history).find(({ zxid }) => hex(zxid) < from && from < until),
          (view) => {
            view.confirmed = formatHex(from);
          },
        ),
      ),
  },
  {
    name: 'a list names somebody who never registered',
    found: 'provider-from-nowhere',
    inject: (history) => edit(views(history).at(-1), ({ state }) => state.children?.push('ghost')),
  },
  {
    name: 'a provider goes while its session lives',
    found: 'provider-vanished',
    inject: (history) =>
      edit(exactWithdrawals(history).at(-1), (entry) => {
        entry.type = 'fail';
        entry.error = 'NoNode';
      }),
  },
];

const configuration: readonly Omit<Anomaly, 'workload'>[] = [
  {
    name: 'what is read is older than its zxid',
    found: 'stale-view',
    inject: (history) => {
      const [first, second] = ok(history, 'publish').filter(({ key }) => key === '/config/limits');
      const later = ok(history, 'watch')
        .filter(({ key }) => key === '/config/limits')
        .flatMap(viewsOf)
        .find(({ zxid }) => hex(zxid) >= hex(second?.zxid));
      return edit(later, ({ state }) => {
        state.value = first?.value;
        state.mzxid = first?.zxid;
      });
    },
  },
  {
    name: 'a watcher is answered from beyond a change that it was not told of',
    found: 'change-not-told',
    inject: (history) =>
      ok(history, 'publish').some((entry) =>
        edit(
          ok(history, 'watch')
            .filter(({ key }) => key === entry.key)
            .flatMap(viewsOf)
            .find(({ zxid }) => hex(zxid) < hex(entry.zxid)),
          (view) => {
            view.confirmed = entry.zxid as string;
          },
        ),
      ),
  },
  {
    name: 'a value that nobody published',
    found: 'value-from-nowhere',
    inject: (history) =>
      edit(views(history).at(-1), ({ state }) => {
        state.value = 'phantom';
      }),
  },
  {
    name: 'a publication that was refused is seen',
    found: 'refused-write-visible',
    inject: (history) =>
      edit(
        ok(history, 'publish').find(({ value }) =>
          views(history).some(({ state }) => state.value === value),
        ),
        (entry) => {
          entry.type = 'fail';
        },
      ),
  },
];

const queue: readonly Omit<Anomaly, 'workload'>[] = [
  {
    name: 'two takers get one item',
    found: 'item-delivered-twice',
    inject: (history) => {
      const [first, second] = ok(history, 'take');
      return edit(second, (entry) => {
        entry.value = first?.value;
      });
    },
  },
  {
    name: 'an item is lost',
    found: 'item-lost',
    inject: (history) =>
      edit(ok(history, 'take').at(-1), (entry) => {
        entry.type = 'fail';
        entry.error = 'Empty';
        delete entry.value;
      }),
  },
  {
    name: 'a later item leaves first',
    found: 'item-out-of-order',
    inject: (history) => {
      const [first, second] = ok(history, 'take');
      return edit(second, (entry) => {
        [entry.value, (first as Entry).value] = [first?.value, entry.value];
      });
    },
  },
  {
    name: 'an item that nobody put',
    found: 'item-from-nowhere',
    inject: (history) =>
      edit(ok(history, 'take')[0], (entry) => {
        entry.value = { ...valueOf(entry), value: 'phantom' };
      }),
  },
  {
    name: 'an item that was taken stays',
    found: 'taken-item-still-queued',
    inject: (history) =>
      edit(ok(history, 'final-children')[0], (entry) => {
        const { name } = valueOf(ok(history, 'take')[0] as Entry);
        entry.value = { ...valueOf(entry), children: [name] };
      }),
  },
];

const ofOneSource = (history: Entry[]): Entry[] =>
  ok(history, 'next-id').filter(({ key }) => key === '/ids/users');

const uniqueIds: readonly Omit<Anomaly, 'workload'>[] = [
  {
    name: 'an id is given twice',
    found: 'duplicate-id',
    inject: (history) => {
      const [first, second] = ofOneSource(history);
      return edit(second, (entry) => {
        entry.value = first?.value;
      });
    },
  },
  {
    name: 'ids do not follow their zxids',
    found: 'ids-against-zxids',
    inject: (history) => {
      const [first, second] = ofOneSource(history);
      return edit(second, (entry) => {
        [entry.zxid, (first as Entry).zxid] = [first?.zxid ?? '', entry.zxid ?? ''];
      });
    },
  },
  {
    name: 'who asks later gets a smaller id',
    found: 'ids-against-time',
    inject: (history) => {
      const [first] = ofOneSource(history);
      const last = ofOneSource(history).at(-1);
      return edit(last, (entry) => {
        [entry.value, (first as Entry).value] = [first?.value, entry.value];
      });
    },
  },
];

const election: readonly Omit<Anomaly, 'workload'>[] = [
  {
    name: 'a leader acts after the next one was recorded',
    found: 'deposed-leader-acted',
    inject: (history) =>
      ok(history, 'act').some((entry) => {
        const next = ok(history, 'campaign').find(({ zxid }) => hex(zxid) > hex(entry.zxid));
        if (next === undefined) return false;
        entry.zxid = formatHex(hex(next.zxid) + 1n);
        return true;
      }),
  },
  {
    name: 'a leader is recorded under an older token',
    found: 'record-order',
    inject: (history) => {
      const [first, second] = ok(history, 'campaign');
      return edit(second, (entry) => {
        const older = formatHex(hex(valueOf(first as Entry).token) - 1n);
        entry.value = { ...valueOf(entry), token: older };
      });
    },
  },
  {
    name: 'who asks is told of an older leader',
    found: 'stale-leader',
    inject: (history) => {
      const [first] = ok(history, 'leader').filter((entry) => valueOf(entry).value !== null);
      return edit(ok(history, 'leader').at(-1), (entry) => {
        entry.value = { ...valueOf(entry), value: valueOf(first as Entry).value };
      });
    },
  },
  {
    name: 'who asks is told of somebody who never stood',
    found: 'leader-from-nowhere',
    inject: (history) =>
      edit(ok(history, 'leader').at(-1), (entry) => {
        const [, token] = String(valueOf(entry).value).split(' ');
        entry.value = { ...valueOf(entry), value: `stranger ${token}` };
      }),
  },
  {
    name: 'two leaders are proven to lead at once',
    found: 'granted-twice',
    inject: (history) =>
      ok(history, 'resign').some((entry) => {
        // The next leader, who waits already, is answered before this one asks to resign.
        const asked = invocationOf(history, entry);
        const next = ok(history, 'campaign').find(({ index }) => index > entry.index);
        if (next === undefined || invocationOf(history, next).index > asked.index) return false;
        history.splice(history.indexOf(next), 1);
        history.splice(history.indexOf(asked), 0, next);
        next.time = asked.time;
        for (const [index, moved] of history.entries()) moved.index = index;
        return true;
      }),
  },
];

const lists: readonly (readonly [string, readonly Omit<Anomaly, 'workload'>[]])[] = [
  ['registration', registration],
  ['configuration', configuration],
  ['queue', queue],
  ['unique-ids', uniqueIds],
  ['election', election],
];
const anomalies = lists.flatMap(([workload, own]) => own.map((item) => ({ ...item, workload })));

function kindsOf(workload: string, evidence: Evidence): string[] {
  const results = (workloads.get(workload) as Workload).check(evidence);
  return results.flatMap((result) => result.anomalies.map(({ kind }) => kind));
}

describe('anomalies of the workloads', () => {
  test.each(lists.map(([workload]) => workload))('%s: good runs have none', (workload) => {
    for (const evidence of goodRunsOf(workload)) expect(kindsOf(workload, evidence)).toEqual([]);
  });

  test.each(anomalies)('$workload: $name', ({ workload, found, inject }) => {
    let injected = 0;
    for (const evidence of goodRunsOf(workload)) {
      const history = structuredClone(evidence.history) as Entry[];
      if (!inject(history)) continue;
      injected++;
      expect(kindsOf(workload, { ...evidence, history })).toContain(found);
    }
    expect(injected).toBeGreaterThan(0);
  });
});
