/** What a read of an append-only object says: a list, or a text put together from the texts appended. */
import { type History, Outcome } from '../history/columns.ts';

/** Why a content can't be taken apart: something in it was never written, or could be several writes. */
export type Unreadable = 'none' | 'ambiguous';

/** Writers of the tokens of a content in order, and the size of the content after each of them. */
export interface Spelling {
  readonly writers: readonly number[];
  readonly sizes: readonly number[];
}

/** How contents are taken apart. */
export interface Script<Content> {
  readonly empty: Content;
  isContent(value: unknown): value is Content;
  sizeOf(content: Content): number;
  isPrefix(shorter: Content, longer: Content): boolean;
  tokens(content: Content): readonly unknown[] | Unreadable;
  /** The first one of a content that has any. */
  firstToken(content: Content): readonly unknown[] | Unreadable;
  sizeOfToken(token: unknown): number;
  join(tokens: readonly unknown[]): Content;
}

export const listScript: Script<readonly unknown[]> = {
  empty: [],
  isContent: (value): value is readonly unknown[] => Array.isArray(value),
  sizeOf: ({ length }) => length,
  isPrefix: (shorter, longer) => shorter.every((token, at) => token === longer[at]),
  tokens: (content) => content,
  firstToken: (content) => content.slice(0, 1),
  sizeOfToken: () => 1,
  join: (tokens) => tokens,
};

/** A text that was taken apart. */
interface Taken {
  readonly text: string;
  readonly tokens: readonly string[];
}

export function textScript(words: ReadonlySet<unknown>): Script<string> {
  const lengths = lengthsOf(words);
  // Where no word begins another, the first one that fits is the only one.
  const isPrefixFree = [...words].every((word) =>
    lengths.every((length) => {
      const text = word as string;
      return length >= text.length || !words.has(text.slice(0, length));
    }),
  );
  /** The token at a place; none where nothing fits, and the empty one where several would. */
  const tokenAt = (text: string, from: number): string | undefined => {
    let found: string | undefined;
    for (const length of lengths) {
      if (from + length > text.length) continue;
      const token = text.slice(from, from + length);
      if (!words.has(token)) continue;
      if (isPrefixFree) return token;
      if (found !== undefined) return '';
      found = token;
    }
    return found;
  };
  const whyNot = (token: string | undefined): Unreadable => (token === '' ? 'ambiguous' : 'none');
  // Many contents begin with the same one.
  let first: readonly [string] | undefined;
  // And many go on where the one before ended.
  const none: Taken = { text: '', tokens: [] };
  let last = none;
  return {
    empty: '',
    isContent: (value): value is string => typeof value === 'string',
    sizeOf: ({ length }) => length,
    isPrefix: (shorter, longer) => longer.startsWith(shorter),
    tokens: (text) => {
      const known = isPrefixFree && text.startsWith(last.text) ? last : none;
      const tokens = [...known.tokens];
      for (let from = known.text.length; from < text.length; ) {
        const token = tokenAt(text, from);
        if (token === undefined || token === '') return whyNot(token);
        tokens.push(token);
        from += token.length;
      }
      last = { text, tokens };
      return tokens;
    },
    firstToken: (text) => {
      if (first !== undefined && isPrefixFree && text.startsWith(first[0])) return first;
      const token = tokenAt(text, 0);
      if (token === undefined || token === '') return whyNot(token);
      first = [token];
      return first;
    },
    sizeOfToken: (token) => (token as string).length,
    join: (tokens) => tokens.join(''),
  };
}

/** The most frequent first: to try one is to cut a text and look for the piece. */
function lengthsOf(words: ReadonlySet<unknown>): readonly number[] {
  const counts = new Map<number, number>();
  for (const word of words) {
    const { length } = word as string;
    counts.set(length, (counts.get(length) ?? 0) + 1);
  }
  return [...counts].sort(([, one], [, other]) => other - one).map(([length]) => length);
}

/**
 * Who wrote each token. A text that several operations wrote is resolved by time where that is enough:
 * a read sees nothing that began after it ended, and nothing that a put in between has wiped out.
 */
export class Writers {
  readonly hasDuplicates: boolean;
  readonly #history: History;
  readonly #byToken: ReadonlyMap<unknown, readonly number[]>;
  /** Ends of the puts in order, and the one that began last among those that ended by then. */
  readonly #putEnds: readonly number[];
  readonly #latestPut: readonly number[];

  constructor(
    history: History,
    byToken: ReadonlyMap<unknown, readonly number[]>,
    puts: readonly number[],
  ) {
    this.#history = history;
    this.#byToken = byToken;
    this.hasDuplicates = [...byToken.values()].some((writers) => writers.length > 1);
    const completed = puts.filter((op) => history.outcome[op] === Outcome.ok);
    completed.sort((a, b) => (history.end[a] as number) - (history.end[b] as number));
    this.#putEnds = completed.map((op) => history.end[op] as number);
    let latest: number | undefined;
    this.#latestPut = completed.map((op) => {
      const isLater =
        latest === undefined || (history.start[op] as number) > (history.start[latest] as number);
      latest = isLater ? op : latest;
      return latest as number;
    });
  }

  /** Writers of what a read saw. */
  resolve(tokens: readonly unknown[], read: number): readonly number[] | Unreadable {
    const writers: number[] = [];
    let uses: Map<unknown, number> | undefined;
    for (const token of tokens) {
      const all = this.#byToken.get(token);
      if (all === undefined) return 'none';
      if (all.length === 1) {
        writers.push(all[0] as number);
        continue;
      }
      uses ??= new Map();
      const nth = uses.get(token) ?? 0;
      uses.set(token, nth + 1);
      const possible = this.#possible(all, read);
      const total = tokens.filter((other) => other === token).length;
      if (possible.length !== total || !this.#isInTurn(possible)) return 'ambiguous';
      writers.push(possible[nth] as number);
    }
    return writers;
  }

  /** Tells what a read saw from older writes of the same texts; none where all are unique. */
  putBefore(read: number): number | undefined {
    return this.hasDuplicates ? this.#latestBefore(this.#history.start[read] as number) : undefined;
  }

  #possible(writers: readonly number[], read: number): readonly number[] {
    const { start, end } = this.#history;
    const put = this.#latestBefore(start[read] as number);
    const wipedOut = put === undefined ? -1 : (start[put] as number);
    return writers.filter((op) => {
      return (start[op] as number) < (end[read] as number) && (end[op] as number) > wipedOut;
    });
  }

  /** The put that began last of those that ended before a rank. */
  #latestBefore(rank: number): number | undefined {
    let low = 0;
    let high = this.#putEnds.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#putEnds[middle] as number) < rank) low = middle + 1;
      else high = middle;
    }
    return this.#latestPut[low - 1];
  }

  /** Whether each was over before the next began. */
  #isInTurn(writers: readonly number[]): boolean {
    const { start, end } = this.#history;
    return writers.every((op, at) => {
      const next = writers[at + 1];
      return next === undefined || (end[op] as number) < (start[next] as number);
    });
  }
}
