/** Results → HTML, JUnit XML, Markdown and JSON. */
export type { PortfolioReportInput, PortfolioRow, ReportInput, TimedEvent } from './input.ts';
export { renderJunit } from './junit.ts';
export { renderMarkdown, renderPortfolioMarkdown } from './markdown.ts';
export { renderPortfolioReport, renderReport } from './render.ts';
export { writePortfolioReports, writeRunReports } from './write-reports.ts';
