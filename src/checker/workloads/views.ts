/** What watchers held: states, each read at a zxid and perhaps confirmed at a later one. */
import type { HistoryEntry, Operation } from '../history.ts';
import { field, hexOf } from '../report.ts';

export interface View {
  readonly operation: Operation;
  readonly entry: HistoryEntry;
  readonly state: unknown;
  /** The server's state at this zxid is what was read. */
  readonly zxid: bigint;
  /** Still held when an answer from this zxid came, without an event of the watch before it. */
  readonly confirmed: bigint | undefined;
}

/** The views of `watch` operations, and each read of the final phase as a view. */
export function viewsOf(operations: readonly Operation[]): readonly View[] {
  return operations.flatMap((operation): View[] => {
    const entry = operation.completion;
    if (entry?.type !== 'ok') return [];
    if (operation.f.startsWith('final-')) {
      const zxid = hexOf(entry.zxid);
      const state = entry.value;
      return zxid === undefined ? [] : [{ operation, entry, state, zxid, confirmed: undefined }];
    }
    const views = operation.f === 'watch' ? field(entry.value, 'views') : [];
    if (!Array.isArray(views)) return [];
    return views.flatMap((view: unknown) => {
      const zxid = hexOf(field(view, 'zxid'));
      if (zxid === undefined) return [];
      const confirmed = hexOf(field(view, 'confirmed'));
      return [{ operation, entry, state: field(view, 'state'), zxid, confirmed }];
    });
  });
}

/** At which zxids a view is known to have been held, and how that is known. */
export function momentsOf({ zxid, confirmed }: View): readonly {
  readonly zxid: bigint;
  readonly isConfirmation: boolean;
}[] {
  const read = { zxid, isConfirmation: false };
  return confirmed === undefined ? [read] : [read, { zxid: confirmed, isConfirmation: true }];
}
