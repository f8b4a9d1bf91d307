/** Puts the rendered files of a run or of a portfolio beside its data. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { PortfolioReportInput, ReportInput } from './input.ts';
import { renderJunit } from './junit.ts';
import { renderMarkdown, renderPortfolioMarkdown } from './markdown.ts';
import { renderPortfolioReport, renderReport } from './render.ts';

/** Returns the path of the HTML file. */
export function writeRunReports(directory: string, input: ReportInput): string {
  const report = join(directory, 'report.html');
  writeFileSync(report, renderReport(input));
  writeFileSync(join(directory, 'junit.xml'), renderJunit([input.result]));
  writeFileSync(join(directory, 'summary.md'), renderMarkdown(input.result));
  return report;
}

export function writePortfolioReports(directory: string, input: PortfolioReportInput): string {
  const report = join(directory, 'report.html');
  writeFileSync(report, renderPortfolioReport(input));
  const results = input.rows.map(({ result }) => result);
  writeFileSync(join(directory, 'junit.xml'), renderJunit(results));
  writeFileSync(join(directory, 'summary.md'), renderPortfolioMarkdown(input));
  return report;
}
