/** Registers: linearizable over writes and quorum reads, the prefix contract over all reads. */
import { checkFinalReads } from '../final-reads.ts';
import type { Operation } from '../history.ts';
import { type Call, callOf } from '../linearizability/model.ts';
import { casRegisterModel } from '../linearizability/models.ts';
import { checkPrefixContract } from '../prefix-contract.ts';
import { field } from '../report.ts';
import type { ServerEvidence } from '../servers/evidence.ts';
import type { CheckResult } from '../verdict.ts';
import { checkWriteOrder } from '../write-order.ts';
import { hinted, linearizability, type WorkloadCheckOptions } from './linearizability.ts';
import { withOperations } from './with-operations.ts';

export function checkRegisterWorkload(
  evidence: ServerEvidence,
  options: WorkloadCheckOptions = {},
): readonly CheckResult[] {
  return withOperations(evidence, (operations) => [
    linearizability(
      operations.filter(({ f }) => f === 'write' || f === 'cas' || f === 'read'),
      casRegisterModel({ init: null, failedCas: 'no-effect' }),
      registerCall,
      options,
    ),
    checkPrefixContract(operations),
    checkWriteOrder(evidence.history, operations),
    checkFinalReads(operations, { nodes: evidence.disks.keys() }),
  ]);
}

/** A read's value carries more than the register does. */
const registerCall = hinted((operation: Operation): Call => {
  const call = callOf(operation);
  return call.f === 'read' && call.outcome === 'ok'
    ? { ...call, output: field(call.output, 'value') }
    : call;
});
