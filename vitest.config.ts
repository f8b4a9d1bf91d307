import { defineConfig } from 'vitest/config';

/** One project per kind of test; `npm test` runs them all but `long`. */
const project = (name: string, testTimeout: number) => ({
  test: {
    name,
    include: [`test/${name}/**/*.test.ts`],
    testTimeout,
    hookTimeout: testTimeout,
    pool: 'forks' as const,
  },
});

export default defineConfig({
  test: {
    // Vitest would leave one of two cores idle.
    maxWorkers: '100%',
    projects: [
      project('unit', 20_000),
      project('property', 60_000),
      project('golden', 30_000),
      project('simulation', 180_000),
      project('process', 120_000),
      project('conformance', 180_000),
      project('container', 300_000),
      project('browser', 120_000),
      project('long', 10_800_000),
    ],
  },
});
