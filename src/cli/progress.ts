/**
 * One line of live progress on a terminal, redrawn in place; elsewhere a plain line from time to time.
 * Progress goes to standard error, so that standard output stays what a script reads.
 */
import { createLogUpdate } from 'log-update';

export interface Progress {
  /** Replaces the live line. */
  update(text: string): void;
  /** A line that stays. */
  line(text: string): void;
  /** Leaves the terminal as it was found. */
  done(): void;
}

const PLAIN_EVERY_MS = 5_000;

export function makeProgress(
  isQuiet: boolean,
  stream: NodeJS.WriteStream = process.stderr,
): Progress {
  if (isQuiet) return { update() {}, line() {}, done() {} };
  return stream.isTTY === true && process.env.CI === undefined
    ? terminalProgress(stream)
    : plainProgress(stream);
}

function terminalProgress(stream: NodeJS.WriteStream): Progress {
  const redraw = createLogUpdate(stream);
  let live = '';
  const clock = startClock();
  const draw = () => {
    const text = `${clock()}  ${live}`;
    redraw(text.slice(0, Math.max(20, (stream.columns ?? 80) - 1)));
  };
  return {
    update(text) {
      live = text;
      draw();
    },
    line(text) {
      redraw.clear();
      stream.write(`${text}\n`);
      if (live !== '') draw();
    },
    done() {
      redraw.clear();
      redraw.done();
      live = '';
    },
  };
}

function plainProgress(stream: NodeJS.WriteStream): Progress {
  const clock = startClock();
  let written = Number.NEGATIVE_INFINITY;
  return {
    update(text) {
      if (performance.now() - written < PLAIN_EVERY_MS) return;
      written = performance.now();
      stream.write(`${clock()}  ${text}\n`);
    },
    line(text) {
      stream.write(`${text}\n`);
    },
    done() {},
  };
}

function startClock(): () => string {
  const start = performance.now();
  return () => `${String(Math.floor((performance.now() - start) / 1000)).padStart(3)}s`;
}
