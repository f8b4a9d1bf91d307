/**
 * The log of one short session against Apache ZooKeeper 3.9.5, standalone, as payload bytes with the
 * Adler-32 that guarded them and the tree digest that they carry.
 */
const session = '0100003bf70b0000';
const acl = '000000010000001f00000005776f726c6400000006616e796f6e65';

function hex(digits: string): Uint8Array {
  const bytes = new Uint8Array(digits.length / 2);
  for (let index = 0; index < bytes.length; index++) {
    bytes[index] = Number.parseInt(digits.slice(index * 2, index * 2 + 2), 16);
  }
  return bytes;
}

function entry(
  checksum: number,
  header: readonly [cxid: string, zxid: string, time: string, type: string],
  record: string,
  digest: string | undefined,
) {
  const [cxid, zxid, time, type] = header;
  const head = `${session}000000${cxid}00000000000000${zxid}000001a1fbf2${time}${type}`;
  const tail = digest === undefined ? '' : `00000002${digest}`;
  const payload = hex((head + record + tail).replaceAll(' ', ''));
  const treeDigest = digest === undefined ? undefined : BigInt(`0x${digest}`);
  return { checksum, payload, treeDigest };
}

const create = '00000001';
const createM = `000000022f6d 00000000 ${acl} 00 00000004`;
const sequential = '0000000f2f612f652d30303030303030303030';

export const goldenSessionId = BigInt(`0x${session}`);
export const goldenEntries = [
  entry(0xdfb50bae, ['00', '01', '2ac4', 'fffffff6'], '00000fa0', '0000000051c6d660'),
  entry(
    0xf9690d6a,
    ['01', '02', '2ad4', create],
    `000000022f61 0000000178 ${acl} 00 00000001`,
    '00000000b0f69475',
  ),
  entry(
    0xed3c0970,
    ['02', '03', '2ae7', '00000005'],
    '000000022f61 000000027979 00000001',
    '00000000fafba366',
  ),
  entry(0x74600c7b, ['03', '04', '2aea', 'ffffffff'], 'ffffff99', undefined),
  entry(
    0xc1d60ff6,
    ['04', '05', '2aec', create],
    `${sequential} 00000000 ${acl} 01 00000001`,
    '00000000a28ccfea',
  ),
  entry(
    0x312e0e49,
    ['05', '06', '2af0', '00000013'],
    `000000052f636f6e74 00000000 ${acl} 00000002`,
    '0000000214bdfaad',
  ),
  entry(
    0x79f50db3,
    ['06', '07', '2af4', '00000015'],
    `000000042f74746c 00000000 ${acl} 00000003 0000000000002710`,
    '00000002baab5846',
  ),
  entry(
    0x453c145a,
    ['07', '08', '2afc', '0000000e'],
    `00000002 00000001 0000002a ${createM} ffffffff 00000004 ffffff99`,
    '00000002baab5846',
  ),
  entry(
    0xe6af0cb4,
    ['08', '09', '2b00', '0000000e'],
    `00000002 00000001 0000002a ${createM} 00000005 0000000f 000000022f6d 0000000171 00000001`,
    '00000003252bde98',
  ),
  entry(
    0x98620ba7,
    ['09', '0a', '2b05', '00000007'],
    `000000022f6d ${acl} 00000001`,
    '000000030dd4d25b',
  ),
  entry(0x8f580641, ['0a', '0b', '2b09', '00000002'], '000000022f6d', '000000026f2d3dad'),
  entry(0xa1d40bf6, ['05', '0c', '2b0b', 'fffffff5'], `00000001 ${sequential}`, '000000023d2e0b34'),
];
