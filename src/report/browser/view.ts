/** The window of time that every panel shows, and the mapping between nanoseconds and pixels. */
const SPAN_MIN_NS = 2_000;

export class View {
  readonly end: number;
  from = 0;
  to: number;
  left = 0;
  width = 1;
  readonly #onChange: () => void;

  constructor(end: number, onChange: () => void) {
    // A little air, so that the last operation doesn't touch the edge.
    this.end = end * 1.005;
    this.to = this.end;
    this.#onChange = onChange;
  }

  get span(): number {
    return this.to - this.from;
  }

  get isFitted(): boolean {
    return this.from <= 0 && this.to >= this.end;
  }

  x(time: number): number {
    return this.left + ((time - this.from) / this.span) * this.width;
  }

  time(x: number): number {
    return this.from + ((x - this.left) / this.width) * this.span;
  }

  show(from: number, to: number): void {
    const span = Math.min(this.end, Math.max(SPAN_MIN_NS, to - from));
    const middle = (from + to) / 2;
    this.from = Math.max(0, Math.min(this.end - span, middle - span / 2));
    this.to = this.from + span;
    this.#onChange();
  }

  fit(): void {
    this.show(0, this.end);
  }

  /** `factor` below 1 zooms in; `around` stays where it is. */
  zoom(factor: number, around = (this.from + this.to) / 2): void {
    const span = Math.min(this.end, Math.max(SPAN_MIN_NS, this.span * factor));
    const share = (around - this.from) / this.span;
    const from = around - span * share;
    this.show(from, from + span);
  }

  pan(share: number): void {
    this.show(this.from + this.span * share, this.to + this.span * share);
  }

  /** Brings a moment into view, and close enough to see it. */
  reveal(from: number, to: number): void {
    const wanted = Math.max(to - from, 1);
    const isVisible = from >= this.from && to <= this.to;
    if (isVisible && wanted > this.span / 400) return;
    const span = Math.min(this.span, Math.max(wanted * 12, SPAN_MIN_NS * 10));
    this.show((from + to - span) / 2, (from + to + span) / 2);
  }
}

/** Tick distance: 1, 2 or 5 times a power of ten, at least `pixels` apart. */
export function tickStep(span: number, width: number, pixels: number): number {
  const least = (span / Math.max(1, width)) * pixels;
  let power = 1;
  while (power * 10 <= least) power *= 10;
  for (const factor of [1, 2, 5, 10]) {
    if (power * factor >= least) return power * factor;
  }
  return power * 10;
}

export function tickText(time: number, step: number): string {
  if (step >= 1e9) return `${Math.round(time / 1e9)} s`;
  if (step >= 1e6) return `${(time / 1e9).toFixed(step >= 1e8 ? 1 : step >= 1e7 ? 2 : 3)} s`;
  if (step >= 1e3) return `${(time / 1e6).toFixed(step >= 1e5 ? 1 : step >= 1e4 ? 2 : 3)} ms`;
  return `${(time / 1e3).toFixed(1)} µs`;
}
