/**
 * On GitHub: what did not pass becomes an annotation with the commands that run it again, and the Markdown
 * summary of the run goes to the job's page. Elsewhere nothing.
 */
import { appendFileSync, existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Summary } from './outcome.ts';

/** `::error title=…::…`, as workflow commands want it: one line, percent-encoded. */
export function annotationOf({ verdict, sentence, next }: Summary): string {
  const escape = (text: string): string =>
    text.replaceAll('%', '%25').replaceAll('\r', '%0D').replaceAll('\n', '%0A');
  return `::error title=umpire ${verdict}::${escape([sentence, ...next].join('\n'))}`;
}

export function tellGitHub(summary: Summary, environment: NodeJS.ProcessEnv = process.env): void {
  if (environment.GITHUB_ACTIONS !== 'true') return;
  if (summary.verdict !== 'pass') process.stderr.write(`${annotationOf(summary)}\n`);
  const markdown = join(summary.paths.directory ?? '', 'summary.md');
  const page = environment.GITHUB_STEP_SUMMARY;
  if (page !== undefined && existsSync(markdown)) appendFileSync(page, readFileSync(markdown));
}
