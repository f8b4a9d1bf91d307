/**
 * Several reads in one request, against one state of the tree; each succeeds or fails on its own.
 *
 *   → (MultiHeader{type, false, -1} · getData | getChildren record)* · MultiHeader{-1, true, -1}
 *   ← (MultiHeader{type, false, 0}  · its response | MultiHeader{-1, false, err} · int err)* · end
 *
 * Watch flags are ignored. Upstream: MultiOperationRecord, FinalRequestProcessor.
 */
import {
  GetChildrenResponse,
  GetDataResponse,
  OpCode,
  PathWatchRequest,
  Permission,
} from '../../../wire/client.ts';
import { ErrorCode } from '../../../wire/error-code.ts';
import type { Codec, JuteWriter } from '../../../wire/jute.ts';
import type { DataTree } from '../tree/data-tree.ts';
import { wireStat } from '../tree/znode.ts';
import { isPermitted } from './acl.ts';
import { tryDecode } from './operation.ts';
import type { Reply } from './reply.ts';
import type { Request } from './request.ts';

interface Read {
  readonly type: 4 | 8;
  readonly path: string;
}

const MultiReadRequest: Codec<readonly Read[]> = {
  read: (reader) => {
    const reads: Read[] = [];
    for (;;) {
      const type = reader.int();
      const isDone = reader.bool();
      reader.int();
      if (isDone) return reads;
      if (type !== OpCode.getData && type !== OpCode.getChildren) {
        return reader.fail(`operation ${type} is not allowed in a multi-read`);
      }
      const path = PathWatchRequest.read(reader).path ?? reader.fail('a read has no path');
      reads.push({ type, path });
    }
  },
  write: (writer, reads) => {
    for (const { type, path } of reads) {
      writeHeader(writer, type, -1);
      PathWatchRequest.write(writer, { path, watch: false });
    }
    writeEnd(writer);
  },
  shape: { kind: 'record', name: 'MultiReadRequest', fields: [] },
};

export function answerMultiRead(tree: DataTree, { body, authinfo }: Request): Reply {
  const reads = tryDecode(MultiReadRequest, body);
  if (reads === undefined) return { err: ErrorCode.MarshallingError };
  return {
    err: 0,
    write: (writer) => {
      for (const { type, path } of reads) {
        const node = tree.get(path);
        if (node === undefined) {
          writeError(writer, ErrorCode.NoNode);
        } else if (!isPermitted(tree.acl(node), Permission.read, authinfo)) {
          writeError(writer, ErrorCode.NoAuth);
        } else {
          writeHeader(writer, type, 0);
          if (type === OpCode.getData) {
            GetDataResponse.write(writer, { data: node.data, stat: wireStat(node) });
          } else {
            GetChildrenResponse.write(writer, { children: [...(node.children ?? [])] });
          }
        }
      }
      writeEnd(writer);
    },
  };
}

function writeHeader(writer: JuteWriter, type: number, err: number): void {
  writer.int(type);
  writer.bool(false);
  writer.int(err);
}

function writeError(writer: JuteWriter, err: number): void {
  writeHeader(writer, OpCode.error, err);
  writer.int(err);
}

function writeEnd(writer: JuteWriter): void {
  writer.int(-1);
  writer.bool(true);
  writer.int(-1);
}
