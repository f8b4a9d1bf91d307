/** `umpire doctor`: exits 5 where nothing could run here. */
import { ExitCode } from '../harness/index.ts';
import { describeFindings, examineHost } from './doctor.ts';
import type { Shell } from './shell.ts';

export async function doctorCommand(shell: Shell): Promise<number> {
  const findings = await examineHost(shell.options.out);
  shell.print(describeFindings(findings));
  const isHealthy = findings.every(({ isFound, isNeeded }) => isFound || !isNeeded);
  shell.printJson({ isHealthy, findings });
  return isHealthy ? 0 : ExitCode['harness-error'];
}
