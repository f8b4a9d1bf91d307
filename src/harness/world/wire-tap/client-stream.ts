/**
 * The client port, either direction (see `src/wire/client.ts`). Requests and replies are framed; the first
 * frame of each side is the session's. A connection that begins with a four-letter word has no frames and
 * tells nothing. A lost stream is found again at the next ping, whose bytes are the same every time.
 */
import { formatHex } from '../../../base/zxid.ts';
import { OpCode, opName, Xid } from '../../../wire/client.ts';
import { hexOf, NotOurs, type Parser, viewOf, type Want } from './stream-parser.ts';
import type { TapMessage } from './tap-event.ts';

const MAX_FRAME_BYTES = 16 * 1024 * 1024;
/** Enough for a header and the path of most requests. */
const KEPT_BYTES = 256;
const REQUEST_HEAD_BYTES = 8;
const REPLY_HEAD_BYTES = 16;

type Emit = (message: TapMessage) => void;
type Side = 'request' | 'reply';

export function* clientStream(side: Side, emit: Emit): Parser {
  let isFirst = true;
  for (;;) {
    try {
      const head = yield* readFrame();
      if (side === 'request') emitRequest(head, isFirst, emit);
      else emitReply(head, isFirst, emit);
      isFirst = false;
    } catch (error) {
      if (!(error instanceof NotOurs)) throw error;
      if (isFirst && error instanceof FourLetterWord) return;
      emit({ message: 'gap', reason: error.message });
      isFirst = false;
      if (side === 'request') yield { find: 12, isAt: isPing };
      else yield { find: 20, isAt: isPong };
    }
  }
}

class FourLetterWord extends NotOurs {}

function* readFrame(): Generator<Want, Uint8Array, Uint8Array> {
  const prefix = yield { take: 4 };
  const length = viewOf(prefix).getInt32(0);
  if (prefix.every((byte) => byte >= 0x61 && byte <= 0x7a)) throw new FourLetterWord('a word');
  if (length < 0 || length > MAX_FRAME_BYTES) throw new NotOurs(`a frame of ${length} bytes`);
  const kept = Math.min(length, KEPT_BYTES);
  const head = yield { take: kept };
  yield { skip: length - kept };
  return head;
}

function emitRequest(head: Uint8Array, isFirst: boolean, emit: Emit): void {
  const view = viewOf(head);
  if (isFirst) {
    if (head.length < 28) throw new NotOurs(`no ConnectRequest: ${hexOf(head)}`);
    const session = formatHex(view.getBigInt64(16));
    emit({ message: 'connect', session, lastZxid: formatHex(view.getBigInt64(4)) });
    return;
  }
  if (head.length < REQUEST_HEAD_BYTES) throw new NotOurs(`no request: ${hexOf(head)}`);
  const xid = view.getInt32(0);
  const type = view.getInt32(4);
  if (type === OpCode.ping || type === OpCode.auth) return;
  const path = pathIn(head, type);
  emit({
    message: 'request',
    xid,
    op: opName(type),
    ...(path === undefined ? {} : { path }),
  });
}

const withoutPath = new Set<number>([
  OpCode.multi,
  OpCode.multiRead,
  OpCode.setWatches,
  OpCode.setWatches2,
  OpCode.closeSession,
  OpCode.whoAmI,
  OpCode.sasl,
  OpCode.reconfig,
]);

function pathIn(head: Uint8Array, type: number): string | undefined {
  const start = REQUEST_HEAD_BYTES + 4;
  if (withoutPath.has(type) || head.length < start) return undefined;
  const length = viewOf(head).getInt32(REQUEST_HEAD_BYTES);
  if (length <= 0 || start + length > head.length) return undefined;
  return new TextDecoder().decode(head.subarray(start, start + length));
}

function emitReply(head: Uint8Array, isFirst: boolean, emit: Emit): void {
  const view = viewOf(head);
  if (isFirst) {
    if (head.length < 16) throw new NotOurs(`no ConnectResponse: ${hexOf(head)}`);
    const session = formatHex(view.getBigInt64(8));
    emit({ message: 'connected', session, timeoutMs: view.getInt32(4) });
    return;
  }
  if (head.length < REPLY_HEAD_BYTES) throw new NotOurs(`no reply: ${hexOf(head)}`);
  const xid = view.getInt32(0);
  if (xid === Xid.ping || xid === Xid.notification || xid === Xid.auth) return;
  const zxid = formatHex(view.getBigInt64(4));
  emit({ message: 'reply', xid, zxid, err: view.getInt32(12) });
}

/** `int 8 · int −2 · int 11` */
function isPing(window: Uint8Array): boolean {
  const view = viewOf(window);
  const isHead = view.getInt32(0) === REQUEST_HEAD_BYTES && view.getInt32(4) === Xid.ping;
  return isHead && view.getInt32(8) === OpCode.ping;
}

/** `int 16 · int −2 · long zxid · int 0` */
function isPong(window: Uint8Array): boolean {
  const view = viewOf(window);
  const isHead = view.getInt32(0) === REPLY_HEAD_BYTES && view.getInt32(4) === Xid.ping;
  return isHead && view.getInt32(16) === 0;
}
