/** Real nodes for tests. What starts them is part of the product: the demo needs it too. */
export {
  freeMembers,
  freePorts,
  type LogLine,
  type NodeOptions,
  type NodeProcess,
  runNodeToEnd,
  startCluster,
  startNode,
} from '../node-processes.js';
