/** Objects that are appended to. */
import { appends } from '../fast/appends.ts';
import type { Op } from '../history/columns.ts';
import type { Model } from '../linearizability/model.ts';

const show = (value: unknown): string => (value === undefined ? '?' : JSON.stringify(value));

const describe = (op: Op): string => {
  const ending = op.outcome === 'ok' ? '' : ` (${op.outcome})`;
  const isRead = op.f === 'read' || op.f === 'get';
  if (!isRead) return `${op.f} ${show(op.input)}${ending}`;
  return op.outcome === 'ok' ? `${op.f} → ${show(op.output)}` : `${op.f}${ending}`;
};

/** A key's text: `put` value, `append` value, `get` → the text. */
export function kvModel(options: { readonly init?: string } = {}): Model<string> {
  const { init = '' } = options;
  return {
    name: 'kv',
    init,
    step: (text, op) => {
      switch (op.f) {
        case 'put':
          return op.input as string;
        case 'append':
          return text + (op.input as string);
        case 'get':
          return op.outcome === 'info' || (op.output ?? '') === text ? text : undefined;
        default:
          return undefined;
      }
    },
    pure: (op) => op.f === 'get' || (op.f === 'append' && op.input === ''),
    overwrites: (later, earlier) =>
      later.f === 'put' && (earlier.f === 'put' || earlier.f === 'append'),
    fastPaths: init === '' ? [appends('text', { read: 'get', append: 'append', put: 'put' })] : [],
    describe,
    reason: (text, op) => `the text is ${show(text)}, not ${show(op.output)}`,
  };
}

/** A list: `append` value, `read` → the list. */
export function appendListModel(): Model<readonly unknown[]> {
  const isSame = (a: readonly unknown[], b: readonly unknown[]): boolean =>
    a.length === b.length && a.every((value, at) => value === b[at]);
  const answer = (op: Op): readonly unknown[] => (op.output ?? []) as readonly unknown[];
  return {
    name: 'append-list',
    init: [],
    step: (list, op) => {
      if (op.f === 'append') return [...list, op.input];
      if (op.f !== 'read') return undefined;
      return op.outcome === 'info' || isSame(answer(op), list) ? list : undefined;
    },
    pure: (op) => op.f === 'read',
    impossible: (list, op) =>
      op.f === 'read' &&
      op.outcome === 'ok' &&
      !list.every((value, at) => value === answer(op)[at]),
    fastPaths: [appends('list', { read: 'read', append: 'append' })],
    describe,
    reason: (list, op) => `the list is ${show(list)}, not ${show(op.output)}`,
  };
}
