/** The production server: `bin/engram-node`. See `engram-node --help`. */
import { nodeExitCodes, runNodeProgram } from './node/node-program.js';

const exitCode = await runNodeProgram(process.argv.slice(2)).catch((error: unknown) => {
  process.stderr.write(`engram-node: internal error: ${error instanceof Error ? error.stack : String(error)}\n`);
  return nodeExitCodes.internal;
});
// Connections of others, watches of health among them, must not keep a stopped node alive.
process.exit(exitCode);
