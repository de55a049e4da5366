#!/usr/bin/env bash
# Makes sure systemd-analyze is there: checks of the units use it, and nothing is started with it.
set -euo pipefail
command -v systemd-analyze >/dev/null && exit 0
if command -v apt-get >/dev/null && [ "$(id -u)" = 0 ]; then
	echo "installing systemd-analyze with apt-get" >&2
	apt-get update -qq
	DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends systemd >/dev/null
	exit 0
fi
echo "systemd-analyze is missing; without it the checks of the units are skipped." >&2
