/** Run → columns for the page's script. */
import type { HistoryEntry } from '../checker/history.ts';
import type { FaultRecord } from '../harness/result.ts';
import type { ReportInput } from './input.ts';
import { isAnswered, pairOperations, type ReportOperation } from './operations.ts';
import {
  type OperationColumns,
  operationTypes,
  PAYLOAD_VERSION,
  type Payload,
  type PayloadAnomaly,
  type PayloadFault,
} from './payload.ts';
import { serverTimeline } from './server-spans.ts';

/** Longer values are cut in the page; the history file has them whole. */
const TEXT_LENGTH_MAX = 240;

class Dictionary {
  readonly texts: string[] = [''];
  readonly #indices = new Map<string, number>([['', 0]]);

  add(text: string | undefined): number {
    if (text === undefined) return 0;
    const known = this.#indices.get(text);
    if (known !== undefined) return known;
    this.#indices.set(text, this.texts.length);
    return this.texts.push(text) - 1;
  }
}

export function valueText(value: unknown): string | undefined {
  if (value === undefined) return undefined;
  const text = typeof value === 'string' ? value : (JSON.stringify(value) ?? typeof value);
  return text.length > TEXT_LENGTH_MAX ? `${text.slice(0, TEXT_LENGTH_MAX - 1)}…` : text;
}

export function buildPayload(input: ReportInput): Payload {
  const dictionary = new Dictionary();
  const operations = pairOperations(input.history);
  const end = endOf(input);
  const { spans, marks } = serverTimeline(input.events, end);
  return {
    v: PAYLOAD_VERSION,
    end,
    nodes: input.result.nodes,
    operations: operationColumns(operations, dictionary),
    faults: input.result.faults.map(payloadFault),
    spans,
    marks,
    anomalies: payloadAnomalies(input, operations),
    texts: dictionary.texts,
  };
}

/** The axis ends where the last thing that anyone noted happened. */
function endOf(input: ReportInput): number {
  let end = 1_000_000;
  for (const entry of input.history) end = Math.max(end, entry.time);
  for (const fault of input.result.faults) {
    end = Math.max(end, fault.requested, fault.healed ?? 0, fault.healVerified ?? 0);
  }
  return end;
}

function operationColumns(
  operations: readonly ReportOperation[],
  dictionary: Dictionary,
): OperationColumns {
  const columns = {
    index: [] as number[],
    span: [] as number[],
    start: [] as number[],
    duration: [] as number[],
    client: [] as number[],
    type: [] as number[],
    answered: [] as number[],
    f: [] as number[],
    key: [] as number[],
    value: [] as number[],
    result: [] as number[],
    error: [] as number[],
    zxid: [] as number[],
    session: [] as number[],
    op: [] as number[],
    node: [] as number[],
  };
  let index = 0;
  let time = 0;
  for (const { invoke, completion, client, outcome } of operations) {
    columns.index.push(invoke.index - index);
    columns.start.push(invoke.time - time);
    index = invoke.index;
    time = invoke.time;
    columns.span.push(completion === undefined ? 0 : completion.index - invoke.index);
    columns.duration.push(completion === undefined ? -1 : completion.time - invoke.time);
    columns.client.push(client);
    columns.type.push(operationTypes.indexOf(outcome));
    columns.answered.push(isAnswered(completion) ? 1 : 0);
    columns.f.push(dictionary.add(invoke.f));
    columns.key.push(dictionary.add(invoke.key));
    columns.value.push(dictionary.add(valueText(invoke.value)));
    columns.result.push(dictionary.add(resultText(invoke, completion)));
    columns.error.push(dictionary.add(completion?.error));
    columns.zxid.push(dictionary.add(completion?.zxid));
    columns.session.push(dictionary.add(completion?.session ?? invoke.session));
    columns.op.push(dictionary.add(invoke.op));
    columns.node.push(completion?.node ?? 0);
  }
  return columns;
}

/** What came back; nothing where it only repeats what was asked. */
function resultText(invoke: HistoryEntry, completion: HistoryEntry | undefined) {
  const text = valueText(completion?.value);
  return text === valueText(invoke.value) ? undefined : text;
}

function payloadFault(fault: FaultRecord): PayloadFault {
  return {
    id: fault.id,
    kind: fault.kind,
    nodes: fault.nodes,
    requested: fault.requested,
    applied: fault.applied ?? null,
    verified: fault.verified ?? null,
    healed: fault.healed ?? null,
    healVerified: fault.healVerified ?? null,
    evidence: fault.evidence,
  };
}

function payloadAnomalies(
  input: ReportInput,
  operations: readonly ReportOperation[],
): PayloadAnomaly[] {
  const rowOf = new Map<number, number>();
  for (const [row, { invoke, completion }] of operations.entries()) {
    rowOf.set(invoke.index, row);
    if (completion !== undefined) rowOf.set(completion.index, row);
  }
  return input.result.checks.flatMap((check) =>
    check.anomalies.map((anomaly) => {
      const rows = new Set<number>();
      for (const index of anomaly.entries) {
        const row = rowOf.get(index);
        if (row !== undefined) rows.add(row);
      }
      const last = [...rows].at(-1);
      const lastEntry = last === undefined ? undefined : operations[last];
      return {
        checker: check.checker,
        kind: anomaly.kind,
        message: anomaly.message,
        time: anomaly.time ?? lastEntry?.completion?.time ?? lastEntry?.invoke.time ?? null,
        rows: [...rows],
        nodes: anomaly.nodes ?? [],
      };
    }),
  );
}
