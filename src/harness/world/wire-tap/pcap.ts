/**
 * Reads a stream of captured packets in the classic format of libpcap, as `tcpdump -w -` writes it: a file
 * header, then a record header and a frame for each packet. Only TCP over IPv4 over Ethernet is given on.
 * Format: pcap-savefile(5).
 */
import { type Parser, StreamParser, viewOf } from './stream-parser.ts';

export interface Segment {
  /** Nanoseconds of the capturing kernel's wall clock. */
  readonly timeNs: bigint;
  /** `address:port` */
  readonly from: string;
  readonly to: string;
  readonly sequence: number;
  readonly isSyn: boolean;
  readonly isAck: boolean;
  readonly isFin: boolean;
  readonly isReset: boolean;
  readonly payload: Uint8Array;
}

const MAGIC_MICROSECONDS = 0xa1b2c3d4;
const MAGIC_NANOSECONDS = 0xa1b23c4d;
const FILE_HEADER_BYTES = 24;
const RECORD_HEADER_BYTES = 16;
const LINK_ETHERNET = 1;
const ETHERNET_BYTES = 14;
const TYPE_IPV4 = 0x0800;
const PROTOCOL_TCP = 6;

export class PcapError extends Error {
  override readonly name = 'PcapError';
}

/** Pushed chunks of one capture; throws `PcapError` where they are not one. */
export class PcapReader {
  readonly #parser: StreamParser;

  constructor(onSegment: (segment: Segment) => void) {
    this.#parser = new StreamParser(readCapture(onSegment));
  }

  push(chunk: Uint8Array): void {
    this.#parser.push(chunk);
  }
}

function* readCapture(onSegment: (segment: Segment) => void): Parser {
  const header = viewOf(yield { take: FILE_HEADER_BYTES });
  const isLittle = [MAGIC_MICROSECONDS, MAGIC_NANOSECONDS].includes(header.getUint32(0, true));
  const magic = header.getUint32(0, isLittle);
  if (magic !== MAGIC_MICROSECONDS && magic !== MAGIC_NANOSECONDS) {
    throw new PcapError(`a capture does not begin with 0x${magic.toString(16)}`);
  }
  const link = header.getUint32(20, isLittle) & 0xffff;
  if (link !== LINK_ETHERNET) throw new PcapError(`packets of link type ${link}, not Ethernet`);
  const fraction = magic === MAGIC_NANOSECONDS ? 1n : 1000n;
  for (;;) {
    const record = viewOf(yield { take: RECORD_HEADER_BYTES });
    const seconds = BigInt(record.getUint32(0, isLittle));
    const timeNs = seconds * 1_000_000_000n + BigInt(record.getUint32(4, isLittle)) * fraction;
    const captured = record.getUint32(8, isLittle);
    if (captured !== record.getUint32(12, isLittle)) throw new PcapError('a packet was cut short');
    const segment = segmentOf(yield { take: captured }, timeNs);
    if (segment !== undefined) onSegment(segment);
  }
}

function segmentOf(frame: Uint8Array, timeNs: bigint): Segment | undefined {
  const view = viewOf(frame);
  if (frame.length < ETHERNET_BYTES + 20 || view.getUint16(12) !== TYPE_IPV4) return undefined;
  const ip = ETHERNET_BYTES;
  const tcp = ip + (view.getUint8(ip) & 0x0f) * 4;
  if (view.getUint8(ip + 9) !== PROTOCOL_TCP || frame.length < tcp + 20) return undefined;
  // A length of 0 is that of a packet which the card would have cut up: the frame tells it.
  const length = view.getUint16(ip + 2) || frame.length - ip;
  const data = tcp + (view.getUint8(tcp + 12) >>> 4) * 4;
  const flags = view.getUint8(tcp + 13);
  const address = (at: number): string => frame.subarray(at, at + 4).join('.');
  return {
    timeNs,
    from: `${address(ip + 12)}:${view.getUint16(tcp)}`,
    to: `${address(ip + 16)}:${view.getUint16(tcp + 2)}`,
    sequence: view.getUint32(tcp + 4),
    isFin: (flags & 0x01) !== 0,
    isSyn: (flags & 0x02) !== 0,
    isReset: (flags & 0x04) !== 0,
    isAck: (flags & 0x10) !== 0,
    payload: frame.slice(data, ip + length),
  };
}
