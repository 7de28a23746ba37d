#!/bin/sh
# Generates the message codecs below the directory given. What they take for "no bytes" is one array instead of a new one for every field of every message:
# an empty array needs memory of its own too, and is never written to.
set -eu
cd "$(dirname "$0")/.."
node_modules/.bin/buf generate --output "$1"
for codec in "$1"/core/wire/generated/engram/v1/*.ts; do
  grep -q 'new Uint8Array(0)' "$codec" || continue
  sed -i 's/new Uint8Array(0)/noBytes/g; /^import { BinaryReader/a\
\
const noBytes: Uint8Array<ArrayBuffer> = new Uint8Array(0);' "$codec"
done
