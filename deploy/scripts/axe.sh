#!/usr/bin/env bash
# Makes sure axe-core is in .cache/axe: browser tests look for barriers on the pages with it. It is not shipped.
set -euo pipefail
version=4.14.1
# of axe.min.js of that version
sum=29348999450cdf2849a8e70b7912fc2da85a849da39c0d0d5394f51d4a9ed95c
cd "$(dirname "$0")/../.."
file=.cache/axe/axe-$version.min.js
[ -s "$file" ] && exit 0
if ! command -v npm >/dev/null; then
	echo "npm is missing, which fetches axe-core $version; without it the browser tests are skipped. Or name axe.min.js in PLUMBLINE_AXE." >&2
	exit 0
fi
echo "fetching axe-core $version with npm" >&2
mkdir -p .cache/axe
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
npm pack --silent --ignore-scripts --pack-destination "$work" "axe-core@$version" >/dev/null
tar -xzf "$work/axe-core-$version.tgz" -C "$work" package/axe.min.js
echo "$sum  $work/package/axe.min.js" | sha256sum --check --quiet
mv "$work/package/axe.min.js" "$file"
