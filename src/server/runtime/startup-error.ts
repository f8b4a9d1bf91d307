/** What keeps a server from starting, told to the person who starts it. Exit codes are upstream's. */
export const ServerExitCode = {
  ok: 0,
  unexpected: 1,
  badInvocation: 2,
  dataDirectory: 3,
  bindFailure: 14,
} as const;

export class StartupError extends Error {
  override readonly name = 'StartupError';
  /** Stable, for scripts. */
  readonly code: string;
  readonly exitCode: number;
  readonly why: string;
  readonly whatToDo: string;

  constructor(
    code: string,
    exitCode: number,
    text: { readonly what: string; readonly why: string; readonly whatToDo: string },
  ) {
    super(text.what);
    this.code = code;
    this.exitCode = exitCode;
    this.why = text.why;
    this.whatToDo = text.whatToDo;
  }
}

export function formatStartupError(error: StartupError): string {
  return `umpire-server: ${error.message}\n  why: ${error.why}\n  do:  ${error.whatToDo}\n`;
}
