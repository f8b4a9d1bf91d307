/**
 * The one picture of the tolerance report: for the model and for each world a staircase of sizes and numbers
 * of crashed servers. Sizes 2n − 1 and 2n share a band and the line behind which nobody is served, so that
 * the steps are two rows high where both tolerate the same.
 */
import type { TableCell, ToleranceTable } from '../../harness/tolerance/index.ts';
import { type Html, html } from '../html.ts';

const CELL = 24;
const STEP = 29;
const LEFT = 76;
const TOP = 40;
const BAND_GAP = 9;
const RIGHT = 6;

export function staircases(tables: readonly ToleranceTable[]): Html {
  const cells = tables.flatMap((table) => table.cells);
  const sizes = [...new Set(cells.map(({ size }) => size))].sort((a, b) => a - b);
  const [model] = tables;
  return html`<div class="staircases">${tables.map((table) => staircase(table, model, sizes))}</div>`;
}

function staircase(
  table: ToleranceTable,
  model: ToleranceTable | undefined,
  sizes: readonly number[],
): Html {
  const most = Math.max(...sizes, 1);
  const width = LEFT + most * STEP + RIGHT;
  const height = rowY(sizes, sizes.length - 1) + STEP + 6;
  const shown = sizes.filter((size) => table.cells.some((cell) => cell.size === size));
  return html`<figure><figcaption><b>${table.source}</b>${caption(table)}</figcaption>
<svg viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" aria-label="${describe(table)}">
<text class="axis" x="${LEFT}" y="13">servers crashed</text>
${Array.from(
  { length: most },
  (_, crashed) =>
    html`<text class="axis" text-anchor="middle" x="${LEFT + crashed * STEP + CELL / 2}" y="31">${crashed}</text>`,
)}
${sizes.map((size, row) => band(sizes, size, row, width))}
${sizes.map(
  (size, row) =>
    html`<text x="8" y="${rowY(sizes, row) + CELL / 2 + 5}">${size} ${size === 1 ? 'server' : 'servers'}</text>`,
)}
${table.cells.map((cell) => square(cell, model, sizes))}
${shown.map((size) => edge(table, sizes, size))}
</svg></figure>`;
}

function caption({ source, cells }: ToleranceTable): Html {
  if (source === 'model') return html`<span>who must be served</span>`;
  const tried = cells.reduce((sum, cell) => sum + cell.tried, 0);
  return html`<span>${tried} patterns of crashes observed</span>`;
}

/** Rows of one pair stand close together. */
function rowY(sizes: readonly number[], row: number): number {
  const pairs = new Set(sizes.slice(0, row + 1).map(pairOf));
  return TOP + row * STEP + (pairs.size - 1) * BAND_GAP;
}

const pairOf = (size: number): number => Math.ceil(size / 2);

function band(sizes: readonly number[], size: number, row: number, width: number): Html {
  const isFirst = row === 0 || pairOf(sizes[row - 1] as number) !== pairOf(size);
  if (!isFirst) return html``;
  const rows = sizes.filter((other) => pairOf(other) === pairOf(size)).length;
  const y = rowY(sizes, row) - 4;
  return html`<rect class="band" x="1" y="${y}" width="${width - 2}" height="${rows * STEP + 3}" rx="7"/>`;
}

function square(
  cell: TableCell,
  model: ToleranceTable | undefined,
  sizes: readonly number[],
): Html {
  const { size, crashed, outcome, tried, withLeader } = cell;
  const x = LEFT + crashed * STEP;
  const y = rowY(sizes, sizes.indexOf(size));
  const told = model?.cells.find((one) => one.size === size && one.crashed === crashed);
  const differs = told !== undefined && told.outcome !== outcome ? ' differs' : '';
  const title = `${crashed} of ${size} crashed: ${outcome}; ${tried} tried, ${withLeader} with the leader`;
  return html`<g class="cell ${outcome}${differs}" transform="translate(${x} ${y})"><title>${title}</title>
<rect width="${CELL}" height="${CELL}" rx="5"/>${mark(outcome)}</g>`;
}

