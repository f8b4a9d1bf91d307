import { describe, expect, it } from 'vitest';
import { parseHosts } from '../../../src/client/connect-string.ts';

describe('connect string', () => {
  it('lists hosts with their ports', () => {
    expect(parseHosts('a:1, b,[::1]:65535')).toEqual([
      { host: 'a', port: 1 },
      { host: 'b', port: 2181 },
      { host: '::1', port: 65_535 },
    ]);
    expect(parseHosts(['a:1', { host: 'b', port: 2, server: 3 }])).toEqual([
      { host: 'a', port: 1 },
      { host: 'b', port: 2, server: 3 },
    ]);
  });

  it.each(['', 'a:0', 'a:65536', 'a:b', 'a:1/chroot', '::1:2181', 'a:1,'])(
    'refuses "%s" and says what it wants',
    (text) => {
      expect(() => parseHosts(text)).toThrow(/host:port/);
    },
  );

  it('refuses an empty list', () => {
    expect(() => parseHosts([])).toThrow(/empty/);
  });
});
