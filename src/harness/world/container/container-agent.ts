/** The harness's side of one agent: starts its container, asks, and waits for answers. */
import type Docker from 'dockerode';
import type {
  AgentAnswer,
  AgentMessage,
  AgentTask,
  AskOutcome,
  Examination,
} from './agent-protocol.ts';
import { attach, type Streams, startPod } from './pod.ts';

export interface AgentOptions {
  readonly docker: Docker;
  readonly image: string;
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  /** By name. */
  readonly network: string;
  readonly binds?: readonly string[];
  readonly publishedPort?: number;
}

const READY_TIMEOUT_MS = 30_000;
const ANSWER_TIMEOUT_MS = 15_000;

export class ContainerAgent {
  readonly id: string;
  /** In the run's network. */
  readonly address: string;
  /** On loopback; 0 where nothing is published. */
  readonly port: number;
  readonly #conversation: Conversation;

  private constructor(id: string, address: string, port: number, conversation: Conversation) {
    this.id = id;
    this.address = address;
    this.port = port;
    this.#conversation = conversation;
  }

  static async start(options: AgentOptions): Promise<ContainerAgent> {
    const { docker, image, name, labels, network, binds = [], publishedPort } = options;
    const conversation = new Conversation(name);
    const started = await startPod(image, {
      name,
      labels,
      networkMode: network,
      ...(publishedPort === undefined ? {} : { publishedPort }),
      create: { OpenStdin: true, StdinOnce: true },
      host: { CapAdd: ['NET_ADMIN'], Binds: [...binds] },
      onCreated: async (id) => {
        const onLine = (line: string): void => conversation.read(line);
        const onErrorLine = (line: string): void => conversation.hear(line);
        conversation.open(await attach(docker, id, { onLine, onErrorLine }, { hasInput: true }));
      },
    });
    await conversation.ready;
    const port = publishedPort === undefined ? 0 : started.getMappedPort(publishedPort);
    return new ContainerAgent(started.getId(), started.getIpAddress(network), port, conversation);
  }

  /** Everything that another agent's datagrams have said here. */
  hasHeard(nonce: string): boolean {
    return this.#conversation.heard.has(nonce);
  }

  async filter(task: 'drop' | 'accept', from: string): Promise<void> {
    await this.#conversation.ask({ task, from });
  }

  async reach(host: string, tcpPort: number, nonce: string): Promise<boolean> {
    return (
      (await this.#conversation.ask({ task: 'reach', host, tcpPort, nonce })).isReached === true
    );
  }

  async ask(port: number, word: string): Promise<{ outcome: AskOutcome; text: string }> {
    const { ask } = await this.#conversation.ask({ task: 'ask', port, word });
    return ask ?? { outcome: 'silent', text: '' };
  }

  /** Everything that its server sends at these ports, as a stream of tcpdump's. */
  async capture(ports: readonly number[], onChunk: (chunk: Uint8Array) => void): Promise<void> {
    this.#conversation.onCaptured = onChunk;
    await this.#conversation.ask({ task: 'capture', ports });
  }

  async endCapture(): Promise<void> {
    await this.#conversation.ask({ task: 'capture-end' });
  }

  async examine(): Promise<Examination> {
    const { examined } = await this.#conversation.ask({ task: 'examine' });
    if (examined === undefined) throw new Error('an agent examined nothing');
    return examined;
  }
}

const HEARD_KEPT = 1000;

class Conversation {
  readonly ready: Promise<void>;
  readonly heard = new Set<string>();
  onCaptured: (chunk: Uint8Array) => void = () => {};
  readonly #name: string;
  readonly #waiters = new Map<number, (answer: AgentAnswer) => void>();
  #streams: Streams | undefined;
  #nextId = 1;
  #lastWords = '';
  #becomeReady: () => void = () => {};
  #fail: (error: Error) => void = () => {};

  constructor(name: string) {
    this.#name = name;
    this.ready = new Promise((ready, failed) => {
      const timer = setTimeout(
        () => failed(new Error(`${name} was not ready within ${READY_TIMEOUT_MS} ms`)),
        READY_TIMEOUT_MS,
      );
      this.#becomeReady = () => {
        clearTimeout(timer);
        ready();
      };
      this.#fail = (error) => {
        clearTimeout(timer);
        failed(error);
      };
    });
    // Whoever starts it looks at `ready`; a start that fails before has its own error.
    this.ready.catch(() => {});
  }

  open(streams: Streams): void {
    this.#streams = streams;
    void streams.ended.then(() => this.#end());
  }

  read(line: string): void {
    const message = JSON.parse(line) as AgentMessage;
    if ('isReady' in message) this.#becomeReady();
    else if ('heard' in message) this.#hear(message.heard);
    else if ('captured' in message) this.onCaptured(Buffer.from(message.captured, 'base64'));
    else {
      this.#waiters.get(message.id)?.(message);
      this.#waiters.delete(message.id);
    }
  }

  /** A line on its standard error. */
  hear(line: string): void {
    if (line.trim() !== '') this.#lastWords = line;
  }

  ask(task: AgentTask): Promise<AgentAnswer> {
    const id = this.#nextId++;
    return new Promise((answered, failed) => {
      const end = (answer: AgentAnswer): void => {
        clearTimeout(timer);
        if (answer.error === undefined) answered(answer);
        else failed(new Error(answer.error));
      };
      const timer = setTimeout(() => {
        this.#waiters.delete(id);
        end({ id, error: `${this.#name} did not answer ${task.task}` });
      }, ANSWER_TIMEOUT_MS);
      if (this.#streams === undefined) {
        end({ id, error: `${this.#name} has ended: ${this.#lastWords}` });
        return;
      }
      this.#waiters.set(id, end);
      this.#streams.write(JSON.stringify({ id, ...task }));
    });
  }

  #hear(nonce: string): void {
    this.heard.add(nonce);
    const [oldest] = this.heard;
    if (this.heard.size > HEARD_KEPT && oldest !== undefined) this.heard.delete(oldest);
  }

  #end(): void {
    this.#streams = undefined;
    const error = `${this.#name} has ended: ${this.#lastWords}`;
    this.#fail(new Error(error));
    for (const [id, end] of this.#waiters) end({ id, error });
    this.#waiters.clear();
  }
}