function mark(outcome: TableCell['outcome']): Html {
  switch (outcome) {
    case 'served':
      return html`<path d="M7 12.5l3.6 3.6L17.5 8.5"/>`;
    case 'refused':
      return html`<path d="M8 12h8"/>`;
    case 'mixed':
      return html`<text x="12" y="17" text-anchor="middle">≠</text>`;
    case 'unclear':
      return html`<text x="12" y="17" text-anchor="middle">?</text>`;
  }
}

/** The line behind the last number of crashes that is served. */
function edge({ tolerates }: ToleranceTable, sizes: readonly number[], size: number): Html {
  const tolerated = tolerates.find((one) => one.size === size)?.crashed;
  if (tolerated === null || tolerated === undefined) return html``;
  const row = sizes.indexOf(size);
  const x = LEFT + (tolerated + 1) * STEP - (STEP - CELL) / 2;
  const y = rowY(sizes, row) - 4;
  return html`<path class="edge" d="M${x} ${y}v${STEP + 3}"/>`;
}

function describe({ source, tolerates }: ToleranceTable): string {
  const parts = tolerates.map(
    ({ size, crashed }) => `${size} servers tolerate ${crashed ?? 'none'}`,
  );
  return `${source}: ${parts.join(', ')}`;
}

/** Groups that cannot reach each other, each with what became of it. */
export function cutPictures(tables: readonly ToleranceTable[]): Html {
  if (tables.every(({ cuts }) => cuts.length === 0)) return html``;
  const rows = tables.flatMap(({ source, cuts }) =>
    cuts.map(
      ({ groups, hadLeader }) =>
        html`<tr><th scope="row">${source}</th><td><span class="cut">${groups.map(
          ({ servers, outcome }, index) =>
            html`${index === 0 ? '' : html`<span class="gap" aria-label="cut"></span>`}<span class="side ${outcome}">${'●'.repeat(
              servers,
            )} <b>${outcome}</b>${source !== 'model' && index === hadLeader ? ' led before' : ''}</span>`,
        )}</span></td></tr>`,
    ),
  );
  return html`<h3>Cut in two, nobody crashed: two data centres</h3><div class="scroll"><table class="compact"><tbody>${rows}</tbody></table></div>`;
}

export const pictureStyle = `
.staircases{display:flex;flex-wrap:wrap;gap:18px 26px}
.staircases figure{margin:0}
.staircases figcaption{display:flex;gap:10px;align-items:baseline;margin:0 0 6px}
.staircases figcaption span{color:var(--quiet);font-size:13px}
.staircases svg{max-width:100%;height:auto;display:block}
.staircases text{fill:var(--ink);font-size:13px}
.staircases .axis{fill:var(--quiet);font-size:12px}
.staircases .band{fill:color-mix(in srgb,var(--quiet) 9%,var(--panel))}
.cell rect{stroke-width:1.5;stroke:var(--quiet);fill:var(--panel)}
.cell path{fill:none;stroke:var(--quiet);stroke-width:2.2;stroke-linecap:round;stroke-linejoin:round}
.cell.served rect{fill:var(--pass);stroke:var(--pass)}
.cell.served path{stroke:var(--panel)}
.cell.refused rect{stroke-dasharray:3 2.5}
.cell.unclear rect,.cell.mixed rect{stroke:var(--unknown)}
.cell.differs rect{stroke:var(--violation);stroke-width:3;stroke-dasharray:none}
.staircases .edge{fill:none;stroke:var(--ink);stroke-width:3;stroke-linecap:square}
.cut{display:inline-flex;align-items:center}
.cut .side{padding:3px 12px;border:1.5px dashed var(--quiet);border-radius:6px}
.cut .side.served{border:1.5px solid var(--pass);color:var(--pass)}
.cut .gap{width:26px;border-top:2px dotted var(--quiet);margin:0 4px}
`;
