/**
 * Reads EDN, the notation of Clojure's data, as far as histories use it. Keywords and symbols become their
 * names, sets and lists become arrays, maps become objects with their keys as text, tagged values lose
 * their tag.
 */

export class EdnError extends Error {
  override readonly name = 'EdnError';
  /** Counted from 1. */
  readonly line: number;
  readonly why: string;
  constructor(line: number, why: string) {
    super(`line ${line}: ${why}`);
    this.line = line;
    this.why = why;
  }
}

export interface EdnValue {
  readonly value: unknown;
  /** Where it begins, counted from 1. */
  readonly line: number;
}

/** All values of a text, one after the other. */
export function* readEdn(text: string, firstLine: number = 1): Generator<EdnValue> {
  const reader = new EdnReader(text, firstLine);
  for (let found = reader.next(); found !== undefined; found = reader.next()) yield found;
}

const NOTHING = Symbol('nothing');
const closers: Readonly<Record<string, string>> = { '[': ']', '(': ')', '{': '}' };
const isSpace = (char: string): boolean => /[\s,]/.test(char);
const isEnd = (char: string): boolean => char === '' || /[\s,()[\]{}";]/.test(char);
const escapes: Readonly<Record<string, string>> = { n: '\n', t: '\t', r: '\r', b: '\b', f: '\f' };

class EdnReader {
  readonly #text: string;
  #at = 0;
  #line: number;

  constructor(text: string, firstLine: number) {
    this.#text = text;
    this.#line = firstLine;
  }

  next(): EdnValue | undefined {
    this.#skipSpace();
    const line = this.#line;
    const value = this.#read();
    return value === NOTHING ? undefined : { value, line };
  }

  #fail(why: string): never {
    throw new EdnError(this.#line, why);
  }

  #peek(): string {
    return this.#text.charAt(this.#at);
  }

  #take(): string {
    const char = this.#text.charAt(this.#at++);
    if (char === '\n') this.#line++;
    return char;
  }

  #skipSpace(): void {
    for (let char = this.#peek(); char !== ''; char = this.#peek()) {
      if (char === ';') {
        while (this.#peek() !== '' && this.#peek() !== '\n') this.#at++;
      } else if (isSpace(char)) {
        this.#take();
      } else {
        return;
      }
    }
  }

  /** NOTHING at the end of the text. */
  #read(): unknown {
    this.#skipSpace();
    const char = this.#peek();
    switch (char) {
      case '':
        return NOTHING;
      case '"':
        return this.#string();
      case '\\':
        return this.#character();
      case '[':
      case '(':
        this.#take();
        return this.#sequence(closers[char] as string);
      case '{':
        this.#take();
        return this.#map();
      case '#':
        this.#take();
        return this.#dispatch();
      case ']':
      case ')':
      case '}':
        return this.#fail(`${char} closes nothing`);
      default:
        return this.#atom();
    }
  }

  #sequence(closer: string): unknown[] {
    const items: unknown[] = [];
    for (;;) {
      this.#skipSpace();
      if (this.#peek() === closer) {
        this.#take();
        return items;
      }
      const item = this.#read();
      if (item === NOTHING) this.#fail(`${closer} is missing`);
      items.push(item);
    }
  }

  #map(): Record<string, unknown> {
    const items = this.#sequence('}');
    if (items.length % 2 === 1) this.#fail('a map has a key without a value');
    const map: Record<string, unknown> = {};
    for (let at = 0; at < items.length; at += 2) {
      const key = items[at];
      map[typeof key === 'string' ? key : JSON.stringify(key)] = items[at + 1];
    }
    return map;
  }

  /** What follows a #: a set, something to leave out, or a tag. */
  #dispatch(): unknown {
    if (this.#peek() === '{') {
      this.#take();
      return this.#sequence('}');
    }
    if (this.#peek() === '_') {
      this.#take();
      this.#read();
      return this.#read();
    }
    this.#word();
    return this.#read();
  }

  #string(): string {
    this.#take();
    let value = '';
    for (let char = this.#take(); char !== '"'; char = this.#take()) {
      if (char === '') this.#fail('a text does not end');
      if (char !== '\\') {
        value += char;
        continue;
      }
      const escaped = this.#take();
      if (escaped === 'u') {
        value += String.fromCharCode(Number.parseInt(this.#text.slice(this.#at, this.#at + 4), 16));
        this.#at += 4;
      } else {
        value += escapes[escaped] ?? escaped;
      }
    }
    return value;
  }

  #character(): string {
    this.#take();
    const word = this.#take() + this.#word();
    return { newline: '\n', space: ' ', tab: '\t', return: '\r' }[word] ?? word;
  }

  #word(): string {
    const from = this.#at;
    while (!isEnd(this.#peek())) this.#at++;
    return this.#text.slice(from, this.#at);
  }

  #atom(): unknown {
    const word = this.#word();
    if (word.startsWith(':')) return word.slice(1);
    if (/^[+-]?\d/.test(word)) {
      const [top, bottom] = word.split('/');
      const number = Number((top as string).replace(/[NM]$/, '')) / Number(bottom ?? 1);
      if (Number.isNaN(number)) this.#fail(`${word} is no number`);
      return number;
    }
    return { nil: null, true: true, false: false }[word] ?? (word === 'nil' ? null : word);
  }
}
