/** All checks of what the servers kept and said, each white-box check with its twin from outside. */

import { checkAppliedAgreement } from './servers/applied-agreement.ts';
import { checkDurability, checkDurabilityEvents } from './servers/durability.ts';
import { type ServerEvidence, serverCount } from './servers/evidence.ts';
import { checkEpochs, checkLeaders } from './servers/leaders.ts';
import { checkLogAgreement } from './servers/log-agreement.ts';
import { checkTreeAgreement } from './servers/tree-agreement.ts';
import type { CheckResult } from './verdict.ts';

export type { ServerEvidence };

export function checkServers(evidence: ServerEvidence): readonly CheckResult[] {
  const alone = [
    checkDurability(evidence),
    checkDurabilityEvents(evidence),
    checkLogAgreement(evidence),
    checkAppliedAgreement(evidence),
    checkEpochs(evidence),
  ];
  // One server has nobody to agree with, and no leader.
  if (serverCount(evidence) === 1) return alone;
  // Two leaders are the cause of whatever else they did: told first.
  return [checkLeaders(evidence), ...alone, checkTreeAgreement(evidence)];
}
