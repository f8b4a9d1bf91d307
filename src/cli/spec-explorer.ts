/** `umpire spec MODEL --explore`: walks through a model by hand, step by step and back. */
import { createInterface } from 'node:readline';
import {
  actionNamed,
  changes,
  enabledSteps,
  initialStates,
  type Model,
  renderChart,
  type ScopeRecord,
  type Spec,
  type Step,
  show,
  showStep,
} from '../../spec/index.ts';
import { showScope } from './spec-text.ts';

const help = 'a number takes that step · b back · s state · p properties · c chart · q quit';

/** Reads choices from standard input until `q` or its end; resolves to the exit code. */
export async function exploreModel(model: Model, scope: ScopeRecord): Promise<number> {
  const explorer = new Walk(model.define(scope));
  const say = (lines: readonly string[]): void => {
    process.stdout.write(`${lines.join('\n')}\n`);
  };
  say([`${model.name}  ${model.about}`, `  ${showScope(scope)}`, `  ${help}`, '']);
  say(explorer.describeState());
  say(explorer.describeChoices());
  const input = createInterface({ input: process.stdin });
  for await (const line of input) {
    const answer = explorer.obey(line.trim());
    if (answer === undefined) break;
    say(answer);
  }
  input.close();
  return 0;
}

class Walk {
  readonly #spec: Spec<object>;
  readonly #taken: Step<object>[] = [];
  readonly #start: object;

  constructor(spec: Spec<object>) {
    this.#spec = spec;
    this.#start = initialStates(spec)[0] as object;
  }

  get #state(): object {
    return this.#taken.at(-1)?.after ?? this.#start;
  }

  /** What to print, or undefined to stop. */
  obey(command: string): readonly string[] | undefined {
    if (command === 'q') return undefined;
    if (command === '') return this.describeChoices();
    if (command === 's') return this.describeState();
    if (command === 'p') return this.#describeProperties();
    if (command === 'c') return [renderChart(this.#taken.map((step) => this.#arrowsOf(step)))];
    if (command === 'b') {
      const undone = this.#taken.pop();
      if (undone === undefined) return ['This is the start.'];
      return [`took back ${showStep(undone.action, undone.params)}`, ...this.describeChoices()];
    }
    const step = enabledSteps(this.#spec, this.#state)[Number(command) - 1];
    if (step === undefined || !/^\d+$/.test(command)) return [`? ${help}`];
    this.#taken.push(step);
    const changed = changes(step.before, step.after);
    return [
      `${this.#taken.length}. ${showStep(step.action, step.params)}`,
      ...(changed.length === 0 ? ['changes nothing'] : changed).map((line) => `     ${line}`),
      ...this.#describeBroken(),
      '',
      ...this.describeChoices(),
    ];
  }

  describeState(): readonly string[] {
    return Object.entries(this.#state).map(([field, value]) => `  ${field}: ${show(value)}`);
  }

  describeChoices(): readonly string[] {
    const steps = enabledSteps(this.#spec, this.#state);
    if (steps.length === 0) return ['Nothing can happen here.'];
    return steps.map(
      ({ action, params }, index) =>
        `${String(index + 1).padStart(4)}  ${showStep(action, params)}`,
    );
  }

  #describeBroken(): readonly string[] {
    const broken = Object.entries(this.#spec.always ?? {}).filter(
      ([, holds]) => !holds(this.#state),
    );
    return broken.map(([property]) => `     VIOLATED: ${property}`);
  }

  #describeProperties(): readonly string[] {
    return Object.entries({ ...this.#spec.always, ...this.#spec.sometimes }).map(
      ([property, holds]) => `  ${holds(this.#state) ? 'true ' : 'false'}  ${property}`,
    );
  }

  #arrowsOf({ before, action, params }: Step<object>) {
    return [actionNamed(this.#spec, action).chart?.(before, params) ?? []].flat();
  }
}
