/** Colours and patterns of the canvas, read from the page's style sheet so that both follow the scheme. */
export interface Theme {
  readonly ink: string;
  readonly quiet: string;
  readonly line: string;
  readonly page: string;
  readonly panel: string;
  readonly accent: string;
  readonly violation: string;
  readonly fault: string;
  /** By `operationTypes`. */
  readonly outcome: readonly string[];
  readonly epochs: readonly string[];
  readonly hatch: { readonly fault: CanvasPattern; readonly info: CanvasPattern };
  readonly absent: CanvasPattern;
}

export function readTheme(context: CanvasRenderingContext2D): Theme {
  const style = getComputedStyle(document.documentElement);
  const color = (name: string) => style.getPropertyValue(`--${name}`).trim();
  const info = color('info');
  return {
    ink: color('ink'),
    quiet: color('quiet'),
    line: color('line'),
    page: color('page'),
    panel: color('panel'),
    accent: color('accent'),
    violation: color('violation'),
    fault: color('fault'),
    outcome: [color('ok'), color('fail'), info, info],
    epochs: [1, 2, 3, 4, 5, 6].map((number) => color(`epoch-${number}`)),
    hatch: {
      fault: hatch(context, color('fault'), color('fault-soft'), 7),
      info: hatch(context, info, color('info-soft'), 5),
    },
    absent: hatch(context, color('violation'), 'transparent', 6),
  };
}

function hatch(
  context: CanvasRenderingContext2D,
  stroke: string,
  fill: string,
  size: number,
): CanvasPattern {
  const tile = document.createElement('canvas');
  const scale = devicePixelRatio || 1;
  tile.width = tile.height = Math.round(size * scale);
  const pen = tile.getContext('2d') as CanvasRenderingContext2D;
  const edge = tile.width;
  pen.fillStyle = fill;
  pen.fillRect(0, 0, edge, edge);
  pen.strokeStyle = stroke;
  pen.lineWidth = 1.4 * scale;
  pen.beginPath();
  for (const shift of [-edge, 0, edge]) {
    pen.moveTo(shift - 1, edge + 1);
    pen.lineTo(shift + edge + 1, -1);
  }
  pen.stroke();
  const pattern = context.createPattern(tile, 'repeat') as CanvasPattern;
  pattern.setTransform(new DOMMatrix().scale(1 / scale));
  return pattern;
}
