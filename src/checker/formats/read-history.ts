/**
 * Recorded histories of several tools, fed chunk by chunk:
 *
 *  ndjson      one event a line: `{"process", "type", "f", "key"?, "value", "time"?}`; Umpire's own too
 *  edn         Jepsen's history.edn (maps one after the other, or one vector of them) and porcupine's logs
 *              `{:process 0, :type :invoke, :f :get, :key "0", :value nil}`
 *  jepsen-log  the lines of Jepsen's log, as in the etcd logs that porcupine and others test with:
 *              `INFO  jepsen.util - 0  :invoke  :cas  [1 3]`
 */
import { messageOf } from '../../base/thrown.ts';
import {
  type BuilderOptions,
  HistoryBuilder,
  type HistoryEvent,
  HistoryFormatError,
} from '../history/builder.ts';
import type { History } from '../history/columns.ts';
import type { Misfit } from '../models/vocabulary.ts';
import { EdnError, readEdn } from './edn.ts';

export const historyFormats = ['ndjson', 'edn', 'jepsen-log'] as const;
export type HistoryFormat = (typeof historyFormats)[number];

export interface ReadOptions extends BuilderOptions {
  /** Values are [key, value], as jepsen.independent makes them. */
  readonly isIndependent?: boolean;
  /** What is wrong with an event beyond its form: such as that a model has no such operation. */
  readonly misfitOf?: (event: HistoryEvent) => Misfit | undefined;
}

export interface HistoryReader {
  feed(chunk: string): void;
  /** Throws HistoryFormatError where the text is no history. */
  end(): History;
}

/** What a text looks like from its beginning. */
export function detectFormat(beginning: string): HistoryFormat {
  if (/^\s*\{\s*"/.test(beginning)) return 'ndjson';
  if (/^[^\n{[]*\bjepsen\.[\w.]+\s+-\s/.test(beginning)) return 'jepsen-log';
  return /^\s*[[(#{;]/.test(beginning) ? 'edn' : 'ndjson';
}

export function historyReader(format: HistoryFormat, options: ReadOptions = {}): HistoryReader {
  const builder = new HistoryBuilder(options);
  const push = (read: HistoryEvent, line: number): void => {
    const event = options.isIndependent === true ? split(read, line) : read;
    builder.push(event, line);
    const misfit = options.misfitOf?.(event);
    if (misfit !== undefined) throw new HistoryFormatError(line, misfit.field, misfit.why);
  };
  if (format === 'edn') {
    let text = '';
    return {
      feed: (chunk) => {
        text += chunk;
      },
      end: () => {
        for (const { event, line } of ednEvents(text)) push(event, line);
        return builder.build();
      },
    };
  }
  const parse = format === 'ndjson' ? ndjsonEvent : logEvent;
  const lines = new Lines((text, line) => {
    const event = parse(text, line);
    if (event !== undefined) push(event, line);
  });
  return {
    feed: (chunk) => lines.feed(chunk),
    end: () => {
      lines.end();
      return builder.build();
    },
  };
}

/** A history from its whole text. */
export function readHistory(text: string, options: ReadOptions = {}): History {
  const reader = historyReader(detectFormat(text.slice(0, 4096)), options);
  reader.feed(text);
  return reader.end();
}

/** Cuts chunks into lines. */
class Lines {
  readonly #use: (text: string, line: number) => void;
  #rest = '';
  #line = 0;

  constructor(use: (text: string, line: number) => void) {
    this.#use = use;
  }

  feed(chunk: string): void {
    const text = this.#rest + chunk;
    let from = 0;
    for (let to = text.indexOf('\n'); to !== -1; to = text.indexOf('\n', from)) {
      this.#line++;
      if (to > from) this.#use(text.slice(from, to), this.#line);
      from = to + 1;
    }
    this.#rest = text.slice(from);
  }

  end(): void {
    this.#line++;
    if (this.#rest.trim() !== '') this.#use(this.#rest, this.#line);
  }
}

function ndjsonEvent(text: string, line: number): HistoryEvent | undefined {
  if (text.trim() === '') return undefined;
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (thrown) {
    const why = messageOf(thrown);
    throw new HistoryFormatError(line, undefined, `no JSON: ${why}`);
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new HistoryFormatError(line, undefined, 'an event is an object');
  }
  return value as HistoryEvent;
}

function* ednEvents(text: string): Generator<{ event: HistoryEvent; line: number }> {
  try {
    for (const { value, line } of readEdn(text)) {
      // A vector of events counts as one value; its events have no lines of their own.
      for (const item of Array.isArray(value) ? value : [value]) {
        yield { event: ednEvent(item, line), line };
      }
    }
  } catch (thrown) {
    if (!(thrown instanceof EdnError)) throw thrown;
    throw new HistoryFormatError(thrown.line, undefined, thrown.why);
  }
}

function ednEvent(item: unknown, line: number): HistoryEvent {
  if (typeof item !== 'object' || item === null || Array.isArray(item)) {
    throw new HistoryFormatError(line, undefined, 'an event is a map');
  }
  const { process, type, f, key, value, time } = item as Record<string, unknown>;
  return { process, type, f, key, value, time } as HistoryEvent;
}

const logLine = /\bjepsen\.[\w.]+\s+-\s+(\d+|:nemesis)\s+:(\w+)\s+:([\w-]+)\s*(.*)$/;

function logEvent(text: string, line: number): HistoryEvent | undefined {
  const match = logLine.exec(text);
  if (match === null) return undefined;
  const [, process = '', type = '', f = '', rest = ''] = match;
  if (process === ':nemesis') return undefined;
  if (type !== 'invoke' && type !== 'ok' && type !== 'fail' && type !== 'info') {
    throw new HistoryFormatError(line, 'type', `:${type} is none of :invoke, :ok, :fail, :info`);
  }
  try {
    // The value, and behind it an error, which says nothing that the type does not.
    const [first] = readEdn(rest, line);
    return { process: Number(process), type, f, value: first?.value ?? null };
  } catch (thrown) {
    if (!(thrown instanceof EdnError)) throw thrown;
    throw new HistoryFormatError(line, 'value', thrown.why);
  }
}

function split(event: HistoryEvent, line: number): HistoryEvent {
  if (event.process === 'nemesis') return event;
  if (event.value === null || event.value === undefined) return event;
  const pair: unknown = event.value;
  if (!Array.isArray(pair) || pair.length !== 2) {
    const why = 'it is not [key, value], which an independent history needs';
    throw new HistoryFormatError(line, 'value', why);
  }
  const [key, value] = pair as readonly unknown[];
  return { ...event, key: String(key), value };
}
