/** Real nodes whose clocks are wrong: one a day ahead, one that jumps back in the middle of writes. Causality decides, and nobody stops. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { connectEngram, type Engram, EngramError, type EpisodeInput, type Space, type WriteResult } from './index.js';
import { freeMembers, type NodeProcess, startNode } from './node-processes.js';
import { assertNothingLost } from './test-support/equal-copies.js';
import { SettableClock } from './test-support/what-the-machine-offers.js';

const clocks = suite('clock jumps');
const dayMs = 86_400_000;

interface WrongClock {
  /** n1 has the clock. */
  readonly nodes: readonly NodeProcess[];
  readonly clock: SettableClock;
  readonly engram: Engram;
  /** n1 is its primary. */
  readonly space: Space;
  /** Starts n1 again where it was. */
  readonly restart: () => Promise<NodeProcess>;
}

async function withWrongClock(difference: string, test: (wrong: WrongClock) => Promise<void>): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), 'engram-clock-'));
  const clock = SettableClock.in(directory);
  const nodes: NodeProcess[] = [];
  try {
    if (clock === null) return;
    clock.set(difference);
    const members = await freeMembers(3);
    const start = async (name: string): Promise<NodeProcess> => {
      const environment = name === 'n1' ? clock.environment : {};
      const node = await startNode({ name, members, environment, dataDir: join(directory, name) });
      nodes.push(node);
      return node;
    };
    await Promise.all(['n1', 'n2', 'n3'].map(start));
    nodes.sort((left, right) => (left.name < right.name ? -1 : 1));
    const engram = await connectEngram({ servers: nodes.map(({ address }) => address), deadlineMs: 20_000 });
    try {
      const space = await spaceOf('n1', engram);
      await test({ nodes: [...nodes], clock, engram, space, restart: () => start('n1') });
    } finally {
      await engram.close();
    }
  } finally {
    await Promise.all(nodes.map((node) => node.stop()));
    rmSync(directory, { recursive: true, force: true });
  }
}

/** Where spaces live follows from the ids of the nodes: one of the first few has its primary on the node. */
async function spaceOf(nodeName: string, engram: Engram): Promise<Space> {
  for (let at = 0; ; at += 1) {
    const space = engram.space(`space-${at}`);
    const { answeredBy } = await rememberOnAll(space, { id: 'first', text: 'first', embed: false });
    if (answeredBy.nodeName === nodeName) return space;
  }
}

/** As soon as all copies can be reached. */
async function rememberOnAll(space: Space, episode: EpisodeInput): Promise<WriteResult> {
  for (;;) {
    const written = await space.remember(episode, { ack: 'all' }).catch((error) => {
      if (error instanceof EngramError && error.code === 'ACK_OUT_OF_REACH') return null;
      throw error;
    });
    if (written !== null) return written;
  }
}

clocks('a primary a day ahead: what was written on it is superseded by what is written later elsewhere, and stays so', () =>
  withWrongClock('+1d', async ({ nodes, space, restart }) => {
    const [ahead, ...others] = nodes as [NodeProcess, NodeProcess, NodeProcess];
    const said = ahead.logs.find(({ msg }) => msg === 'node.listening');
    assert.ok(Date.parse(String(said?.time)) - Date.now() > dayMs / 2, 'its clock is ahead');
    for (let round = 0; round < 5; round += 1) {
      for (const id of ['contested', 'untouched']) await rememberOnAll(space, { id, text: `ahead ${round}`, embed: false });
    }
    ahead.kill('SIGKILL');
    await ahead.exited;
    const { answeredBy } = await space.remember({ id: 'contested', text: 'later, by a right clock', embed: false }, { ack: 'one' });
    assert.is.not(answeredBy.nodeName, 'n1');
    await space.forget('untouched', { ack: 'one' });
    const back = await restart();
    await rememberOnAll(space, { id: 'last', text: 'last', embed: false });
    const expected = new Map([
      ['contested', 'later, by a right clock'],
      ['untouched', undefined],
      ['last', 'last'],
    ]);
    await assertNothingLost([back, ...others], space.name, expected);
  }),
);

clocks('the clock of a primary jumps back by hours under writes: nothing is lost and nobody stops', () =>
  withWrongClock('+2h', async ({ nodes, clock, space }) => {
    const acknowledged = new Map([['first', 'first']]);
    let seen = false;
    const jumped = nodes[0]?.logged('clock.jumped-back').then(() => {
      seen = true;
    });
    for (let at = 0; at < 300 || !seen; at += 1) {
      if (at === 100) clock.set('-3h');
      const [id, text] = [`m${at % 50}`, `text ${at}`];
      const { answeredBy } = await space.remember({ id, text, embed: false }, { ack: 'one' });
      assert.is(answeredBy.nodeName, 'n1', 'a jump deposes nobody');
      acknowledged.set(id, text);
    }
    await jumped;
    await assertNothingLost(nodes, space.name, acknowledged);
    assert.ok(nodes.every(({ logs }) => !logs.some(({ msg }) => msg === 'node.halted')));
  }),
);

clocks.run();
