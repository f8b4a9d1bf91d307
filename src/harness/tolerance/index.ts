/** Tolerance: observe who is served under crashes and partitions, and compare with a model's word. */
export type { Word, WorldObservations } from './compare.ts';
export {
  judgeTolerance,
  type TableCell,
  type ToleranceJudgement,
  type ToleranceTable,
} from './judge-tolerance.ts';
export type { Observation } from './observe.ts';
export { crashPatterns, type Pattern } from './pattern.ts';
export { patternPlan } from './pattern-plan.ts';
export { observeAll, observeSimulated } from './run-patterns.ts';
export { tolerancePlan } from './setting.ts';
export { checkWhoServed, withCheck } from './who-served.ts';
