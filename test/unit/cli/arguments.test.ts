import { describe, expect, it } from 'vitest';
import {
  nearest,
  parseCount,
  parseDuration,
  parseNames,
  parseSeed,
  randomSeed,
} from '../../../src/cli/arguments.ts';
import { describeError, UsageError } from '../../../src/cli/errors.ts';
import { parseRunOptions, resolveNemesis } from '../../../src/cli/run-request.ts';
import { exitCodeOf, worstVerdict } from '../../../src/cli/verdicts.ts';

function codeOf(action: () => unknown): string {
  try {
    action();
  } catch (error) {
    if (error instanceof UsageError) return error.code;
    throw error;
  }
  return 'nothing thrown';
}

describe('values of options', () => {
  it('reads durations', () => {
    const texts = ['500ms', '30s', '2m', '1.5h', ' 1s '];
    expect(texts.map((text) => parseDuration(text, '--budget'))).toEqual([
      500, 30_000, 120_000, 5_400_000, 1_000,
    ]);
    for (const text of ['30', 's', '-1s', '0s', '1 d', '1e3s', '']) {
      expect(codeOf(() => parseDuration(text, '--budget'))).toBe('bad-duration');
    }
  });

  it('reads counts within bounds', () => {
    expect(parseCount('9', '--nodes', 1, 9)).toBe(9);
    for (const text of ['0', '10', '1.5', 'x', '', '-1']) {
      expect(codeOf(() => parseCount(text, '--nodes', 1, 9))).toBe('bad-number');
    }
  });

  it('keeps a seed as its text', () => {
    expect(['5EED', '0x5eed', '5eed-0a'].map(parseSeed)).toEqual(['5eed', '5eed', '5eed-0a']);
    expect(parseSeed(randomSeed())).toHaveLength(16);
    for (const text of ['', 'seed', '0123456789abcdef0', '5eed-']) {
      expect(codeOf(() => parseSeed(text))).toBe('bad-seed');
    }
  });

  it('suggests the nearest name', () => {
    expect(parseNames('lock,register,lock', '--workload', ['register', 'lock'])).toEqual([
      'lock',
      'register',
    ]);
    expect(codeOf(() => parseNames('', '--workload', ['lock']))).toBe('unknown-name');
    expect(nearest('regster', ['register', 'lock'])).toBe('register');
    expect(nearest('zzzzzz', ['register', 'lock'])).toBeUndefined();
  });
});

describe('run options', () => {
  it('is the default job without a word about what to run', () => {
    expect(parseRunOptions({ seed: '5eed', budget: '10s' }).world).toBeUndefined();
    expect(parseRunOptions({ workload: 'lock' }).world).toBe('simulation');
    expect(parseRunOptions({ world: 'process' }).world).toBe('process');
  });

  it('opens families, and owes only what was named itself', () => {
    expect(resolveNemesis('clock')).toEqual({
      names: ['clock-bump', 'clock-strobe', 'clock-rate'],
      isOwed: false,
    });
    expect(resolveNemesis('pause,kill')).toEqual({ names: ['kill', 'pause'], isOwed: true });
    expect(codeOf(() => resolveNemesis('kil'))).toBe('unknown-name');
    expect(codeOf(() => resolveNemesis(''))).toBe('unknown-name');
  });

  it('refuses a named fault that makes no sense with so few servers', () => {
    expect(codeOf(() => parseRunOptions({ nemesis: 'partition-halves', nodes: '1' }))).toBe(
      'too-few-nodes',
    );
    expect(parseRunOptions({ nemesis: 'partition', nodes: '1' }).nodes).toBe(1);
    expect(codeOf(() => parseRunOptions({ world: 'moon' }))).toBe('unknown-name');
  });
});

describe('verdicts', () => {
  it('tells the most informative one', () => {
    expect(worstVerdict([])).toBe('pass');
    expect(worstVerdict(['pass', 'unknown', 'not-exercised'])).toBe('not-exercised');
    expect(worstVerdict(['harness-error', 'violation', 'pass'])).toBe('violation');
    expect(worstVerdict(['not-exercised', 'harness-error'])).toBe('harness-error');
  });

  it('orders exit codes 1, 5, 4, 3, 2', () => {
    const verdicts = ['violation', 'harness-error', 'not-exercised', 'unknown', 'pass'] as const;
    expect(verdicts.map((verdict) => exitCodeOf(verdict))).toEqual([1, 5, 3, 2, 0]);
    expect(verdicts.map((verdict) => exitCodeOf(verdict, true))).toEqual([1, 5, 4, 4, 4]);
  });
});

describe('errors', () => {
  it('say what happened, why, and what to do next', () => {
    const error = new UsageError({ code: 'some-code', what: 'What.', why: 'Why.', next: 'Next.' });
    expect(describeError(error)).toBe('umpire: What. [some-code]\n  why:  Why.\n  next: Next.');
    expect(error.exitCode).toBe(64);
  });
});
