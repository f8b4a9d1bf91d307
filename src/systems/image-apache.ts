/**
 * Apache ZooKeeper in a container, as a system under test: an image packed from this host's Java and
 * Debian's package of ZooKeeper (3.8.0, jars below /usr/share/java).
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type Docker from 'dockerode';
import { HarnessError } from '../harness/index.ts';
import type { ServerImage } from '../harness/world/container/server-container.ts';
import { type HostPackage, homeOfJava, hostBaseTag, packHostBase } from './image-base.ts';

const JARS = '/usr/share/java';
/** The manifest of zookeeper.jar names the rest; only a logger has to be chosen. */
const CLASS_PATH = ['zookeeper.jar', 'slf4j-simple.jar'].map((jar) => join(JARS, jar));
const MAIN_CLASS = 'org.apache.zookeeper.server.quorum.QuorumPeerMain';

function apachePackage(): { readonly packed: HostPackage; readonly java: string } {
  const missing = CLASS_PATH.find((jar) => !existsSync(jar));
  const home = homeOfJava();
  if (home === undefined || missing !== undefined) {
    throw new HarnessError(
      'apache-missing',
      `Apache ZooKeeper is not on this host: ${missing ?? 'there is no java'}`,
      'apt-get install zookeeper',
    );
  }
  const java = join(home, 'bin/java');
  const trees = [java, join(home, 'lib'), join(home, 'conf'), JARS];
  return { java, packed: { name: 'apache', needed: ['sh'], wanted: ['ps'], trees } };
}

export async function prepareApacheImage(
  docker: Docker,
  say: (text: string) => void,
): Promise<ServerImage> {
  const { packed, java } = apachePackage();
  const tag = hostBaseTag(packed);
  const known = await docker.listImages({ filters: { reference: [tag] } });
  if (known.length === 0) {
    say(`packing ${tag} from this host`);
    // Short-lived: a fast start is worth more than fast code.
    const options = ['-Xmx256m', '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1'];
    const properties = ['-Dorg.slf4j.simpleLogger.showDateTime=true'];
    const line = [java, ...options, ...properties, '-cp', CLASS_PATH.join(':'), MAIN_CLASS];
    await packHostBase(docker, packed, [`ENTRYPOINT ${JSON.stringify(line)}`]);
  }
  return {
    image: tag,
    command: ['zoo.cfg'],
    environment: {},
    files: new Map(),
    config: ['admin.enableServer=false'],
    isTraced: false,
  };
}
