/** The report of `umpire tolerance`. */
export type { ToleranceReportInput } from '../input.ts';
export { writeToleranceReport } from './render-tolerance.ts';
