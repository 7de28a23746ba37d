/** What fewer nodes than copies mean, by the arithmetic of acknowledgements. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { copiesShortage } from './shortage-text.js';

const shortage = suite('shortage of nodes');

shortage('it is said how many copies there are, what acknowledgements cost meanwhile, and what helps', () => {
  assert.is(
    copiesShortage({ copies: 5, nodes: 3 }),
    '5 copies are wanted of each space, and 3 nodes can hold them: there are 3 of 5. Until there are 5, --ack all is refused, --ack quorum waits for all 3: add 2 nodes (engram cluster add), or want fewer copies (--replication-factor 3)',
  );
  assert.match(copiesShortage({ copies: 5, nodes: 4 }) ?? '', /--ack all is refused, --ack quorum waits for 3 of them: add 1 node /);
  assert.match(copiesShortage({ copies: 7, nodes: 3 }) ?? '', /--ack quorum and --ack all are refused: add 4 nodes/);
  assert.match(copiesShortage({ copies: 3, nodes: 1 }) ?? '', /1 node can hold one: there are 1 of 3. .* quorum and --ack all are refused/);
});

shortage('with enough nodes nothing is said', () => {
  for (const nodes of [3, 4]) assert.is(copiesShortage({ copies: 3, nodes }), null);
});

shortage.run();
