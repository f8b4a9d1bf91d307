/** Message charts: a step that takes a message off a channel is drawn as its arrow. */
import { type Action, type Arrow, Impossible, type Params } from '../../kernel/model.ts';
import type { Txn, Zxid } from './history.ts';

interface Message {
  readonly type: string;
  readonly epoch?: number | null;
  readonly zxid?: Zxid;
  readonly txn?: Txn;
  readonly value?: number;
}
interface Channels {
  readonly messages: Readonly<Record<string, Readonly<Record<string, readonly Message[]>>>>;
}

/** These actions, with a chart each. */
export function charted<S extends Channels>(
  actions: Readonly<Record<string, Action<S>>>,
): Readonly<Record<string, Action<S>>> {
  const entries = Object.entries(actions).map(([name, action]) => {
    const chart = (s: S, params: Params): readonly Arrow[] => {
      const arrows = takenBetween(s, afterOf(action, s, params));
      return arrows.length > 0 ? arrows : notes(name, params);
    };
    return [name, { chart, ...action }] as const;
  });
  return Object.fromEntries(entries);
}

/** The last step of a counterexample may be one that cannot be taken. */
function afterOf<S>(action: Action<S>, s: S, params: Params): S {
  try {
    return action.next(s, params);
  } catch (thrown) {
    if (thrown instanceof Impossible) return s;
    throw thrown;
  }
}

function takenBetween(before: Channels, after: Channels): readonly Arrow[] {
  return Object.entries(before.messages).flatMap(([from, row]) =>
    Object.entries(row).flatMap(([to, queue]) => {
      const [head] = queue;
      const now = after.messages[from]?.[to] ?? [];
      const isTaken = head !== undefined && queue[1] === now[0] && queue.length > now.length;
      return isTaken && now.length === queue.length - 1 ? [{ from, to, text: textOf(head) }] : [];
    }),
  );
}

function notes(name: string, params: Params): readonly Arrow[] {
  return typeof params.i === 'string' ? [{ from: params.i, text: name }] : [];
}

function textOf({ type, epoch, zxid, txn, value }: Message): string {
  const named = txn?.zxid ?? zxid;
  const parts = [
    epoch === undefined ? [] : [`epoch ${epoch ?? 'known'}`],
    named === undefined ? [] : [`${named[0]}.${named[1]}`],
    value === undefined && txn === undefined ? [] : [`= ${txn?.value ?? value}`],
  ];
  return [type, ...parts.flat()].join(' ');
}
