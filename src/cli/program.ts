/** The commands and their options, as commander wants them. */
import { Command, CommanderError } from 'commander';
import { nearest } from './arguments.ts';
import { type CheckCommandOptions, checkCommand } from './check-command.ts';
import { type ClaimsOptions, claimsCommand } from './claims-command.ts';
import { EVIDENCE_DIRECTORY } from './claims-files.ts';
import { doctorCommand } from './doctor-command.ts';
import { UsageError } from './errors.ts';
import { type EvidenceOptions, evidenceCommand } from './evidence-command.ts';
import { type ImageCommandOptions, imageCommand } from './image-command.ts';
import { listCommand } from './list-command.ts';
import { type ReplayOptions, replayCommand } from './replay-command.ts';
import { runCommand } from './run-command.ts';
import type { RunOptions } from './run-request.ts';
import { DEFAULT_PORT, type ServeOptions, serveCommand } from './serve-command.ts';
import { readVersion, Shell } from './shell.ts';
import { type ShrinkOptions, shrinkCommand } from './shrink-command.ts';
import { specCommand } from './spec-command.ts';
import type { SpecOptions } from './spec-request.ts';
import { type CleanOptions, cleanCommand, reportCommand } from './stored-commands.ts';
import { type ToleranceOptions, toleranceCommand } from './tolerance-command.ts';
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
  addSpec(program, act);
  addClaims(program, act);
  return program;
}

function addRun(program: Command, act: Act): void {
  output(program.command('run', { isDefault: true }))
    .description('run; without options the default job')
    .option('--world <name>', 'simulation, process or container')
    .option('--workload <names>', 'register, lock, counter; several with commas')
    .option('--nemesis <names>', 'faults or families of faults; see list')
    .option('--nodes <count>', 'servers of the ensemble')
    .option('--seed <hex>', 'what all is drawn from; default: a new one')
    .option('--budget <duration>', 'how long the whole command may go on with new seeds')
    .option('--time-limit <duration>', 'length of the workload phase of one run')
    .option('--concurrency <count>', 'clients')
    .option('--system <name>', 'what is tested: umpire, apache or mixed (in containers)')
    .option('--zoo <ids>', 'bugs to put into a copy of the sources')
    .action((options: RunOptions & OutputOptions) =>
      act((shell) => runCommand(options, shell), options),
    );
}

function addReplays(program: Command, act: Act): void {
  output(program.command('replay'))
    .description('run a stored plan again; in simulation bit by bit')
    .argument('[run]', 'run directory or plan.json', LATEST)
    .option('--world <name>', 'simulation, process or container; default: where it ran')
    .option('--times <count>', 'on real servers: how often')
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
  output(program.command('tolerance'))
    .description('how many servers may be lost: observed in every world, compared with the model')
    .option('--world <names>', 'simulation, process, container; several with commas; default: all')
    .option('--sizes <sizes>', 'servers of the ensembles, as 1..8 or 3,5')
    .option('--seed <hex>', 'what all is drawn from; default: a new one')
    .option('--zoo <ids>', 'bugs to put into a copy of the sources')
    .option('--plans', 'instead: the model’s patterns of crashes and partitions as plans')
    .option('--share <count>', 'of these plans, so many on real servers')
    .action((options: ToleranceOptions & OutputOptions) =>
      act((shell) => toleranceCommand(options, shell), options),
    );
  const zoo = program.command('zoo').description('known bugs that the harness must catch');
  output(zoo.command('run', { isDefault: true }))
    .description('put bugs into a copy of the sources and catch them; default: all')
    .argument('[ids...]', 'entries of the zoo')
    .option('--world <name>', 'simulation, process or container', 'simulation')
    .option('--times <count>', 'on real servers: how many chances')
    .action((ids: string[], options: ZooOptions & OutputOptions) =>
      act((shell) => zooCommand(ids, options, shell), options),
    );
}

