#!/usr/bin/env bash
# Makes sure Chromium is there: browser tests look at the pages with it.
set -euo pipefail
[ -x "${PLUMBLINE_CHROMIUM:-/usr/bin/chromium}" ] && exit 0
if command -v apt-get >/dev/null && [ "$(id -u)" = 0 ]; then
	echo "installing Chromium with apt-get" >&2
	apt-get update -qq
	DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium fonts-dejavu-core >/dev/null
	exit 0
fi
cat >&2 <<'TEXT'
Chromium is missing; without it the browser tests are skipped. Install it, or name the program in PLUMBLINE_CHROMIUM:
  Debian   sudo apt-get install chromium
  Fedora   sudo dnf install chromium
TEXT
