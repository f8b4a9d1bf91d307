/**
 * Java's properties syntax, which zoo.cfg is written in (java.util.Properties.load):
 *
 *   line      = blank | ('#' | '!') comment | key [separator value]
 *   separator = blanks, or '=' or ':' with blanks around it; a backslash takes its meaning away
 *   a backslash at the end of a line joins the next one, whose leading blanks are dropped
 *   escapes   = \t \n \r \f \uXXXX; before any other character the backslash just vanishes
 */
export interface Property {
  readonly key: string;
  readonly value: string;
  /** Line on which it begins, counted from 1. */
  readonly line: number;
}

/** In file order, repetitions included; the last of equal keys wins upstream. */
export function parseProperties(text: string): Property[] {
  const properties: Property[] = [];
  const lines = text.split(/\r\n|\r|\n/);
  for (let index = 0; index < lines.length; index++) {
    const line = index + 1;
    let logical = trimStart(lines[index] as string);
    if (logical === '' || logical.startsWith('#') || logical.startsWith('!')) continue;
    while (endsWithOpenBackslash(logical)) {
      index++;
      logical = logical.slice(0, -1) + trimStart(lines[index] ?? '');
    }
    const { key, value } = splitProperty(logical);
    properties.push({ key: unescape(key), value: unescape(value), line });
  }
  return properties;
}

function trimStart(text: string): string {
  return text.replace(/^[ \t\f]+/, '');
}

/** An even number of backslashes escape each other. */
function endsWithOpenBackslash(text: string): boolean {
  return (/\\*$/.exec(text)?.[0].length ?? 0) % 2 === 1;
}

function splitProperty(logical: string): { key: string; value: string } {
  const key = /^(?:\\.|[^\\=: \t\f])*/s.exec(logical)?.[0] ?? '';
  const value = logical.slice(key.length).replace(/^[ \t\f]*[=:]?[ \t\f]*/, '');
  return { key, value };
}

const controls: Readonly<Record<string, string>> = { t: '\t', n: '\n', r: '\r', f: '\f' };

function unescape(text: string): string {
  return text.replace(/\\(?:u([0-9a-fA-F]{4})|(.))?/gs, (_, hex?: string, character?: string) => {
    if (hex !== undefined) return String.fromCharCode(Number.parseInt(hex, 16));
    return character === undefined ? '' : (controls[character] ?? character);
  });
}