function addSpec(program: Command, act: Act): void {
  output(program.command('spec'))
    .description('check the models of what right means; default: all of them')
    .argument('[model]', 'its name')
    .option('--scope <sizes>', 'servers=2,txns=1 or a list of runs: everyday, nightly')
    .option('--symmetry', 'one state for all that differ only by names')
    .option('--ghosts', 'tell states apart by what only properties look at')
    .option('--simulate', 'random walks instead of all states')
    .option('--seed <hex>', 'what walks are drawn from; default: a new one')
    .option('--walks <count>', 'how many walks; default: 1000')
    .option('--steps <count>', 'of how many steps at most; default: 100')
    .option('--from <start>', 'where walks begin; default: the initial states')
    .option('--max-states <count>', 'give up behind so many states')
    .option('--explore', 'go through the model by hand')
    .action((name: string | undefined, options: SpecOptions & OutputOptions) =>
      act((shell) => specCommand(name, options, shell), options),
    );
}

function addClaims(program: Command, act: Act): void {
  output(program.command('claims'))
    .description('judge what the introductory documents say, claim by claim')
    .argument('[ids...]', 'claims, as Q2 R1; default: all')
    .option('--evidence <directory>', 'recorded evidence', EVIDENCE_DIRECTORY)
    .option('--mutant <model=mutant>', 'put a mutant in place of a model: what rests on it falls')
    .option('--update', 'pin the traces as they are now')
    .option('--verbose', 'every check and every trace')
    .action((ids: string[], options: ClaimsOptions & OutputOptions) =>
      act((shell) => claimsCommand(ids, options, shell), options),
    );
  output(program.command('evidence'))
    .description('run what claims rest on beside the models, and write it down')
    .argument('[ids...]', 'claims; default: all that this world can speak to')
    .option('--world <name>', 'simulation, process, container or measure', 'simulation')
    .option('--seed <hex>', 'what all is drawn from; default: a new one')
    .option('--time-limit <duration>', 'length of the workload phase of one run')
    .option('--budget <duration>', 'more runs of each workload, for so long')
    .option('--evidence <directory>', 'where it is written', EVIDENCE_DIRECTORY)
    .action((ids: string[], options: EvidenceOptions & OutputOptions) =>
      act((shell) => evidenceCommand(ids, options, shell), options),
    );
}

function addStored(program: Command, act: Act): void {
  output(program.command('check'))
    .description(
      'judge a history by a model, or a stored run again with the checkers as they are now',
    )
    .argument('[path]', 'a run directory, or with --model a history', LATEST)
    .option('--model <name>', 'what the history should be: register, queue, kv …')
    .option('--options <json>', 'options of the model, such as {"init": 0}')
    .option('--html <file>', 'write a page about the verdict')
    .option('--index <file>', 'check every history of an index against what is known of it')
    .option('--engine <name>', 'auto, fast, jit, wgl or plain; with --index also all', 'auto')
    .option('--budget <duration>', 'processor time that one history may take', '60s')
    .action((path: string, options: CheckCommandOptions & OutputOptions) =>
      act((shell) => checkCommand(path, options, shell), options),
    );
  output(program.command('report'))
    .description('render the report of a stored run again')
    .argument('[run]', 'run directory', LATEST)
    .action((run: string, options: OutputOptions) =>
      act((shell) => reportCommand(run, shell), options),
    );
  output(program.command('serve'))
    .description('show the store in a browser, on this host only')
    .option('--port <number>', 'on the loopback address; 0 takes any', DEFAULT_PORT)
    .action((options: ServeOptions & OutputOptions) =>
      act((shell) => serveCommand(options, shell), options),
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
  output(program.command('image'))
    .description('build the images of the container world where they are missing')
    .option('--base <image>', 'an image with node in it; host: packed from this host')
    .action((options: ImageCommandOptions & OutputOptions) =>
      act((shell) => imageCommand(options, shell), options),
    );
  output(program.command('clean'))
    .description('remove stored runs, containers that dead runs left, and images')
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
