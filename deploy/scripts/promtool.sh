#!/usr/bin/env bash
# Makes sure promtool is there: checks of the alerting rules use it. Debian's package is unpacked into .cache, and not installed.
set -euo pipefail
cd "$(dirname "$0")/../.."
folder=.cache/promtool
if [ -x "${PLUMBLINE_PROMTOOL:-$folder/usr/bin/promtool}" ] || command -v promtool >/dev/null; then exit 0; fi
if command -v apt-get >/dev/null && command -v dpkg >/dev/null; then
	echo "fetching promtool with apt-get" >&2
	[ "$(id -u)" != 0 ] || apt-get update -qq
	rm -rf "$folder" && mkdir -p "$folder"
	(cd "$folder" && apt-get download -qq -o APT::Sandbox::User=root prometheus && dpkg -x prometheus_*.deb . && rm prometheus_*.deb)
	exit 0
fi
cat >&2 <<'TEXT'
promtool is missing; without it the checks of the alerting rules are skipped. Install Prometheus, or name the program in PLUMBLINE_PROMTOOL.
TEXT
