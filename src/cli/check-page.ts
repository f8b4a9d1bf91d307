/** A verdict on a history → what its page is made of. */
import {
  asWitnessed,
  type History,
  type HistoryVerdict,
  type Model,
  type PartVerdict,
} from '../checker/index.ts';
import type {
  CheckPageInput,
  PageOperation,
  PagePart,
  PageStep,
  PageWayOut,
} from '../report/check/input.ts';

/** `History.end` of an operation that has none. */
const NEVER = 0x7fffffff;
const MAX_STEPS = 250;
const MAX_AROUND = 80;
const MAX_STATE = 80;

export interface CheckPageParts {
  readonly title: string;
  readonly verdict: HistoryVerdict;
  readonly history: History;
  readonly model: Model;
  readonly cpuMs: number;
}

export function checkPageInput(parts: CheckPageParts): CheckPageInput {
  const { title, verdict, history, model, cpuMs } = parts;
  const words = new Words(history, model);
  return {
    title,
    cpuMs,
    model: verdict.model,
    verdict: verdict.verdict,
    operations: verdict.operations,
    steps: verdict.steps,
    parts: verdict.parts.map((part) => pagePart(part, words)),
  };
}

class Words {
  readonly history: History;
  readonly model: Model;

  constructor(history: History, model: Model) {
    this.history = history;
    this.model = model;
  }

  text(row: number): string {
    return this.model.describe(this.history.op(row));
  }

  operation(row: number): PageOperation {
    const { process, start } = this.history;
    const end = this.endOf(row);
    return {
      row,
      process: process[row] as number,
      text: this.text(row),
      start: start[row] as number,
      end: end === NEVER ? null : end,
    };
  }

  endOf(row: number): number {
    return this.history.end[row] as number;
  }

  state(state: unknown): string {
    const named: unknown = this.model.identify?.(state) ?? state;
    const text = typeof named === 'string' ? named : (JSON.stringify(named) ?? '');
    return text.length > MAX_STATE ? `${text.slice(0, MAX_STATE - 1)}…` : text;
  }
}

function pagePart(part: PartVerdict, { history, model }: Words): PagePart {
  const isBad = part.verdict === 'non-linearizable';
  const words = new Words(isBad ? asWitnessed(history, part.violation) : history, model);
  const { key, engine, operations, crashed, steps } = part;
  const common = { key, engine, operations, crashed, steps };
  switch (part.verdict) {
    case 'linearizable': {
      const order = stepsOf(part.order, words);
      const leftOut = leftOutOf(key, part.order, words);
      const orderLength = part.order.length;
      return { ...common, verdict: 'linearizable', order, orderLength, leftOut };
    }
    case 'non-linearizable': {
      const { reasons, explanation, witness, blocked } = part.violation;
      const core = explanation?.core ?? [];
      const due = explanation?.blocked ?? blocked;
      const isProjected = witness !== undefined;
      return {
        ...common,
        verdict: 'non-linearizable',
        // A fast path's reason is about values; the search's is about the operation that is due.
        reasons: isProjected
          ? reasons
          : reasons.map((reason) => `${words.text(blocked)}: ${reason}`),
        blocked: due,
        core: core.map((row) => words.operation(row)),
        around: around(core, explanation?.prefix ?? [], words),
        waysOut: (explanation?.waysOut ?? []).map((way): PageWayOut => {
          const order = way.order.map((row) => {
            return { text: words.text(row), isOfCore: core.includes(row) };
          });
          return { order, next: words.text(way.next), reason: way.reason };
        }),
        confirmedBy: explanation?.confirmedBy ?? null,
        isIrreducible: explanation?.isIrreducible ?? false,
        isProjected,
      };
    }
    case 'unknown': {
      const { cause, message, progress } = part;
      const why = causes[cause];
      return {
        ...common,
        ...progress,
        verdict: 'unknown',
        cause: message === undefined ? why : `${why}: ${message}`,
      };
    }
  }
}

const causes: Readonly<Record<Extract<PartVerdict, { verdict: 'unknown' }>['cause'], string>> = {
  steps: 'The budget of steps ended',
  bytes: 'The budget of memory ended',
  deadline: 'The time was up',
  aborted: 'It was stopped',
  'model-error': 'The model threw an error',
  skipped: 'Skipped: another part had failed',
  'not-applicable': 'No fast path applies',
};

/** The beginning of the order, replayed. */
function stepsOf(order: Int32Array, words: Words): readonly PageStep[] {
  const { model, history } = words;
  let state: unknown = model.init;
  return Array.from(order.subarray(0, MAX_STEPS), (row) => {
    state = model.step(state, history.op(row));
    return { operation: words.operation(row), state: words.state(state) };
  });
}

/** Operations of the part without a place in the order, as far as the drawing reaches. */
function leftOutOf(key: string, order: Int32Array, words: Words): readonly PageOperation[] {
  const { history, model } = words;
  const drawn = order.subarray(0, MAX_STEPS);
  const last = drawn.reduce((latest, row) => Math.max(latest, history.start[row] as number), 0);
  const isPlaced = new Set(order);
  const found: PageOperation[] = [];
  for (let row = 0; row < history.count && found.length < MAX_AROUND; row++) {
    if (isPlaced.has(row) || (history.start[row] as number) > last) continue;
    const names = [history.keyOf(row), model.partition?.(history.op(row))];
    const own = names.filter((name) => name !== undefined).join('/');
    if (own === key) found.push(words.operation(row));
  }
  return found;
}

/** What ran while the core did, of the shortest beginning that fails. */
function around(
  core: readonly number[],
  prefix: readonly number[],
  words: Words,
): readonly PageOperation[] {
  const { start } = words.history;
  const from = Math.min(...core.map((row) => start[row] as number));
  const to = Math.max(...core.map((row) => finite(words.endOf(row), start[row] as number)));
  return prefix
    .filter((row) => !core.includes(row) && words.endOf(row) > from && (start[row] as number) < to)
    .slice(-MAX_AROUND)
    .map((row) => words.operation(row));
}

const finite = (end: number, otherwise: number): number => (end === NEVER ? otherwise : end);
