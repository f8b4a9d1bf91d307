/** `summary.md`: what a pull request comment or a CI job summary shows. */
import type { RunResult, Verdict } from '../harness/result.ts';
import { formatCount } from './format.ts';
import type { PortfolioReportInput } from './input.ts';
import { missingStep } from './junit.ts';
import { verdictWord } from './verdict-badge.ts';

const signs: Readonly<Record<Verdict, string>> = {
  pass: '✅',
  violation: '❌',
  unknown: '❔',
  'not-exercised': '⭕',
  'harness-error': '⚠️',
};

/** GitHub cuts comments at 65 536 characters. */
const TEXT_MAX = 60_000;

function title(verdict: Verdict, sentence: string): string {
  return `## ${signs[verdict]} ${verdictWord[verdict]}\n\n${escape(sentence)}\n`;
}

function escape(text: string): string {
  return text.replace(/[\\`*_[\]<>|#]/g, '\\$&').replaceAll('\n', ' ');
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}

function bounded(text: string): string {
  if (text.length <= TEXT_MAX) return text;
  return `${text.slice(0, TEXT_MAX)}\n\n… cut here; the report has the rest.\n`;
}

function commands(replay: readonly string[]): string {
  return replay.length === 0 ? '' : `\n\`\`\`sh\n${replay.join('\n')}\n\`\`\`\n`;
}

export function renderMarkdown(result: RunResult): string {
  const parts = [title(result.verdict, result.sentence)];
  const reasons = result.reasons.filter((reason) => reason !== result.sentence);
  if (reasons.length > 0) parts.push(reasons.map((reason) => `* ${escape(reason)}`).join('\n'), '');
  parts.push(
    `${result.workload} in ${result.world}, ${result.nodes} servers, faults ` +
      `${result.nemesis.join(', ') || 'none'}, seed \`${result.seed}\`, plan \`${result.planHash}\``,
    '',
    table(
      ['Checker', 'Verdict', 'Looked at', 'Summary'],
      result.checks.map((check) => [
        escape(check.checker),
        `${signs[check.verdict]} ${verdictWord[check.verdict]}`,
        `${formatCount(check.looked)} ${check.items}`,
        escape(check.summary),
      ]),
    ),
    '',
  );
  if (result.faults.length > 0) {
    parts.push(
      table(
        ['Fault', 'Servers', 'State', 'Evidence'],
        result.faults.map((fault) => [
          escape(fault.kind),
          fault.nodes.join(', '),
          missingStep(fault) ?? 'verified and healed',
          escape(fault.evidence),
        ]),
      ),
      '',
    );
  }
  const absentGoals = result.goals.filter(({ count }) => count === 0);
  const missed = [
    ...absentGoals.filter(({ isOwed }) => isOwed),
    ...absentGoals.filter(({ isOwed }) => !isOwed),
  ];
  if (missed.length > 0) {
    parts.push(
      `Not exercised: ${missed.map(({ name, isOwed }) => `${escape(name)}${isOwed ? ' (owed)' : ''}`).join(', ')}`,
    );
  }
  const absent = Object.entries(result.notInjected);
  if (absent.length > 0) {
    parts.push(
      `Not injected here: ${absent.map(([name, why]) => `${escape(name)} (${escape(why)})`).join(', ')}`,
    );
  }
  parts.push(commands(result.replay));
  return bounded(`${parts.join('\n')}\n`);
}

export function renderPortfolioMarkdown(input: PortfolioReportInput): string {
  const parts = [title(input.verdict, input.sentence)];
  parts.push(...input.reasons.map((reason) => `* ${escape(reason)}`), '');
  parts.push(
    ...input.selfCheck.map(
      ({ name, passed, text }) =>
        `* ${passed ? '✅' : '❌'} self-check ${escape(name)}: ${escape(text)}`,
    ),
    '',
  );
  const groups = new Map<string, Map<Verdict, number>>();
  for (const { result } of input.rows) {
    const name = `${result.world} · ${result.workload} · ${result.nemesis.join(', ') || 'none'}`;
    const tally = groups.get(name) ?? new Map<Verdict, number>();
    tally.set(result.verdict, (tally.get(result.verdict) ?? 0) + 1);
    groups.set(name, tally);
  }
  parts.push(
    table(
      ['World · workload · faults', 'Runs'],
      [...groups].map(([name, tally]) => [
        escape(name),
        [...tally].map(([verdict, count]) => `${signs[verdict]} ${count} ${verdict}`).join(', '),
      ]),
    ),
    commands(input.replay),
  );
  return bounded(`${parts.join('\n')}\n`);
}
