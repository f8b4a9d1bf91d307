/** The report of `umpire tolerance`. */
export { type ToleranceReportInput, writeToleranceReport } from './render-tolerance.ts';
