/**
 * Accounts among which money is moved: every read of all balances has the same total, names the accounts
 * that there are, and shows none below zero. Jepsen: tests/bank.
 */
import type { Operation } from '../history.ts';
import { Findings } from '../report.ts';
import type { CheckResult } from '../verdict.ts';
import { factsOf, isOk, operationText } from './elements.ts';

export interface BankOptions {
  readonly accounts: readonly string[];
  readonly total: number;
  readonly mayBeNegative?: boolean;
}

export function checkBank(operations: readonly Operation[], options: BankOptions): CheckResult {
  const findings = new Findings();
  const accounts = new Set(options.accounts);
  for (const operation of operations) {
    if (operation.f !== 'read' || !isOk(operation)) continue;
    findings.looked++;
    const problem = problemOf(operation.completion?.value, accounts, options);
    if (problem === undefined) continue;
    const [kind, what] = problem;
    findings.add({ ...factsOf(operation), kind, message: `${operationText(operation)}: ${what}` });
  }
  return findings.result('bank', 'reads', 'Every read has the whole total');
}

function problemOf(
  value: unknown,
  accounts: ReadonlySet<string>,
  { total, mayBeNegative = false }: BankOptions,
): readonly [kind: string, what: string] | undefined {
  const balances = Object.entries((value ?? {}) as Readonly<Record<string, unknown>>);
  const stranger = balances.find(([account]) => !accounts.has(account));
  if (stranger !== undefined) return ['account-from-nowhere', `there is no account ${stranger[0]}`];
  if (balances.length < accounts.size) {
    return ['account-missing', `it has ${balances.length} of ${accounts.size} accounts`];
  }
  const empty = balances.find(([, balance]) => typeof balance !== 'number');
  if (empty !== undefined) return ['balance-missing', `account ${empty[0]} has no balance`];
  const sum = balances.reduce((before, [, balance]) => before + (balance as number), 0);
  if (sum !== total) return ['wrong-total', `the total is ${sum}, should be ${total}`];
  const debtor = balances.find(([, balance]) => (balance as number) < 0);
  if (debtor === undefined || mayBeNegative) return undefined;
  return ['negative-balance', `account ${debtor[0]} has ${debtor[1] as number}`];
}
