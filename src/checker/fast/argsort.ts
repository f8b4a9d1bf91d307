/** Indices in the order of their keys, equal keys by index. A key that carries its index sorts natively. */

const INDEX_FACTOR = 1 << 21;

/** `chosen`: which indices; all of them by default. */
export function argsort(
  keys: Int32Array,
  chosen: (index: number) => boolean = () => true,
): Int32Array {
  const count = keys.length;
  if (count > INDEX_FACTOR) {
    const indices = Array.from(keys.keys()).filter(chosen);
    return Int32Array.from(
      indices.sort((a, b) => (keys[a] as number) - (keys[b] as number) || a - b),
    );
  }
  const carriers = new Float64Array(count);
  let size = 0;
  for (let index = 0; index < count; index++) {
    if (chosen(index)) carriers[size++] = (keys[index] as number) * INDEX_FACTOR + index;
  }
  const sorted = carriers.subarray(0, size).sort();
  const order = new Int32Array(size);
  for (let at = 0; at < size; at++) {
    const carrier = sorted[at] as number;
    // Keys may be negative.
    order[at] = carrier - Math.floor(carrier / INDEX_FACTOR) * INDEX_FACTOR;
  }
  return order;
}
