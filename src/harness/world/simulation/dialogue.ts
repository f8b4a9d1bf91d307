/**
 * A four-letter word over a simulated connection: the way in which an operator, or a probe, looks at a
 * server from outside.
 */
import type { Machine, Network } from './network.ts';

export type DialogueEnd =
  | { readonly kind: 'answered'; readonly text: string }
  /** Nobody listens. */
  | { readonly kind: 'refused' }
  /** Connected or not, no answer came in time. */
  | { readonly kind: 'silent' };

export function askWord(
  network: Network,
  question: { readonly from: Machine; readonly host: string; readonly port: number },
  word: string,
  timeoutMs: number,
  done: (end: DialogueEnd) => void,
): void {
  let text = '';
  let isDone = false;
  const finish = (end: DialogueEnd): void => {
    if (isDone) return;
    isDone = true;
    socket.close();
    done(end);
  };
  const decoder = new TextDecoder();
  const socket = network.dial(question.from, question.host, question.port, timeoutMs, {
    established: () => {
      socket.send(new TextEncoder().encode(word));
      network.queue.after(0, () => socket.pump());
    },
    received: (bytes) => {
      text += decoder.decode(bytes, { stream: true });
      socket.consumed(bytes.length);
    },
    drained: () => undefined,
    closed: (reason) => {
      if (text.length > 0) finish({ kind: 'answered', text });
      else finish({ kind: reason.endsWith('refused') ? 'refused' : 'silent' });
    },
  });
  network.queue.after(timeoutMs * 1000, () => finish({ kind: 'silent' }));
}
