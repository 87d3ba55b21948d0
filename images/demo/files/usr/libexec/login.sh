#!/bin/sh
# What a console starts: a root shell, or a login when system.@system[0].ttylogin asks for one.
# The file is looked at first because uci takes longer than a console should. Without the option there is no login.
while read -r _ name _; do
	[ "$name" = ttylogin ] || continue
	[ "$(uci -q get system.@system[0].ttylogin)" = 1 ] && exec /bin/login
	break
done </etc/config/system
exec /bin/ash --login
