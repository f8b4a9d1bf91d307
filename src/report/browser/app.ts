/** Boots the page's script: unpacks the data, and ties the canvas to pointer, keys, search and links. */
import type { Payload } from '../payload.ts';
import { Chart, type Hit } from './chart.ts';
import { fillFacts, fillList, hitFacts, operationFacts } from './details.ts';
import { Minimap } from './minimap.ts';
import { search } from './search.ts';

const DRAG_MIN_PIXELS = 4;

function element<T extends HTMLElement>(id: string): T {
  return document.getElementById(id) as T;
}

async function readPayload(): Promise<Payload> {
  const packed = element('data').textContent ?? '';
  if (element('data').dataset.encoding === 'json') return JSON.parse(packed);
  const bytes = Uint8Array.from(atob(packed.trim()), (letter) => letter.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream('gzip'));
  return JSON.parse(await new Response(stream).text());
}

class Page {
  readonly chart: Chart;
  readonly #canvas = element<HTMLCanvasElement>('timeline-canvas');
  readonly #minimap: Minimap;
  readonly #input = element<HTMLInputElement>('search');
  #found: readonly number[] | null = null;
  #foundAt = -1;
  #listTimer = 0;

  constructor(payload: Payload) {
    this.chart = new Chart(this.#canvas, payload, () => this.#afterDraw());
    this.#minimap = new Minimap(element('minimap'), this.chart.scene);
    this.#listenToPointer();
    this.#listenToKeys();
    this.#listenToControls();
    addEventListener('hashchange', () => this.#followHash());
    this.#followHash();
  }

  #afterDraw(): void {
    this.#minimap.draw();
    clearTimeout(this.#listTimer);
    this.#listTimer = setTimeout(
      () => fillList(this.chart.scene, this.#found, element('list-body'), element('list-caption')),
      120,
    );
  }

  #listenToPointer(): void {
    const canvas = this.#canvas;
    const { scene } = this.chart;
    let down: { x: number; from: number; to: number; isPan: boolean } | null = null;
    canvas.addEventListener('pointerdown', (event) => {
      if (event.button !== 0 || event.offsetX < scene.view.left) return;
      canvas.setPointerCapture(event.pointerId);
      const { from, to } = scene.view;
      down = { x: event.offsetX, from, to, isPan: event.shiftKey };
    });
    canvas.addEventListener('pointermove', (event) => {
      scene.cursorX = event.offsetX;
      const moved = down === null ? 0 : event.offsetX - down.x;
      if (down?.isPan === true) {
        const shift = (-moved / scene.view.width) * (down.to - down.from);
        scene.view.show(down.from + shift, down.to + shift);
      } else if (down !== null && Math.abs(moved) >= DRAG_MIN_PIXELS) {
        this.chart.band = [down.x, event.offsetX];
      }
      this.#showTip(
        down === null ? this.chart.hit(event.offsetX, event.offsetY) : undefined,
        event,
      );
      this.chart.redraw();
    });
    canvas.addEventListener('pointerup', (event) => {
      const band = this.chart.band;
      this.chart.band = null;
      if (band !== null) {
        const times = band.map((x) => scene.view.time(x)).sort((a, b) => a - b);
        scene.view.show(times[0] as number, times[1] as number);
      } else if (down !== null && !down.isPan) {
        this.#choose(this.chart.hit(event.offsetX, event.offsetY));
      }
      down = null;
    });
    canvas.addEventListener('pointerleave', () => {
      scene.cursorX = null;
      this.#showTip(undefined);
      this.chart.redraw();
    });
    canvas.addEventListener('dblclick', () => scene.view.fit());
    canvas.addEventListener('wheel', (event) => this.#onWheel(event), { passive: false });
  }

  /** Over the names the page scrolls, and so it does when there is nothing left to zoom out. */
  #onWheel(event: WheelEvent): void {
    const { view } = this.chart.scene;
    if (event.offsetX < view.left) return;
    const isSideways = event.shiftKey || Math.abs(event.deltaX) > Math.abs(event.deltaY);
    if (isSideways) {
      event.preventDefault();
      view.pan(((event.deltaX || event.deltaY) / view.width) * 0.8);
      return;
    }
    if (event.deltaY > 0 && view.isFitted) return;
    event.preventDefault();
    view.zoom(1.0018 ** Math.max(-400, Math.min(400, event.deltaY)), view.time(event.offsetX));
  }

