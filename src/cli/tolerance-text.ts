/** The tolerance tables as a terminal shows them: worlds side by side, one row a size. */
import type { TableCell, ToleranceTable } from '../harness/tolerance/index.ts';

const signs: Readonly<Record<TableCell['outcome'], string>> = {
  served: '●',
  refused: '○',
  unclear: '?',
  mixed: '!',
};

export function toleranceText(tables: readonly ToleranceTable[]): string {
  const cells = tables.flatMap((table) => table.cells);
  const sizes = [...new Set(cells.map(({ size }) => size))].sort((a, b) => a - b);
  const width = Math.max(0, ...cells.map(({ crashed }) => crashed)) + 1;
  const columns = Array.from({ length: width }, (_, crashed) => crashed);
  const column = Math.max(2 * width + 1, 13);
  const lines = [
    `         ${tables.map(({ source }) => source.padEnd(column)).join('')}`,
    `crashed  ${tables.map(() => columns.join(' ').padEnd(column)).join('')}tolerated`,
  ];
  for (const size of sizes) {
    const rows = tables.map((table) =>
      columns
        .map((crashed) => signOf(table, size, crashed))
        .join(' ')
        .padEnd(column),
    );
    const tolerated = tables.map(({ tolerates }) => {
      const row = tolerates.find((one) => one.size === size);
      return row === undefined ? '–' : String(row.crashed ?? '–');
    });
    lines.push(`of ${size}     ${rows.join('')}${tolerated.join(' ')}`);
  }
  lines.push(
    '',
    '● served   ○ every server answered that it is not serving   ! differs   ? unclear',
  );
  for (const { source, cuts } of tables) {
    for (const { groups, hadLeader } of cuts) {
      const sides = groups.map(({ servers, outcome }, index) => {
        const leads = source !== 'model' && index === hadLeader ? ' (led)' : '';
        return `${servers}${leads} ${outcome}`;
      });
      lines.push(`${source.padEnd(11)} cut in two: ${sides.join(' | ')}`);
    }
  }
  return lines.join('\n');
}

function signOf({ cells }: ToleranceTable, size: number, crashed: number): string {
  if (crashed >= size) return ' ';
  const cell = cells.find((one) => one.size === size && one.crashed === crashed);
  return cell === undefined ? '·' : signs[cell.outcome];
}
