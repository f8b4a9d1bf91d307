/** The whole run in one strip: how busy it was, where faults held, where anomalies are, and the window. */
import type { Scene } from './scene.ts';

const HEIGHT = 34;

export class Minimap {
  readonly #canvas: HTMLCanvasElement;
  readonly #pen: CanvasRenderingContext2D;
  readonly #scene: Scene;
  #grip: number | null = null;

  constructor(canvas: HTMLCanvasElement, scene: Scene) {
    this.#canvas = canvas;
    this.#pen = canvas.getContext('2d') as CanvasRenderingContext2D;
    this.#scene = scene;
    canvas.addEventListener('pointerdown', (event) => {
      canvas.setPointerCapture(event.pointerId);
      const time = this.#time(event.offsetX);
      const { view } = scene;
      const isInside = time >= view.from && time <= view.to && !view.isFitted;
      this.#grip = isInside ? time - view.from : view.span / 2;
      this.#move(time);
    });
    canvas.addEventListener('pointermove', (event) => {
      if (this.#grip !== null) this.#move(this.#time(event.offsetX));
    });
    canvas.addEventListener('pointerup', () => {
      this.#grip = null;
    });
  }

  #time(x: number): number {
    const { view } = this.#scene;
    return ((x - view.left) / view.width) * view.end;
  }

  #move(time: number): void {
    const { view } = this.#scene;
    const from = time - (this.#grip ?? 0);
    view.show(from, from + view.span);
  }

  draw(): void {
    const { view, theme, operations, payload } = this.#scene;
    const scale = devicePixelRatio || 1;
    const width = view.left + view.width;
    this.#canvas.style.height = `${HEIGHT}px`;
    this.#canvas.width = Math.round(
      (this.#canvas.parentElement as HTMLElement).clientWidth * scale,
    );
    this.#canvas.height = HEIGHT * scale;
    const pen = this.#pen;
    pen.setTransform(scale, 0, 0, scale, 0, 0);
    const x = (time: number) => view.left + (time / view.end) * view.width;
    pen.fillStyle = theme.page;
    pen.fillRect(view.left, 0, view.width, HEIGHT);
    pen.fillStyle = theme.fault;
    for (const fault of payload.faults) {
      if (fault.verified === null) continue;
      const from = x(fault.verified);
      pen.globalAlpha = 0.22;
      pen.fillRect(from, 0, Math.max(1, x(fault.healed ?? payload.end) - from), HEIGHT);
    }
    pen.globalAlpha = 1;
    const columns = Math.ceil(view.width / 3);
    const counts = new Uint32Array(columns + 1);
    for (let row = 0; row < operations.count; row++) {
      const column = Math.floor(((operations.end[row] as number) / view.end) * columns);
      counts[column] = (counts[column] as number) + 1;
    }
    const most = counts.reduce((a, b) => Math.max(a, b), 1);
    pen.fillStyle = theme.outcome[0] as string;
    for (const [column, count] of counts.entries()) {
      const height = (count / most) * (HEIGHT - 6);
      pen.fillRect(view.left + column * 3, HEIGHT - height, 2, height);
    }
    pen.fillStyle = theme.violation;
    for (const anomaly of payload.anomalies) {
      if (anomaly.time !== null) pen.fillRect(x(anomaly.time) - 1, 0, 2, HEIGHT);
    }
    if (!view.isFitted) {
      pen.fillStyle = theme.panel;
      pen.globalAlpha = 0.65;
      pen.fillRect(view.left, 0, x(view.from) - view.left, HEIGHT);
      pen.fillRect(x(view.to), 0, width - x(view.to), HEIGHT);
      pen.globalAlpha = 1;
    }
    pen.strokeStyle = theme.accent;
    pen.lineWidth = 1.5;
    const from = x(view.from);
    pen.strokeRect(from + 0.75, 0.75, Math.max(3, x(view.to) - from - 1.5), HEIGHT - 1.5);
  }
}
