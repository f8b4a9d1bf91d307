/** Verdicts in words and as JSON. */
import { type History, NEVER } from '../history/columns.ts';
import type { HistoryVerdict, PartVerdict, Violation } from './decide.ts';
import { drawOperations } from './draw.ts';
import type { CoreExplanation } from './explain.ts';
import type { Model } from './model.ts';

/** What was found, for a person: one paragraph per part that is not linearizable or not decided. */
export function tellVerdict<State>(
  verdict: HistoryVerdict,
  history: History,
  model: Model<State>,
): string {
  const erased = model as Model;
  const count = `${verdict.operations} operations`;
  if (verdict.verdict === 'linearizable') {
    const engines = [...new Set(verdict.parts.map(({ engine }) => engine))].join(', ');
    const parts = verdict.parts.length === 1 ? '' : ` in ${verdict.parts.length} parts`;
    return `linearizable: ${count}${parts}, an order was found (${engines}) and replayed`;
  }
  const told = verdict.parts
    .filter((part) => part.verdict !== 'linearizable')
    .map((part) => tellPart(part, history, erased));
  return [`${verdict.verdict}: ${count}`, ...told].join('\n\n');
}

function tellPart(part: PartVerdict, history: History, model: Model): string {
  const where = part.key === '' ? '' : `${part.key}: `;
  if (part.verdict === 'unknown') {
    const { cause, message, progress } = part;
    const why = message === undefined ? cause : `${cause}: ${message}`;
    const far = `${progress.passed} of ${progress.total} answers`;
    return `${where}unknown (${why}) after ${part.steps} steps, ${far} passed`;
  }
  if (part.verdict === 'linearizable') return `${where}linearizable`;
  const { reasons, explanation } = part.violation;
  const lines = [`${where}not linearizable: ${reasons[0] ?? 'no order fits'}`];
  const others =
    part.violation.witness === undefined ? 'whatever the others did' : 'other values left out';
  if (explanation !== undefined) {
    const told = asWitnessed(history, part.violation);
    lines.push('', ...tellCore(explanation, told, model, others));
  }
  lines.push('', foundBy(part.engine, explanation));
  return lines.join('\n');
}

function tellCore(
  { core, waysOut }: CoreExplanation,
  history: History,
  model: Model,
  others: string,
): readonly string[] {
  const name = (row: number): string => model.describe(history.op(row));
  const lines = [
    core.length === 1
      ? `This operation is impossible, ${others}:`
      : `These ${core.length} operations contradict one another, ${others}:`,
    ...drawOperations(model, history, core).map((line) => `  ${line}`),
  ];
  if (waysOut.length > 0) lines.push('', 'No order of them is legal:');
  for (const { order, next, reason } of waysOut) {
    // The core is what is certain; anything else in an order only may have happened.
    const steps = order.map((row) => `${core.includes(row) ? '' : 'perhaps '}${name(row)}`);
    const begun = order.length === 0 ? 'at the beginning' : `after ${steps.join(', ')}`;
    lines.push(`  ${begun}: ${name(next)} has to be next, but ${reason}`);
  }
  return lines;
}

function foundBy(engine: string, explanation: CoreExplanation | undefined): string {
  const { confirmedBy, isIrreducible = false } = explanation ?? {};
  const second = confirmedBy === undefined ? 'not confirmed' : `confirmed by ${confirmedBy}`;
  return `Found by ${engine}, ${second}${isIrreducible ? '; nothing of it can be spared' : ''}.`;
}

/** The history with reads as the witness of a violation has them: without what was left out. */
export function asWitnessed(history: History, { witness }: Violation): History {
  if (witness === undefined) return history;
  const input = history.input.slice();
  const output = history.output.slice();
  witness.rows.forEach((row, at) => {
    input[row] = witness.history.input[at] as number;
    output[row] = witness.history.output[at] as number;
  });
  return history.with({ input, output });
}

/** Verdict, certificate or core, with every operation that it names. */
export function verdictJson<State>(
  verdict: HistoryVerdict,
  history: History,
  model: Model<State>,
): unknown {
  const describer = (told: History) => (row: number) => {
    const end = history.end[row] as number;
    return {
      row,
      process: history.process[row],
      key: history.keyOf(row),
      ...history.op(row),
      text: model.describe(told.op(row)),
      start: history.start[row],
      end: end === NEVER ? null : end,
    };
  };
  const parts = verdict.parts.map((part) => {
    if (part.verdict === 'linearizable') return { ...part, order: Array.from(part.order) };
    if (part.verdict === 'unknown') return part;
    const { violation, ...rest } = part;
    const { explanation } = violation;
    if (explanation === undefined) return { ...rest, reasons: violation.reasons };
    const operation = describer(asWitnessed(history, violation));
    return {
      ...rest,
      reasons: violation.reasons,
      blocked: operation(explanation.blocked),
      core: explanation.core.map(operation),
      waysOut: explanation.waysOut,
      confirmedBy: explanation.confirmedBy ?? null,
      isIrreducible: explanation.isIrreducible,
    };
  });
  return { ...verdict, parts };
}
