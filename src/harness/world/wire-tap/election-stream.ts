/**
 * The election port, either direction. Who dialled sends its initial message first; then both send framed
 * notifications (see `src/wire/election.ts`). A frame's length, its version and the length of the
 * configuration in it must agree, which is also how a lost stream is found again.
 */
import { formatHex } from '../../../base/zxid.ts';
import { decodeNotification, MAX_ELECTION_FRAME_BYTES } from '../../../wire/election.ts';
import { hexOf, NotOurs, type Parser, viewOf, type Want } from './stream-parser.ts';
import type { TapMessage } from './tap-event.ts';

/** A notification without its configuration. */
const FIXED_BYTES = 44;
const LENGTH_BYTES = 4;
const VERSION_AT = LENGTH_BYTES + 36;
const MAX_ADDRESS_BYTES = 2048;

type Emit = (message: TapMessage) => void;

export function* electionStream(side: 'dialler' | 'acceptor', emit: Emit): Parser {
  let isGreeted = side === 'acceptor';
  for (;;) {
    try {
      if (!isGreeted) {
        isGreeted = true;
        yield* readInitial(emit);
      }
      yield* readNotification(emit);
    } catch (error) {
      if (!(error instanceof NotOurs)) throw error;
      emit({ message: 'gap', reason: error.message });
      const frame = yield { find: LENGTH_BYTES + FIXED_BYTES, isAt: isFrame };
      yield* notified(frame, emit);
    }
  }
}

function* readInitial(emit: Emit): Generator<Want, void, Uint8Array> {
  const version = viewOf(yield { take: 8 }).getBigInt64(0);
  // The ancient form is a bare sid.
  if (version >= 0n) {
    emit({ message: 'initial', sid: Number(version) });
    return;
  }
  if (version !== -65536n && version !== -65535n) throw new NotOurs(`version ${version}`);
  const view = viewOf(yield { take: 12 });
  const length = view.getInt32(8);
  if (length <= 0 || length > MAX_ADDRESS_BYTES) throw new NotOurs(`an address of ${length} bytes`);
  yield { skip: length };
  emit({ message: 'initial', sid: Number(view.getBigInt64(0)) });
}

function* readNotification(emit: Emit): Generator<Want, void, Uint8Array> {
  const length = viewOf(yield { take: LENGTH_BYTES }).getInt32(0);
  if (length <= 0 || length > MAX_ELECTION_FRAME_BYTES) {
    throw new NotOurs(`a frame of ${length} bytes`);
  }
  const kept = Math.min(length, FIXED_BYTES);
  const head = yield { take: kept };
  yield { skip: length - kept };
  tell(head, emit);
}

function* notified(frame: Uint8Array, emit: Emit): Generator<Want, void, Uint8Array> {
  yield { skip: viewOf(frame).getInt32(0) - FIXED_BYTES };
  tell(frame.subarray(LENGTH_BYTES), emit);
}

/** The configuration in it is of no interest: it is cut off, and said to be empty. */
function tell(head: Uint8Array, emit: Emit): void {
  const bare = head.slice();
  if (bare.length === FIXED_BYTES) viewOf(bare).setInt32(FIXED_BYTES - 4, 0);
  const notification = decodeNotification(bare);
  if (notification === undefined) throw new NotOurs(`no notification: ${hexOf(head)}`);
  const { state, leader, zxid, electionEpoch, peerEpoch } = notification;
  emit({
    message: 'notification',
    state,
    leader: Number(leader),
    zxid: formatHex(zxid),
    round: Number(electionEpoch),
    peerEpoch: Number(peerEpoch),
  });
}

function isFrame(window: Uint8Array): boolean {
  const view = viewOf(window);
  const length = view.getInt32(0);
  if (length < FIXED_BYTES || length > MAX_ELECTION_FRAME_BYTES) return false;
  const isVersioned = view.getInt32(VERSION_AT) === 2;
  return isVersioned && view.getInt32(VERSION_AT + 4) === length - FIXED_BYTES;
}
