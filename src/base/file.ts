/**
 * The disk as the core sees it: file primitives only, each answered by one completion event. Every
 * sequence (temporary file, flush, rename, flush of the directory) is code of the core. Order holds
 * per file; whatever must happen across files waits for a completion.
 *
 * Durability: nothing is durable before `flush` of the file completes, and a created, renamed or
 * removed name is durable only after `flush-directory` of its directory. The runtime hands appended
 * bytes to the operating system at `flush`, so that a real `kill -9` loses exactly what was not flushed;
 * `read` sees everything that was appended or written, flushed or not.
 */
export type FileOperationId = number & { readonly __brand: 'file-operation' };

/** Paths are absolute, with `/` between components, under the directories of the configuration. */
export type FileRequest =
  /** Names in a directory, sorted; a directory that does not exist is created first. */
  | { readonly kind: 'list'; readonly path: string }
  /** Answers the size of the file, or `not-found`. */
  | { readonly kind: 'open'; readonly path: string }
  /** At most `sizeBytes` from `offset`; fewer only at the end of the file. */
  | {
      readonly kind: 'read';
      readonly path: string;
      readonly offset: number;
      readonly sizeBytes: number;
    }
  /** Makes an empty file; an existing one is emptied. */
  | { readonly kind: 'create'; readonly path: string }
  | { readonly kind: 'append'; readonly path: string; readonly bytes: Uint8Array }
  | {
      readonly kind: 'write-at';
      readonly path: string;
      readonly offset: number;
      readonly bytes: Uint8Array;
    }
  | { readonly kind: 'flush'; readonly path: string }
  | { readonly kind: 'truncate'; readonly path: string; readonly sizeBytes: number }
  | { readonly kind: 'rename'; readonly path: string; readonly to: string }
  | { readonly kind: 'unlink'; readonly path: string }
  | { readonly kind: 'flush-directory'; readonly path: string };

export type FileError = 'not-found' | 'no-space' | 'io-error' | 'denied';

export type FileResult =
  | {
      readonly ok: true;
      readonly names?: readonly string[];
      readonly sizeBytes?: number;
      readonly bytes?: Uint8Array;
    }
  | { readonly ok: false; readonly error: FileError; readonly message: string };

export type FileEvent = {
  readonly type: 'file-completed';
  readonly operation: FileOperationId;
  readonly result: FileResult;
};

export type FileEffect = {
  readonly type: 'file';
  readonly operation: FileOperationId;
  readonly request: FileRequest;
};
