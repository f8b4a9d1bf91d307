/** Texts that go on where the last one ended are taken apart as if each came alone. */
import { expect, test } from 'vitest';
import { textScript } from '../../../../src/checker/fast/texts.ts';

test.each([
  ['words that begin no other', ['x1y', 'x12y', 'z'], ['x1y', 'x1yx12y', 'z', 'x1yz', 'x1yw']],
  ['words that begin others', ['a', 'ab', 'b'], ['a', 'ab', 'b', 'bb', 'bba']],
])('%s', (_, words, texts) => {
  const known = new Set(words);
  const one = textScript(known);
  const together = texts.map((text) => one.tokens(text));
  expect(together).toEqual(texts.map((text) => textScript(known).tokens(text)));
  expect(together.filter((tokens) => typeof tokens === 'string')).toHaveLength(1);
});
