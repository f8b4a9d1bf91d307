/**
 * Protocol events as NDJSON, for tests only (`UMPIRE_TRACE=<file>`). Lines are handed to the operating
 * system synchronously, before the sends and flushes of their step, so that the file outlives `kill -9`.
 *
 * The incarnation number counts the lives of a server. Its last value stands in the trace file itself,
 * which every life appends to: the next life is one more than the last complete line's. Without a trace
 * file it is 1.
 */
import { closeSync, fstatSync, ftruncateSync, openSync, readSync, writeSync } from 'node:fs';
import type { ProtocolEvent } from '../../base/protocol-event.ts';

export interface TraceFile {
  readonly incarnation: number;
  add(event: ProtocolEvent): void;
  flush(): void;
  close(): void;
}

const TAIL_BYTES = 64 * 1024;

export function openTraceFile(path: string): TraceFile {
  const descriptor = openSync(path, 'a+');
  const last = readLastLine(descriptor);
  const incarnation = last === undefined ? 1 : last.incarnation + 1;
  let pending = '';
  let isOpen = true;
  return {
    incarnation,
    add(event) {
      pending += `${JSON.stringify(event)}\n`;
    },
    flush() {
      if (pending === '' || !isOpen) return;
      let bytes = Buffer.from(pending);
      pending = '';
      while (bytes.length > 0) bytes = bytes.subarray(writeSync(descriptor, bytes));
    },
    close() {
      if (!isOpen) return;
      this.flush();
      isOpen = false;
      closeSync(descriptor);
    },
  };
}

/** Also cuts a torn last line, so that the next life does not continue in the middle of it. */
function readLastLine(descriptor: number): { readonly incarnation: number } | undefined {
  const sizeBytes = fstatSync(descriptor).size;
  const from = Math.max(0, sizeBytes - TAIL_BYTES);
  const tail = Buffer.alloc(sizeBytes - from);
  const read = readSync(descriptor, tail, 0, tail.length, from);
  const end = tail.subarray(0, read).lastIndexOf(0x0a);
  if (end === -1) {
    if (sizeBytes > 0) ftruncateSync(descriptor, 0);
    return undefined;
  }
  if (from + end + 1 < sizeBytes) ftruncateSync(descriptor, from + end + 1);
  const start = tail.lastIndexOf(0x0a, end - 1) + 1;
  const line = JSON.parse(tail.toString('utf8', start, end)) as { incarnation: number };
  return { incarnation: line.incarnation };
}
