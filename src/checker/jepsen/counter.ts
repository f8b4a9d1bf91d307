/**
 * A counter with `add` of any amount and `read`: a read is at least what had been added for certain when it
 * began, and at most what may have been added when it ended (the other way round for negative amounts).
 * Necessary, not sufficient. Jepsen: checker/counter.
 */
import type { Operation } from '../history.ts';
import { Findings } from '../report.ts';
import type { CheckResult } from '../verdict.ts';
import { factsOf, isOk, isRefused, operationText } from './elements.ts';

export function checkCounterAdds(operations: readonly Operation[]): CheckResult {
  const findings = new Findings();
  const adds = operations.filter((operation) => operation.f === 'add' && !isRefused(operation));
  const reads = operations.filter((operation) => operation.f === 'read' && isOk(operation));
  const began = new Sums(adds.map((add) => [add.invoke.index, amountOf(add)]));
  const ended = new Sums(
    adds.filter(isOk).map((add) => [add.completion?.index ?? 0, amountOf(add)]),
  );
  for (const read of reads) {
    const value = read.completion?.value;
    if (typeof value !== 'number') continue;
    findings.looked++;
    const from = read.invoke.index;
    const until = read.completion?.index ?? from;
    const low = ended.positiveAt(from) + began.negativeAt(until);
    const high = began.positiveAt(until) + ended.negativeAt(from);
    if (value >= low && value <= high) continue;
    const message = `${operationText(read)} got ${value}, which is not within ${low} and ${high}`;
    findings.add({ ...factsOf(read), kind: 'counter-out-of-bounds', message });
  }
  return findings.result('counter', 'reads', 'Every read lies within its bounds');
}

function amountOf({ invoke }: Operation): number {
  return typeof invoke.value === 'number' ? invoke.value : 1;
}

/** Sums of the amounts up to a place in the history, by sign. */
class Sums {
  readonly #places: number[] = [];
  readonly #positive: number[] = [];
  readonly #negative: number[] = [];

  constructor(amounts: readonly (readonly [place: number, amount: number])[]) {
    let [positive, negative] = [0, 0];
    for (const [place, amount] of [...amounts].sort(([a], [b]) => a - b)) {
      if (amount > 0) positive += amount;
      else negative += amount;
      this.#places.push(place);
      this.#positive.push(positive);
      this.#negative.push(negative);
    }
  }

  positiveAt(place: number): number {
    return this.#positive[this.#countBefore(place) - 1] ?? 0;
  }
  negativeAt(place: number): number {
    return this.#negative[this.#countBefore(place) - 1] ?? 0;
  }

  #countBefore(place: number): number {
    let low = 0;
    let high = this.#places.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#places[middle] as number) < place) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