  #showTip(hit: Hit | undefined, event?: PointerEvent): void {
    const tip = element('tip');
    this.#canvas.style.cursor = hit === undefined ? 'crosshair' : 'pointer';
    tip.hidden = hit === undefined;
    if (hit === undefined || event === undefined) return;
    const { title, facts } = hitFacts(this.chart.scene, hit);
    fillFacts(tip, title, facts);
    const { width, height } = tip.getBoundingClientRect();
    const x =
      event.clientX + 16 + width > innerWidth ? event.clientX - width - 12 : event.clientX + 16;
    const y = Math.min(event.clientY + 14, innerHeight - height - 8);
    tip.style.transform = `translate(${Math.max(4, x)}px, ${Math.max(4, y)}px)`;
  }

  #choose(hit: Hit | undefined): void {
    if (hit?.kind === 'operation') this.select(hit.row);
    else if (hit?.kind === 'anomaly') this.showAnomaly(hit.anomaly);
    else if (hit !== undefined) {
      const { title, facts } = hitFacts(this.chart.scene, hit);
      fillFacts(element('chosen'), title, facts);
    } else this.clear();
  }

  select(row: number): void {
    const { scene } = this.chart;
    scene.selected = row;
    fillFacts(
      element('chosen'),
      'Chosen operation',
      operationFacts(scene.payload, scene.operations, row),
    );
    history.replaceState(null, '', `#op=${scene.operations.index[row]}`);
    this.chart.redraw();
  }

  clear(): void {
    const { scene } = this.chart;
    scene.selected = -1;
    scene.anomaly = -1;
    element('chosen').replaceChildren();
    this.chart.redraw();
  }

  #reveal(row: number): void {
    const { operations, view } = this.chart.scene;
    view.reveal(operations.start[row] as number, operations.end[row] as number);
  }

  /** Frames the operations of an anomaly and its moment, with some air. */
  showAnomaly(index: number): void {
    const { scene } = this.chart;
    const anomaly = scene.payload.anomalies[index];
    if (anomaly === undefined) return;
    scene.anomaly = index;
    let from = anomaly.time ?? Number.POSITIVE_INFINITY;
    let to = anomaly.time ?? 0;
    for (const row of anomaly.rows) {
      from = Math.min(from, scene.operations.start[row] as number);
      to = Math.max(to, scene.operations.end[row] as number);
    }
    if (from <= to) {
      const air = Math.max((to - from) * 0.4, scene.payload.end / 200);
      scene.view.show(from - air, to + air);
    }
    fillFacts(element('chosen'), `${index + 1}. ${anomaly.kind}`, [
      ['checker', anomaly.checker],
      ['what', anomaly.message],
    ]);
    element('timeline').scrollIntoView({ block: 'nearest' });
    this.chart.redraw();
  }

  #stepAnomaly(step: number): void {
    const { scene } = this.chart;
    const count = scene.payload.anomalies.length;
    if (count === 0) return;
    const start = scene.anomaly < 0 && step < 0 ? 0 : scene.anomaly;
    this.showAnomaly((start + step + count) % count);
  }

  #search(): void {
    const { scene } = this.chart;
    const result = search(this.#input.value, scene.payload, scene.operations);
    scene.matches = result.matches;
    this.#found = result.matches === null ? null : result.rows;
    this.#foundAt = -1;
    const words =
      result.error ??
      (result.matches === null
        ? ''
        : `${result.rows.length} ${result.rows.length === 1 ? 'match' : 'matches'}`);
    element('search-result').textContent = words;
    this.chart.redraw();
  }

  #stepMatch(step: number): void {
    const found = this.#found;
    if (found === null || found.length === 0) return;
    this.#foundAt = (this.#foundAt + step + found.length) % found.length;
    const row = found[this.#foundAt] as number;
    element('search-result').textContent = `${this.#foundAt + 1} of ${found.length}`;
    this.select(row);
    this.#reveal(row);
  }

  #listenToKeys(): void {
    const { view } = this.chart.scene;
    const keys: Readonly<Record<string, () => void>> = {
      n: () => this.#stepAnomaly(1),
      p: () => this.#stepAnomaly(-1),
      f: () => view.fit(),
      '/': () => this.#input.focus(),
      '+': () => view.zoom(0.6),
      '=': () => view.zoom(0.6),
      '-': () => view.zoom(1 / 0.6),
      ArrowLeft: () => view.pan(-0.2),
      ArrowRight: () => view.pan(0.2),
      Escape: () => this.clear(),
    };
    addEventListener('keydown', (event) => {
      if (event.ctrlKey || event.metaKey || event.altKey) return;
      if (event.target === this.#input) {
        if (event.key === 'Enter') this.#stepMatch(event.shiftKey ? -1 : 1);
        if (event.key === 'Escape') this.#input.blur();
        return;
      }
      const action = keys[event.key];
      if (action === undefined) return;
      event.preventDefault();
      action();
    });
  }

  #listenToControls(): void {
    const { view } = this.chart.scene;
    const actions: Readonly<Record<string, () => void>> = {
      fit: () => view.fit(),
      in: () => view.zoom(0.6),
      out: () => view.zoom(1 / 0.6),
      next: () => this.#stepAnomaly(1),
      previous: () => this.#stepAnomaly(-1),
    };
    this.#input.addEventListener('input', () => this.#search());
    addEventListener('click', (event) => {
      const target = event.target as Element;
      const button = target.closest<HTMLElement>('[data-action], [data-anomaly], [data-row]');
      if (button?.dataset.action !== undefined) actions[button.dataset.action]?.();
      if (button?.dataset.anomaly !== undefined) this.showAnomaly(Number(button.dataset.anomaly));
      if (button?.dataset.row !== undefined) {
        this.select(Number(button.dataset.row));
        this.#reveal(Number(button.dataset.row));
      }
    });
  }

  #followHash(): void {
    const match = /^#op=(\d+)$/.exec(location.hash);
    if (match === null) return;
    const { operations } = this.chart.scene;
    const wanted = Number(match[1]);
    for (let row = 0; row < operations.count; row++) {
      const index = operations.index[row] as number;
      if (index !== wanted && index + (operations.span[row] as number) !== wanted) continue;
      this.select(row);
      this.#reveal(row);
      element('timeline').scrollIntoView({ block: 'nearest' });
      return;
    }
  }
}

function listenToCopies(): void {
  addEventListener('click', (event) => {
    const button = (event.target as Element).closest<HTMLElement>('[data-copy]');
    if (button === null) return;
    copy(button.dataset.copy ?? '');
    const before = button.textContent;
    button.textContent = 'Copied';
    setTimeout(() => {
      button.textContent = before;
    }, 1_200);
  });
}

/** `file://` is no secure context for some browsers, so the old way stands behind the new one. */
function copy(text: string): void {
  const byHand = () => {
    const area = document.createElement('textarea');
    area.value = text;
    document.body.append(area);
    area.select();
    document.execCommand('copy');
    area.remove();
  };
  if (navigator.clipboard === undefined) byHand();
  else navigator.clipboard.writeText(text).catch(byHand);
}

document.documentElement.classList.add('scripted');
listenToCopies();
if (document.getElementById('data') !== null) {
  readPayload()
    .then((payload) => {
      new Page(payload);
      document.documentElement.dataset.ready = 'yes';
    })
    .catch((error: unknown) => {
      element('timeline-error').textContent = `The timeline cannot be drawn: ${String(error)}`;
    });
}
