#!/bin/sh
# The protocol files pass buf's lint, and the generated codecs are what they generate now.
set -eu
cd "$(dirname "$0")/.."
fresh=$(mktemp -d)
trap 'rm -rf "$fresh"' EXIT
node_modules/.bin/buf lint
tools/generate-proto.sh "$fresh"
[ -n "$(find "$fresh" -name '*.ts')" ] || { echo 'proto: nothing was generated, so nothing was checked'; exit 1; }
diff -r "$fresh/core/wire/generated" core/wire/generated || { echo 'proto: core/wire/generated is not current; run npm run proto'; exit 1; }
echo 'proto: generated codecs are current'
