/** Whom a node asks who it is. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Claims } from './claims.js';
import { Links } from './links.js';
import { Reconnection } from './reconnection.js';
import { TableExchange } from './table-exchange.js';
import { loneServices } from './test-support/lone-services.js';
import { testAddress } from './test-support/test-network.js';

const reconnection = suite('reconnection');

reconnection('who has restarted is asked who it is while another table does not come, a stranger only when none is under way', () => {
  const { services } = loneServices();
  const claims = new Claims(services, {
    becameLive: () => undefined,
    becameGone: () => undefined,
    suspicionHeard: () => undefined,
    reachesSomebody: () => true,
  });
  const exchange = new TableExchange(services, claims, new Links(services, () => undefined), {
    reliablyAnswered: () => undefined,
    tableExchanged: () => undefined,
    isOwn: () => undefined,
    admit: () => null,
  });
  const tested = new Reconnection(services, exchange, () => undefined);
  const { all } = services.counters;
  exchange.askTable(testAddress('silent:1'), null);
  assert.is(all.exchangesAsked, 1);
  tested.strangerHeard(testAddress('a:1'), { isRestarted: false });
  assert.is(all.exchangesAsked, 1);
  tested.strangerHeard(testAddress('a:1'), { isRestarted: true });
  assert.is(all.exchangesAsked, 2);
  tested.strangerHeard(testAddress('b:1'), { isRestarted: true });
  assert.is(all.exchangesAsked, 2, 'not for every packet');
  services.nowMs += 2 * services.options.probeIntervalMs;
  tested.strangerHeard(testAddress('b:1'), { isRestarted: true });
  assert.is(all.exchangesAsked, 3);
});

reconnection.run();
