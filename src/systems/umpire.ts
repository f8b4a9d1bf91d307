/** The system under test that this project itself is: its server core, as the simulator wants it. */
import type { MakeServer } from '../harness/index.ts';
import { Server } from '../server/core/server.ts';

export const makeUmpireServer: MakeServer = (config) => new Server(config);
