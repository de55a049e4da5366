#!/usr/bin/env bash
# Makes sure PostgreSQL 15 or newer server binaries are there: the demo and the tests start a private server from them.
set -euo pipefail
for bin in ${PLUMBLINE_PG_BIN:-} /usr/lib/postgresql/*/bin /usr/pgsql-*/bin /opt/homebrew/opt/postgresql@*/bin /usr/local/opt/postgresql@*/bin; do
	[ -x "$bin/postgres" ] && exit 0
done
command -v postgres >/dev/null && exit 0
if command -v apt-get >/dev/null && [ "$(id -u)" = 0 ]; then
	echo "installing PostgreSQL server binaries with apt-get" >&2
	apt-get update -qq
	DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends postgresql >/dev/null
	exit 0
fi
cat >&2 <<'TEXT'
PostgreSQL server binaries (15 or newer) are missing. Install them, or name their folder in PLUMBLINE_PG_BIN:
  Debian, Ubuntu   sudo apt-get install postgresql
  Fedora, RHEL     sudo dnf install postgresql-server
  macOS            brew install postgresql@17
TEXT
exit 1
