#!/usr/bin/env bash
# Makes a release in dist/: binaries for each platform, a list of what they are made of (CycloneDX), and checksums. Then it builds the
# first platform again in another folder with an empty cache, and fails unless every byte is the same.
#
#   VERSION    what the programs call themselves; default: git describe
#   PLATFORMS  default: linux/amd64 linux/arm64 darwin/arm64
#   PROGRAMS   default: plumbline plumbline-verify
set -euo pipefail
cd "$(dirname "$0")/../.."
version=${VERSION:-$(git describe --tags --always --dirty)}
read -ra platforms <<<"${PLATFORMS:-linux/amd64 linux/arm64 darwin/arm64}"
read -ra programs <<<"${PROGRAMS:-plumbline plumbline-verify}"
dist=$PWD/${DIST:-dist}
export CGO_ENABLED=0 GOFLAGS=-tags=grpcnotrace GOTOOLCHAIN=local
CYCLONEDX=github.com/CycloneDX/cyclonedx-gomod/cmd/cyclonedx-gomod@v1.10.0

build() { # platform, folder: everything that could differ from machine to machine is left out
	local p
	for p in "${programs[@]}"; do
		GOOS=${1%/*} GOARCH=${1#*/} go build -trimpath -buildvcs=false -ldflags "-s -w -buildid= -X main.version=$version" -o "$2/$p" "./cmd/$p"
	done
}

rm -rf "$dist" && mkdir -p "$dist"
work=$(mktemp -d)
trap 'chmod -R u+w "$work"; rm -rf "$work"' EXIT
# The times in archives are that of the commit.
when=$(git log -1 --format=%ct)
for platform in "${platforms[@]}"; do
	echo "building $version for $platform" >&2
	name=plumbline_${version}_${platform/\//_}
	mkdir "$work/$name"
	build "$platform" "$work/$name"
	cp LICENSE "$work/$name/"
	tar -C "$work" --sort=name --owner=0 --group=0 --numeric-owner --mode=go-w --mtime="@$when" -cf - "$name" | gzip -n >"$dist/$name.tar.gz"
done
for p in "${programs[@]}"; do
	echo "listing what $p is made of" >&2
	go run "$CYCLONEDX" bin -json -std -noserial -notimestamp -version "$version" -output "$dist/$p.cdx.json" "$work/plumbline_${version}_${platforms[0]/\//_}/$p"
done
(cd "$dist" && sha256sum -- * >SHA256SUMS)

echo "building ${platforms[0]} again, elsewhere and from nothing" >&2
mkdir "$work/tree"
git ls-files -z --cached --others --exclude-standard -- go.mod go.sum cmd collectors migrations pkg rules | xargs -0 cp --parents -t "$work/tree"
(cd "$work/tree" && GOCACHE="$work/cache" build "${platforms[0]}" "$work/again")
for p in "${programs[@]}"; do
	cmp "$work/plumbline_${version}_${platforms[0]/\//_}/$p" "$work/again/$p"
done
echo "the same, byte for byte" >&2
