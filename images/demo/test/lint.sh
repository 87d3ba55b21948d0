#!/bin/bash
# Shell scripts of the demo firmware under shellcheck; .shellcheckrc says what busybox ash may.
set -euo pipefail
cd "$(dirname "$0")/.."
shellcheck -x build.sh compile.sh test/*.sh
mapfile -t scripts < <(grep -rlE '^#!/bin/sh' files | sort)
shellcheck -s dash "${scripts[@]}" files/lib/functions.sh files/lib/network.sh files/usr/libexec/web.sh \
	files/etc/hotplug.d/iface/* files/etc/uci-defaults/* files/etc/profile files/etc/shinit files/etc/rc.local
echo "shellcheck: clean"
