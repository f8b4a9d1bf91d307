/**
 * What an experiment saw, sentence by sentence, and the verdict that follows: the sentence of the claim
 * *as stated*, a condition under which it holds (*only if*), or what holds in its place (*instead*). The
 * same rule as that of the models: a broken sentence with an unbroken condition is qualified, without one it
 * is refuted; nothing seen is no verdict.
 */
import type { RecordedVerdict } from '../../../spec/claims/index.ts';

type Group = 'as stated' | 'only if' | 'instead';

export class Sightings {
  readonly #groups: Record<Group, Map<string, { seen: number; broken: number }>> = {
    'as stated': new Map(),
    'only if': new Map(),
    instead: new Map(),
  };
  readonly #notes = new Map<string, number>();

  /** One look at the sentence as the claim says it. */
  stated(sentence: string, isTrue: boolean): void {
    this.#see('as stated', sentence, isTrue);
  }

  /** A part of the claim that has to be seen as well; without it there is no verdict. */
  owed(sentence: string): void {
    this.#tally('as stated', sentence);
  }

  onlyIf(sentence: string, isTrue: boolean): void {
    this.#see('only if', sentence, isTrue);
  }

  instead(sentence: string, isTrue: boolean): void {
    this.#see('instead', sentence, isTrue);
  }

  /** A number for the reader; it decides nothing. */
  note(name: string, value: number): void {
    this.#notes.set(name, value);
  }

  add(more: Sightings): void {
    for (const group of ['as stated', 'only if', 'instead'] as const) {
      for (const [sentence, { seen, broken }] of more.#groups[group]) {
        const own = this.#tally(group, sentence);
        own.seen += seen;
        own.broken += broken;
      }
    }
    for (const [name, value] of more.#notes) this.#notes.set(name, value);
  }

  verdict(): RecordedVerdict | undefined {
    const stated = this.#answer('as stated');
    if (stated === undefined) return undefined;
    const onlyIf = this.#answer('only if');
    const instead = this.#answer('instead');
    if (onlyIf === false || instead === false) return 'undecided';
    if (stated) return 'holds';
    return onlyIf === true && instead === undefined ? 'qualified' : 'refuted';
  }

  counts(): Readonly<Record<string, number>> {
    const counts: Record<string, number> = {};
    for (const [group, sentences] of Object.entries(this.#groups)) {
      for (const [sentence, { seen, broken }] of sentences) {
        counts[`${group}: ${sentence}: seen`] = seen;
        if (broken > 0) counts[`${group}: ${sentence}: broken`] = broken;
      }
    }
    for (const [name, value] of this.#notes) counts[name] = value;
    return counts;
  }

  /** The first sentence that was broken, for a line of text. */
  broken(): string | undefined {
    for (const sentences of Object.values(this.#groups)) {
      for (const [sentence, { broken }] of sentences) if (broken > 0) return sentence;
    }
    return undefined;
  }

  looked(): number {
    const tallies = Object.values(this.#groups).flatMap((sentences) => [...sentences.values()]);
    return tallies.reduce((sum, { seen }) => sum + seen, 0);
  }

  #see(group: Group, sentence: string, isTrue: boolean): void {
    const tally = this.#tally(group, sentence);
    tally.seen++;
    if (!isTrue) tally.broken++;
  }

  #tally(group: Group, sentence: string): { seen: number; broken: number } {
    const known = this.#groups[group].get(sentence);
    if (known !== undefined) return known;
    const fresh = { seen: 0, broken: 0 };
    this.#groups[group].set(sentence, fresh);
    return fresh;
  }

  /** Undefined where nothing was looked at, or where something that is owed was not. */
  #answer(group: Group): boolean | undefined {
    const tallies = [...this.#groups[group].values()];
    if (tallies.length === 0 || tallies.some(({ seen }) => seen === 0)) return undefined;
    return tallies.every(({ broken }) => broken === 0);
  }
}
