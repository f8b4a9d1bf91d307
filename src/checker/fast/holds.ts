/**
 * Locks and semaphores whose every process releases what it acquired. From the end of its acquire to the
 * start of its release a process certainly holds; acquiring as late and releasing as early as possible is
 * best for everybody at once. So the history is good exactly when certain holds never exceed the permits,
 * and never overlap a writer's.
 */
import { type History, NEVER, Outcome } from '../history/columns.ts';
import { type FastPath, type FastResult, notApplicable, violation } from './fast-path.ts';

export function holds(options: { readonly permits: number }): FastPath {
  return { name: 'holds', check: (history) => checkHolds(history, options.permits) };
}

interface Hold {
  readonly acquire: number;
  readonly isWriter: boolean;
  release: number | undefined;
}

/** Who acquires what: the ending of the name tells the kind. */
const kinds: ReadonlyMap<string, readonly ['acquire' | 'release', isWriter: boolean]> = new Map([
  ['acquire', ['acquire', false]],
  ['release', ['release', false]],
  ['acquire-read', ['acquire', false]],
  ['release-read', ['release', false]],
  ['acquire-write', ['acquire', true]],
  ['release-write', ['release', true]],
]);

function checkHolds(history: History, permits: number): FastResult {
  const found = holdsOf(history);
  if (typeof found === 'string') return notApplicable(found);
  // The moment of each operation: an acquire's end, a release's start.
  const events = found.flatMap((hold) => {
    const acquired = { at: history.end[hold.acquire] as number, op: hold.acquire, hold, by: 1 };
    if (hold.release === undefined) return [acquired];
    const at = history.start[hold.release] as number;
    return [acquired, { at, op: hold.release, hold, by: -1 }];
  });
  events.sort((a, b) => a.at - b.at);
  const holding = new Set<Hold>();
  let writer: Hold | undefined;
  for (const { hold, by } of events) {
    if (by < 0) {
      holding.delete(hold);
      if (writer === hold) writer = undefined;
      continue;
    }
    const isCrowded = hold.isWriter ? holding.size > 0 : writer !== undefined;
    holding.add(hold);
    if (hold.isWriter) writer ??= hold;
    if (isCrowded || holding.size > permits) return overlap(history, hold, holding, permits);
  }
  const order = Int32Array.from(events, ({ op }) => op);
  return { verdict: 'linearizable', order };
}

function holdsOf(history: History): Hold[] | string {
  const { count, process, outcome, end, dictionaries } = history;
  const found: Hold[] = [];
  const open = new Map<number, Hold>();
  for (let op = 0; op < count; op++) {
    if (outcome[op] === Outcome.fail) continue;
    const name = dictionaries.names.list[history.f[op] as number] as string;
    const kind = kinds.get(name);
    if (kind === undefined) return `${name} is neither an acquire nor a release`;
    const [what, isWriter] = kind;
    const who = process[op] as number;
    const hold = open.get(who);
    if (what === 'release') {
      if (hold === undefined || hold.isWriter !== isWriter) {
        return `process ${who} releases what it did not acquire`;
      }
      hold.release = op;
      open.delete(who);
    } else if (hold !== undefined) {
      return `process ${who} acquires twice`;
    } else if (end[op] !== NEVER) {
      const acquired = { acquire: op, isWriter, release: undefined };
      open.set(who, acquired);
      found.push(acquired);
    }
  }
  return found;
}

function overlap(
  history: History,
  last: Hold,
  holding: ReadonlySet<Hold>,
  permits: number,
): FastResult {
  const others = [...holding].filter((hold) => hold !== last);
  const isByWriter = last.isWriter || others.some((hold) => hold.isWriter);
  const against = isByWriter
    ? [others.find((hold) => hold.isWriter) ?? (others[0] as Hold)]
    : others;
  const involved = [...against, last];
  const rows = involved.flatMap(({ acquire, release }) =>
    release === undefined ? [acquire] : [acquire, release],
  );
  const who = involved.map(({ acquire }) => history.process[acquire]);
  const limit = isByWriter ? 'one of them as a writer' : `${permits} allowed`;
  const why = `processes ${who.join(' and ')} certainly held it at the same time, ${limit}`;
  return violation(history, rows, why);
}
