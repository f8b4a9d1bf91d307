/**
 * JUnit XML for CI: one suite per run, one test case per checker, per fault and per owed goal. Only a
 * pass is green: unknown and not exercised are failures, and what the harness got wrong is an error.
 */
import junitReportBuilder, { type Builder } from 'junit-report-builder';
import type { CheckResult } from '../checker/verdict.ts';
import type { FaultRecord, RunResult } from '../harness/result.ts';
import type { ToleranceReportInput } from './input.ts';

/** The package is CommonJS and exports the builder itself, where its types speak of a `default`. */
const rootBuilder = junitReportBuilder as unknown as Builder;

export function renderJunit(results: readonly RunResult[]): string {
  const builder = rootBuilder.newBuilder();
  for (const result of results) {
    const suite = builder.testSuite().name(`${result.world}: ${result.name}`);
    suite.timestamp(new Date(result.date));
    suite.time(result.durationMs / 1000);
    for (const [name, value] of Object.entries(propertiesOf(result))) suite.property(name, value);
    const className = `${result.world}.${result.workload}`;
    const verdict = suite.testCase().className(className).name('verdict');
    verdict.time(result.durationMs / 1000);
    const reasons = printable([result.sentence, ...result.reasons].join('\n'));
    if (result.verdict === 'harness-error') verdict.error(reasons, 'harness-error');
    else if (result.verdict !== 'pass') verdict.failure(reasons, result.verdict);
    for (const check of result.checks) {
      const testCase = suite.testCase().className(className).name(`checker ${check.checker}`);
      const ms = result.checkMs?.[check.checker];
      if (ms !== undefined) testCase.time(ms / 1000);
      const text = checkText(check);
      if (check.verdict === 'pass') testCase.standardOutput(text);
      else testCase.failure(text, check.verdict);
    }
    for (const fault of result.faults) {
      const testCase = suite
        .testCase()
        .className(className)
        .name(`fault ${fault.id} ${fault.kind}`);
      const missing = missingStep(fault);
      if (missing !== undefined)
        testCase.error(`${missing}: ${printable(fault.evidence)}`, 'fault');
    }
    for (const goal of result.goals.filter(({ isOwed }) => isOwed)) {
      const testCase = suite.testCase().className(className).name(`goal ${goal.name}`);
      if (goal.count === 0) testCase.failure('never reached', 'not-exercised');
    }
  }
  return builder.build();
}

/** Of a comparison with a model: one test case per world. */
export function renderToleranceJunit(input: ToleranceReportInput): string {
  const { name, date, durationMs, verdict, sentence, reasons, checks, seed, sizes } = input;
  const builder = rootBuilder.newBuilder();
  const suite = builder
    .testSuite()
    .name(name)
    .timestamp(new Date(date))
    .time(durationMs / 1000);
  suite.property('seed', seed).property('sizes', sizes.join(','));
  const whole = suite
    .testCase()
    .className(name)
    .name('verdict')
    .time(durationMs / 1000);
  const text = printable([...new Set([sentence, ...reasons])].join('\n'));
  if (verdict === 'harness-error') whole.error(text, verdict);
  else if (verdict !== 'pass') whole.failure(text, verdict);
  for (const check of checks) {
    const testCase = suite.testCase().className(name).name(check.checker);
    if (check.verdict === 'pass') testCase.standardOutput(checkText(check));
    else testCase.failure(checkText(check), check.verdict);
  }
  return builder.build();
}

/** The step of a fault's life that is missing, in words. */
export function missingStep(fault: FaultRecord): string | undefined {
  if (fault.applied === undefined) return 'not applied';
  if (fault.verified === undefined) return 'not verified';
  if (fault.healed === undefined) return 'not healed';
  if (fault.healVerified === undefined) return 'heal not verified';
  return undefined;
}

function propertiesOf(result: RunResult): Record<string, string> {
  return {
    seed: result.seed,
    planHash: result.planHash,
    ...(result.traceHash === null ? {} : { traceHash: result.traceHash }),
    ...(result.commit === null ? {} : { commit: result.commit }),
    nemesis: result.nemesis.join(','),
    nodes: String(result.nodes),
    ...(result.replay[0] === undefined ? {} : { replay: result.replay[0] }),
  };
}

const ANOMALIES_LISTED_MAX = 10;

function checkText(check: CheckResult): string {
  const lines = [
    `${check.summary} (${check.looked} ${check.items})`,
    ...check.anomalies
      .slice(0, ANOMALIES_LISTED_MAX)
      .map(({ kind, message }) => `${kind}: ${message}`),
  ];
  const rest = check.anomalies.length - ANOMALIES_LISTED_MAX;
  if (rest > 0) lines.push(`… and ${rest} more`);
  return printable(lines.join('\n'));
}

/** XML 1.0 has no way to write most control characters; znode data may hold any of them. */
function printable(text: string): string {
  let clean = '';
  for (const letter of text) {
    const code = letter.codePointAt(0) as number;
    const isControl = code < 32 && code !== 9 && code !== 10 && code !== 13;
    const isHalf = code >= 0xd800 && code <= 0xdfff;
    clean += isControl || isHalf || code === 0xfffe || code === 0xffff ? '\ufffd' : letter;
  }
  return clean;
}
