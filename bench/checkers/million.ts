/** A million operations of ten clients, pushed event by event, as a recorder would. */
import { prngStream } from '../../src/base/prng.ts';
import { type History, HistoryBuilder } from '../../src/checker/index.ts';

export const OPERATIONS = 1_000_000;
const CLIENTS = 10;

interface Call {
  readonly f: string;
  readonly value: number | null;
  answer?: number | null;
}

/** Each call is asked, takes effect, and is answered, at random moments. */
function record(ask: (isFirst: boolean) => Call, apply: (call: Call) => number | null): History {
  const prng = prngStream('bench', 'million');
  const builder = new HistoryBuilder();
  const calls = new Array<Call | undefined>(CLIENTS).fill(undefined);
  let asked = 0;
  let answered = 0;
  for (let time = 0; answered < OPERATIONS; time += 1000) {
    const process = prng.int(0, CLIENTS - 1);
    const call = calls[process];
    if (call === undefined) {
      if (asked === OPERATIONS) continue;
      asked++;
      const next = ask(prng.int(0, 1) === 0);
      calls[process] = next;
      builder.push({ process, type: 'invoke', f: next.f, value: next.value, time });
    } else if (call.answer === undefined) {
      call.answer = apply(call);
    } else {
      builder.push({ process, type: 'ok', f: call.f, value: call.answer, time });
      calls[process] = undefined;
      answered++;
    }
  }
  return builder.build();
}

export function millionRegisterOperations(): History {
  let state: number | null = null;
  let next = 0;
  return record(
    (isWrite) => (isWrite ? { f: 'write', value: ++next } : { f: 'read', value: null }),
    ({ f, value }) => {
      if (f === 'write') state = value;
      return state;
    },
  );
}

export function millionQueueOperations(): History {
  const items: number[] = [];
  let first = 0;
  let next = 0;
  return record(
    (isEnqueue) => (isEnqueue ? { f: 'enqueue', value: ++next } : { f: 'dequeue', value: null }),
    ({ f, value }) => {
      if (f === 'dequeue') return items[first] === undefined ? null : (items[first++] as number);
      items.push(value as number);
      return value;
    },
  );
}
