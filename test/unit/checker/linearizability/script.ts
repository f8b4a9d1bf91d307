/**
 * Histories as short texts: `0> write 1` asks, `0< 7` is answered, `0!` failed, `0?` crashed, a semicolon
 * between. Values are JSON.
 */
import { HistoryBuilder } from '../../../../src/checker/history/builder.ts';
import type { History } from '../../../../src/checker/history/columns.ts';

const types = { '<': 'ok', '!': 'fail', '?': 'info' } as const;

export function scripted(text: string): History {
  const builder = new HistoryBuilder();
  const asked = new Map<number, string>();
  for (const part of text.split(/[;\n]/)) {
    const match = /^\s*(\d+)([><!?])\s*(.*?)\s*$/.exec(part);
    if (match === null) {
      if (part.trim() !== '') throw new Error(`no event: ${part}`);
      continue;
    }
    const [, number, mark, rest = ''] = match;
    const process = Number(number);
    if (mark === '>') {
      const [f = '', ...value] = rest.split(' ');
      asked.set(process, f);
      const input: unknown = value.length === 0 ? null : JSON.parse(value.join(' '));
      builder.push({ process, type: 'invoke', f, value: input });
      continue;
    }
    const type = types[mark as keyof typeof types];
    const value: unknown = rest === '' ? null : JSON.parse(rest);
    builder.push({ process, type, f: asked.get(process) as string, value });
  }
  return builder.build();
}
