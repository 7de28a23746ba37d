/**
 * The cluster's secrets: from the configuration, or from a file of their own, which keeps them out of engram.toml, of the environment and of what other
 * users see of the command line.
 */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { ConfigurationError } from './configuration-error.js';
import { keyOf } from './keys.js';
import type { NodeSettings } from './settings.js';

/** What packets, or hellos of peers, are authenticated with: the first signs, all are accepted. Empty without secrets. Throws ConfigurationError. */
export function clusterKeys(settings: NodeSettings, purpose: 'membership' | 'hello' = 'membership'): readonly Uint8Array[] {
  return secretsOf(settings).map((secret) => new Uint8Array(createHash('sha256').update(`engram ${purpose}\0${secret}`).digest()));
}

function secretsOf({ cluster: { secrets, secretsFile } }: NodeSettings): readonly string[] {
  if (secretsFile === '') return secrets;
  if (secrets.length > 0) {
    throw new ConfigurationError(
      'cluster.secrets and cluster.secrets_file are both set',
      'keep the secrets in one place: leave the other out',
    );
  }
  const lines = read(secretsFile)
    .split(/\r?\n/)
    .map((line) => line.trim());
  const found = lines.filter((line) => line !== '');
  const { schema, allowed } = keyOf('cluster.secrets');
  const hint = `write one secret on each line; they are ${allowed}. To make one: openssl rand -hex 32`;
  if (found.length === 0) throw new ConfigurationError(`${secretsFile} (cluster.secrets_file): there is no secret in it`, hint);
  const result = schema.safeParse(found);
  if (result.success) return found;
  const [at] = result.error.issues[0]?.path ?? [];
  const place = typeof at === 'number' ? `${secretsFile}:${lines.indexOf(found[at]) + 1}` : secretsFile;
  throw new ConfigurationError(`${place} (cluster.secrets_file): that is no secret (it is not shown here)`, hint);
}

function read(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    const why = (error as NodeJS.ErrnoException).code === 'ENOENT' ? 'there is no such file' : (error as Error).message;
    throw new ConfigurationError(`${file} (cluster.secrets_file): ${why}`, 'give the path of a file with one secret on each line');
  }
}
