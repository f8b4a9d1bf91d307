/** Linearizable histories in which it matters which crashed operations a search has used up. */
import type { HistoryEvent } from '../../../../src/checker/history/builder.ts';

/** Of `cas-register`, from 0. */
export const crashedHistories: Readonly<Record<string, readonly HistoryEvent[]>> = {
  // The first read of 1 must be the compare-and-set's doing: only the write can bring 1 back later.
  'one of two was the wrong one': [
    { process: 1, type: 'invoke', f: 'write', value: 1 },
    { process: 1, type: 'info', f: 'write' },
    { process: 2, type: 'invoke', f: 'cas', value: [0, 1] },
    { process: 2, type: 'info', f: 'cas' },
    { process: 3, type: 'invoke', f: 'read' },
    { process: 3, type: 'ok', f: 'read', value: 1 },
    { process: 3, type: 'invoke', f: 'write', value: 2 },
    { process: 3, type: 'ok', f: 'write', value: 2 },
    { process: 3, type: 'invoke', f: 'read' },
    { process: 3, type: 'ok', f: 'read', value: 1 },
  ],
  // The tempting way uses the crashed write early; the same configuration comes up again without it.
  'none was better than one': [
    { process: 1, type: 'invoke', f: 'write', value: 1 },
    { process: 1, type: 'info', f: 'write' },
    { process: 2, type: 'invoke', f: 'cas', value: [0, 5] },
    { process: 3, type: 'invoke', f: 'cas', value: [5, 1] },
    { process: 4, type: 'invoke', f: 'read' },
    { process: 4, type: 'ok', f: 'read', value: 1 },
    { process: 4, type: 'invoke', f: 'write', value: 0 },
    { process: 4, type: 'ok', f: 'write', value: 0 },
    { process: 2, type: 'ok', f: 'cas', value: [0, 5] },
    { process: 3, type: 'ok', f: 'cas', value: [5, 1] },
    { process: 4, type: 'invoke', f: 'write', value: 7 },
    { process: 4, type: 'ok', f: 'write', value: 7 },
    { process: 4, type: 'invoke', f: 'read' },
    { process: 4, type: 'ok', f: 'read', value: 1 },
  ],
};
