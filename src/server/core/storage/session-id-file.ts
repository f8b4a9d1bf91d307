/**
 * `sessionIds`: the millisecond before which every session id of this server was given out. A life of the
 * server starts at its wall clock or at this mark, whichever is later, and moves the mark ahead before the first
 * id, so that no id comes twice when the clock was set back and snapshots have forgotten the old sessions.
 * Upstream has no such file, trusts its clock, and passes the file over.
 */
import type { CoreContext } from '../context.ts';
import { readAt, replaceFile, type Sequence, sizeOf } from './disk.ts';

const NAME = 'sessionIds';
/** An id has 16 bits below the millisecond: a life can give out 2^32 ids. */
const RESERVED_MS = 1 << 16;

export type SessionIdReservation =
  | { readonly ok: true; readonly fromMs: number }
  | { readonly ok: false; readonly reason: string };

/** The millisecond with which the ids of this life begin. */
export function* reserveSessionIds(
  directory: string,
  context: CoreContext,
): Sequence<SessionIdReservation> {
  const path = `${directory}/${NAME}`;
  let fromMs = Math.trunc(context.wallMs());
  if ((yield* sizeOf(path)) !== undefined) {
    const text = new TextDecoder().decode(yield* readAt(path, 0, 64)).trim();
    if (!/^[0-9]{1,15}$/.test(text)) {
      return { ok: false, reason: `${path} does not hold milliseconds` };
    }
    fromMs = Math.max(fromMs, Number(text));
  }
  const bytes = new TextEncoder().encode(String(fromMs + RESERVED_MS));
  yield* replaceFile(directory, NAME, bytes);
  return { ok: true, fromMs };
}
