/** The commands and their options, as commander wants them. */
import { Command, CommanderError } from 'commander';
import { nearest } from './arguments.ts';
import { doctorCommand } from './doctor-command.ts';
import { UsageError } from './errors.ts';
import { listCommand } from './list-command.ts';
import { type ReplayOptions, replayCommand } from './replay-command.ts';
import { runCommand } from './run-command.ts';
import type { RunOptions } from './run-request.ts';
import { readVersion, Shell } from './shell.ts';
import { type ShrinkOptions, shrinkCommand } from './shrink-command.ts';
import { type CleanOptions, checkCommand, cleanCommand, reportCommand } from './stored-commands.ts';
import { type ZooOptions, zooCommand } from './zoo-command.ts';

interface OutputOptions {
  readonly out: string;
  readonly json?: boolean;
  readonly quiet?: boolean;
}

export const LATEST = 'store/latest';

const examples = `
Examples:
  npm run jepsen                                  self-check, simulation, real processes
  npm run jepsen -- --workload lock --nodes 5 --seed 5eed
  npm run jepsen -- --world process --nemesis kill,partition --time-limit 30s
  npm run jepsen -- zoo run half-is-enough
  npm run replay -- store/latest

Exit codes: 0 pass, 1 violation, 2 unknown, 3 not exercised, 4 one seed gave two traces,
5 harness error, 64 wrong usage, 130 interrupted.`;

/** Runs one command line; resolves to its exit code. */
export async function runProgram(argv: readonly string[]): Promise<number> {
  let exitCode = 0;
  const act = (work: (shell: Shell) => Promise<number> | number, options: OutputOptions) =>
    withShell(work, options).then((code) => {
      exitCode = code;
    });
  const program = buildProgram(act);
  try {
    await program.parseAsync([...argv], { from: 'user' });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    // Help and version are no errors.
    if (error.exitCode === 0) return 0;
    throw usageErrorOf(error, program, argv);
  }
  return exitCode;
}

async function withShell(
  work: (shell: Shell) => Promise<number> | number,
  options: OutputOptions,
): Promise<number> {
  const { out, json = false, quiet = false } = options;
  const shell = new Shell({ out, json, quiet });
  try {
    return await work(shell);
  } finally {
    shell.close();
  }
}

type Act = (
  work: (shell: Shell) => Promise<number> | number,
  options: OutputOptions,
) => Promise<void>;

function output(command: Command): Command {
  return command
    .option('--out <directory>', 'where runs are stored', 'store')
    .option('--json', 'end with one line of JSON on standard output')
    .option('--quiet', 'no progress and no words');
}

function buildProgram(act: Act): Command {
  const program = new Command('umpire')
    .description('Tries to prove a ZooKeeper-compatible server wrong, and shows how.')
    .version(readVersion())
    .exitOverride()
    .configureOutput({ writeErr: () => {} })
    .showSuggestionAfterError(false)
    .addHelpText('after', examples);
  addRun(program, act);
  addReplays(program, act);
  addStored(program, act);
  return program;
}

function addRun(program: Command, act: Act): void {
  output(program.command('run', { isDefault: true }))
    .description('run; without options the default job')
    .option('--world <name>', 'simulation or process')
    .option('--workload <names>', 'register, lock, counter; several with commas')
    .option('--nemesis <names>', 'faults or families of faults; see list')
    .option('--nodes <count>', 'servers of the ensemble')
    .option('--seed <hex>', 'what all is drawn from; default: a new one')
    .option('--budget <duration>', 'how long the whole command may go on with new seeds')
    .option('--time-limit <duration>', 'length of the workload phase of one run')
    .option('--concurrency <count>', 'clients')
    .option('--zoo <ids>', 'bugs to put into a copy of the sources')
    .action((options: RunOptions & OutputOptions) =>
      act((shell) => runCommand(options, shell), options),
    );
}

function addReplays(program: Command, act: Act): void {
  output(program.command('replay'))
    .description('run a stored plan again; in simulation bit by bit')
    .argument('[run]', 'run directory or plan.json', LATEST)
    .option('--world <name>', 'simulation or process; default: where it ran')
    .option('--times <count>', 'on real processes: how often')
    .action((run: string, options: ReplayOptions & OutputOptions) =>
      act((shell) => replayCommand(run, options, shell), options),
    );
  output(program.command('shrink'))
    .description('find the smallest plan that still fails in the same way')
    .argument('[run]', 'run directory or plan.json', LATEST)
    .option('--budget <duration>', 'how long to try')
    .action((run: string, options: ShrinkOptions & OutputOptions) =>
      act((shell) => shrinkCommand(run, options, shell), options),
    );
  const zoo = program.command('zoo').description('known bugs that the harness must catch');
  output(zoo.command('run', { isDefault: true }))
    .description('put bugs into a copy of the sources and catch them; default: all')
    .argument('[ids...]', 'entries of the zoo')
    .option('--world <name>', 'simulation or process', 'simulation')
    .option('--times <count>', 'on real processes: how many chances')
    .action((ids: string[], options: ZooOptions & OutputOptions) =>
      act((shell) => zooCommand(ids, options, shell), options),
    );
}

function addStored(program: Command, act: Act): void {
  output(program.command('check'))
    .description('judge a stored run again, with the checkers as they are now')
    .argument('[run]', 'run directory', LATEST)
    .action((run: string, options: OutputOptions) =>
      act((shell) => checkCommand(run, shell), options),
    );
  output(program.command('report'))
    .description('render the report of a stored run again')
    .argument('[run]', 'run directory', LATEST)
    .action((run: string, options: OutputOptions) =>
      act((shell) => reportCommand(run, shell), options),
    );
  output(program.command('list'))
    .description('workloads, nemeses, checkers, goals and zoo')
    .argument('[topic]', 'only one of them')
    .action((topic: string | undefined, options: OutputOptions) =>
      act((shell) => listCommand(topic, shell), options),
    );
  output(program.command('doctor'))
    .description('what this host has, and what each thing is for')
    .action((options: OutputOptions) => act(doctorCommand, options));
  output(program.command('clean'))
    .description('remove stored runs')
    .option('--keep <count>', 'the newest runs that stay')
    .option('--dry-run', 'only say what would go')
    .action((options: CleanOptions & OutputOptions) =>
      act((shell) => cleanCommand(options, shell), options),
    );
}

function usageErrorOf(
  error: CommanderError,
  program: Command,
  argv: readonly string[],
): UsageError {
  const commands = program.commands.map((command) => command.name());
  const word = argv[0] ?? '';
  // `run` is the default, so that a mistyped command comes here as an argument too many.
  if (error.code === 'commander.excessArguments' && !commands.includes(word)) {
    const near = nearest(word, commands);
    return new UsageError({
      code: 'unknown-command',
      what: `There is no command ${JSON.stringify(word)}.`,
      why: `There are: ${commands.join(', ')}.`,
      next: near === undefined ? 'See: npm run jepsen -- --help' : `Did you mean ${near}?`,
    });
  }
  const what = error.message.replace(/^error: /, '').replace(/^./, (first) => first.toUpperCase());
  const option = /'(--[^' ]+)/.exec(error.message)?.[1] ?? '';
  const options = program.commands.flatMap((command) =>
    command.options.map(({ long }) => long ?? ''),
  );
  const near = option === '' ? undefined : nearest(option, [...new Set(options)]);
  return new UsageError({
    code: 'wrong-usage',
    what: what.endsWith('.') ? what : `${what}.`,
    next:
      near === undefined || near === option
        ? 'See: npm run jepsen -- --help'
        : `Did you mean ${near}?`,
  });
}
