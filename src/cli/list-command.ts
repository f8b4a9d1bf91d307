/** `umpire list`: what can be run, injected, checked, reached and broken. */
import { workloads } from '../../workloads/index.ts';
import { faultKinds, faultKindsNamed, goalNames } from '../harness/index.ts';
import { readZoo } from '../systems/zoo.ts';
import { unknownName } from './arguments.ts';
import { checkerTable } from './checker-table.ts';
import { faultFamilies } from './run-request.ts';
import type { Shell } from './shell.ts';

type Row = readonly [name: string, title: string];

const topics: Readonly<Record<string, () => readonly Row[]>> = {
  workloads: () => [...workloads.values()].map(({ name, title }) => [name, title] as const),
  nemeses: () => [
    ...[...faultKinds.values()].map(({ name, title }) => [name, title] as const),
    ...families(),
  ],
  checkers: () => checkerTable,
  goals: () => goalNames(workloads.values()).map((name) => [name, ''] as const),
  zoo: () => [...readZoo().values()].map(({ id, title }) => [id, title] as const),
};

function families(): Row[] {
  return faultFamilies().map((name) => {
    const kinds = faultKindsNamed(name) ?? [];
    return [name, `family: ${kinds.map((kind) => kind.name).join(', ')}`] as const;
  });
}

export function listCommand(topic: string | undefined, shell: Shell): number {
  if (topic !== undefined && !(topic in topics)) {
    throw unknownName(topic, 'list', Object.keys(topics));
  }
  const wanted = Object.entries(topics).filter(([name]) => topic === undefined || name === topic);
  const found = wanted.map(([name, rowsOf]) => [name, rowsOf()] as const);
  for (const [name, rows] of found) {
    const width = Math.max(...rows.map(([row]) => row.length));
    shell.print(`${name}`);
    for (const [row, title] of rows) shell.print(`  ${row.padEnd(width)}  ${title}`.trimEnd());
    shell.print('');
  }
  shell.printJson(
    Object.fromEntries(
      found.map(([name, rows]) => [name, rows.map(([row, title]) => ({ name: row, title }))]),
    ),
  );
  return 0;
}
