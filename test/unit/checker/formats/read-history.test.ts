import { describe, expect, test } from 'vitest';
import { EdnError, readEdn } from '../../../../src/checker/formats/edn.ts';
import {
  detectFormat,
  historyReader,
  readHistory,
} from '../../../../src/checker/formats/read-history.ts';

const opsOf = (text: string, options = {}) => {
  const history = readHistory(text, options);
  return Array.from({ length: history.count }, (_, row) => {
    return { process: history.process[row], key: history.keyOf(row), ...history.op(row) };
  });
};

const read = { f: 'read', input: null, outcome: 'ok' };

describe('readHistory', () => {
  test('JSON lines, with or without a key, and the nemesis left out', () => {
    const text = `
{"process":3,"type":"invoke","f":"read","key":"r1","value":null,"time":5}
{"process":"nemesis","type":"info","f":"kill","value":[1],"time":6}
{"process":3,"type":"ok","f":"read","key":"r1","value":{"value":7,"zxid":"1a"},"time":7}
`;
    expect(detectFormat(text)).toBe('ndjson');
    expect(opsOf(text)).toEqual([
      { process: 3, key: 'r1', ...read, output: { value: 7, zxid: '1a' } },
    ]);
  });

  test("porcupine's logs: a map a line", () => {
    const text = `{:process 0, :type :invoke, :f :append, :key "0", :value "x 0 0 y"}
{:process 1, :type :invoke, :f :get, :key "7", :value nil}
{:process 0, :type :ok, :f :append, :key "0", :value "x 0 0 y"}
{:process 1, :type :ok, :f :get, :key "7", :value ""}`;
    expect(detectFormat(text)).toBe('edn');
    expect(opsOf(text)).toMatchObject([
      { process: 0, key: '0', f: 'append', input: 'x 0 0 y', outcome: 'ok' },
      { process: 1, key: '7', f: 'get', output: '' },
    ]);
  });

  test("Jepsen's history.edn: records, one vector, independent keys", () => {
    const text = `[#jepsen.history.Op{:index 0, :time 12, :type :invoke, :process 0, :f :cas, :value [3 [1 2]]}
 {:index 1 :time 13 :type :info :process :nemesis :f :start :value nil}
 {:index 2 :time 14 :type :fail :process 0 :f :cas :value [3 [1 2]] :error [:precondition "no"]}]`;
    expect(detectFormat(text)).toBe('edn');
    expect(opsOf(text, { isIndependent: true })).toEqual([
      { process: 0, key: '3', f: 'cas', input: [1, 2], output: undefined, outcome: 'fail' },
    ]);
  });

  test("Jepsen's log, as the etcd histories have it", () => {
    const text = `INFO  jepsen.core - Running test:
INFO  jepsen.util - 0	:invoke	:read	nil
INFO  jepsen.util - 1	:invoke	:cas	[1 3]
INFO  jepsen.util - 0	:ok	:read	4
INFO  jepsen.util - 1	:info	:cas	:timed-out
INFO  jepsen.util - :nemesis	:info	:start	"cut off"`;
    expect(detectFormat(text)).toBe('jepsen-log');
    expect(opsOf(text)).toEqual([
      { process: 0, key: undefined, ...read, output: 4 },
      { process: 1, key: undefined, f: 'cas', input: [1, 3], output: undefined, outcome: 'info' },
    ]);
  });

  test('chunks may be cut anywhere', () => {
    const text =
      '{"process":1,"type":"invoke","f":"read"}\n{"process":1,"type":"ok","f":"read","value":"ä"}';
    for (let size = 1; size < text.length; size += 7) {
      const reader = historyReader('ndjson');
      for (let at = 0; at < text.length; at += size) reader.feed(text.slice(at, at + size));
      expect(reader.end().op(0).output).toBe('ä');
    }
  });

  test.each([
    ['{"process":1,"type":"invoke","f":"read"}\n{"process":1,', 'line 2: no JSON'],
    ['{"process":1,"type":"invoke","f":"read"}\n[1]', 'line 2: an event is an object'],
    ['{"process":1,"type":"invoked","f":"read"}', 'line 1, type: "invoked" is none of'],
    ['\n\n{:process 0 :type :invoke :f :read', 'line 3: } is missing'],
    ['{:process 0 :type :invoke :f :read} 7', 'line 1: an event is a map'],
    ['INFO  jepsen.util - 0	:began	:read	nil', 'line 1, type: :began is none of'],
    ['INFO  jepsen.util - 0	:ok	:read	[1', 'line 1, value: ] is missing'],
  ])('%j is refused: %s', (text, message) => {
    expect(() => readHistory(text)).toThrow(message);
  });

  test('an independent history needs pairs', () => {
    const text = '{"process":1,"type":"invoke","f":"read","value":7}';
    expect(() => readHistory(text, { isIndependent: true })).toThrow('line 1, value: it is not');
  });
});

describe('readEdn', () => {
  const all = (text: string): unknown[] => [...readEdn(text)].map(({ value }) => value);

  test('reads what histories are made of', () => {
    expect(all('nil true false 12 -3N 1.5e3 1/2 :a/b sym "a\\n\\"b\\u0041" \\c \\newline')).toEqual(
      [null, true, false, 12, -3, 1500, 0.5, 'a/b', 'sym', 'a\n"bA', 'c', '\n'],
    );
    expect(all('[1, [2 (3)] #{4}] {:a {1 2}} #inst "2020" #_ ignored 5 ; comment\n6')).toEqual([
      [1, [2, [3]], [4]],
      { a: { 1: 2 } },
      '2020',
      5,
      6,
    ]);
  });

  test('says on which line it can not go on', () => {
    const failOf = (text: string): unknown => {
      try {
        return all(text);
      } catch (thrown) {
        return thrown;
      }
    };
    expect(failOf('[1\n2\n')).toBeInstanceOf(EdnError);
    expect(failOf('[1\n2\n')).toMatchObject({ line: 3, why: '] is missing' });
    expect(failOf('1\n)')).toMatchObject({ line: 2, why: ') closes nothing' });
    expect(failOf('{:a}')).toMatchObject({ line: 1, why: 'a map has a key without a value' });
    expect(failOf('"open')).toMatchObject({ line: 1, why: 'a text does not end' });
    expect(failOf('12x')).toMatchObject({ line: 1, why: '12x is no number' });
  });
});
