#!/bin/bash
# Tests of the firmware's scripts and of its busybox: names in UTF-8, time zones, cron, uci-defaults, backups, and what is
# promised on a full disk.
# shellcheck disable=SC2016 # what is in single quotes is for the shell in the root
set -euo pipefail
# shellcheck source=images/demo/test/root.sh
. "$(dirname "$0")/root.sh"

# ---- names in UTF-8 ----

fresh_root
touch "$root/root/größe" "$root/root/文件"
says "ls shows names of all scripts" "größe
文件" 0 'ls /root'
says "with their widths" "größe  文件" 0 'ls -C -w 40 /root'
says "in the C locale as well" "größe
文件" 0 'LC_ALL=C ls /root'
touch "$root/root/$(printf 'broken\377')"
says "what is no UTF-8 is marked" "broken?" 0 'ls /root | grep broken'

# ---- time zones ----

berlin='CET-1CEST,M3.5.0,M10.5.0/3'
winter=1735732800 summer=1751371200 # 2025-01-01 and 2025-07-01, 12:00 UTC
zone() { sh_in_root "date -d @$1 '+%Z %H'"; }
set_zone() { sh_in_root "uci set system.@system[0].timezone='$1'; uci commit system; /etc/init.d/system reload" 2>/dev/null; }
set_zone UTC
same "UTC" "UTC 12" "$(zone $winter)"
set_zone $berlin
same "winter" "CET 13" "$(zone $winter)"
same "summer" "CEST 14" "$(zone $summer)"
same "before 1970" "CET 13" "$(zone -315576000)"
same "after 2038" "CEST 14" "$(zone 3013675200)"
same "/etc/TZ has the rule, as on OpenWrt" $berlin "$(sh_in_root 'cat /etc/TZ')"
same "glibc reads it too" "CET 13, CEST 14" \
	"$(TZ=:$root/tmp/localtime date -d @$winter '+%Z %H'), $(TZ=:$root/tmp/localtime date -d @$summer '+%Z %H')"
set_zone '<-03>3'
same "a zone without letters" "-03 09" "$(zone $summer)"
set_zone 'NST3:30NDT,M3.2.0,M11.1.0'
same "a zone of half an hour" "NST 08" "$(zone $winter)"
set_zone '$(reboot)'
same "what is no zone is UTC" "UTC 12" "$(zone $winter)"
set_zone UTC

# ---- cron ----

says "there is no cron without a crontab" "" 1 '/etc/init.d/cron start; s=$?; /etc/init.d/cron running && echo runs; exit $s'
says "crontab's directory is OpenWrt's" "* * * * * true" 0 'echo "* * * * * true" | crontab - && cat /etc/crontabs/root'
says "with one there is" "running" 0 '/etc/init.d/cron start && usleep 300000; /etc/init.d/cron status'
says "it is started once" "1" 0 '/etc/init.d/cron start; pidof crond | wc -w'
says "it reads /etc/crontabs" "-c /etc/crontabs -l 7" 0 'tr "\0" " " </proc/$(cat /var/run/crond.pid)/cmdline | sed "s/.*-f //; s/ $//"'
says "and stops" "inactive" 3 '/etc/init.d/cron stop; /etc/init.d/cron status'
says "it is enabled" "" 0 '/etc/init.d/cron enabled'

# ---- services ----

says "service lists them" "enabled" 0 'service | sed -n "s|^/etc/init.d/cron *[[:blank:]]*\(enabled\).*|\1|p"'
says "service calls them" "inactive" 3 'service cron status'
says "service of another name" "service: 'nothing' not found, the following services are available:" 1 'service nothing 2>&1 >/dev/null'

# ---- uci-defaults ----

fresh_root
rm -f "$root"/etc/uci-defaults/*
echo 'uci set system.@system[0].hostname=by-default' >"$root/etc/uci-defaults/50-set"
echo 'uci set system.@system[0].notes=x; false' >"$root/etc/uci-defaults/60-fails"
sh_in_root '/etc/init.d/boot start' || true
same "what uci-defaults sets is committed" 1 "$(grep -c "hostname 'by-default'" "$root/etc/config/system")"
same "what succeeded is removed, what failed stays" "60-fails" "$(ls "$root/etc/uci-defaults")"
fresh_root
rm -f "$root"/etc/uci-defaults/*
echo 'uci set system.@system[0].hostname=by-default' >"$root/etc/uci-defaults/50-set"
fill_disk
sh_in_root '/etc/init.d/boot start 2>/dev/null' || true
same "on a full disk it stays for the next boot" "50-set" "$(ls "$root/etc/uci-defaults")"
same "and the configuration is whole" "$(cat "$work/rom/etc/config/system")" "$(cat "$root/etc/config/system")"
rm "$work/disk/upper/filler"
rm -rf "$root"/tmp/.uci/*
sh_in_root '/etc/init.d/boot start'
same "which sets it" 1 "$(grep -c "hostname 'by-default'" "$root/etc/config/system")"

# ---- sysupgrade ----

fresh_root
mkdir "$root/etc/own" "$root/etc/two words"
touch "$root/etc/own/a" "$root/etc/two words/b" "$root/etc/pattern1" "$root/etc/pattern2" "$root/etc/last" "$root/etc/not-listed"
ln -s nowhere "$root/etc/own/link"
printf '# a comment\n\n/etc/own/\n  /etc/pattern*\n/etc/two words\n/etc/nothing\n/etc/last' >"$root/etc/sysupgrade.conf"
listed=$(sh_in_root 'sysupgrade -l')
has() { if grep -qxF "$1" <<<"$listed"; then echo yes; else echo no; fi; }
for file in /etc/own/a /etc/own/link "/etc/two words/b" /etc/pattern1 /etc/pattern2 /etc/last /etc/config/network /etc/shadow /etc/sysupgrade.conf; do
	same "sysupgrade -l has $file" yes "$(has "$file")"
done
for file in /etc/not-listed /etc/nothing; do same "sysupgrade -l does not have $file" no "$(has "$file")"; done
same "a file is listed once" "" "$(uniq -d <<<"$listed")"
same "sysupgrade -b saves what -l lists" "$listed" "$(sh_in_root 'sysupgrade -b - ' | tar -tz | sed 's|^|/|' | sort)"
listed=$(sh_in_root 'sysupgrade -u -l')
same "-u leaves out what the ROM has" "no yes" "$(has /etc/config/network) $(has /etc/last)"
listed=$(sh_in_root 'sysupgrade -o -l')
same "-o has all of the overlay and nothing else" "yes no" "$(has /etc/not-listed) $(has /etc/config/network)"
says "a backup that is restored" "" 0 'sysupgrade -q -b /tmp/b.tar.gz && rm /etc/last "/etc/two words/b" && sysupgrade -q -r /tmp/b.tar.gz && [ -f /etc/last ] && [ -f "/etc/two words/b" ]'
mount -t tmpfs -o size=16k small "$root/mnt"
dd if=/dev/zero of="$root/mnt/filler" bs=4k count=3 2>/dev/null
head -c 20000 /dev/urandom >"$root/etc/own/a"
if sh_in_root 'sysupgrade -q -b /mnt/b.tar.gz' 2>/dev/null; then fault "a backup to a full disk" "a failure" "success"; else pass; fi
same "leaves no half of one" filler "$(ls "$root/mnt")"
umount "$root/mnt"

# ---- a full disk ----

fresh_root
ln -s 2 "$work/disk/.fs_state"
fill_disk
says "firstboot on a full disk" "The overlay will be emptied at the next boot." 0 'firstboot -y'
same "has left its mark" 1 "$(readlink "$work/disk/.fs_state")"
fresh_root 4m,nr_inodes=64
ln -s 2 "$work/disk/.fs_state"
n=0
while : 2>/dev/null >"$work/disk/upper/$n"; do n=$((n + 1)); done
says "firstboot without a free inode" "The overlay will be emptied at the next boot." 0 'firstboot -y'
same "has left its mark there too" 1 "$(readlink "$work/disk/.fs_state")"
says "enable of what is enabled loses nothing" "S50cron" 0 '/etc/init.d/cron enable; cd /etc/rc.d && ls S*cron'

fresh_root
before=$(cat "$root/etc/shadow")
fill_disk
if sh_in_root 'printf "secret1\nsecret1\n" | passwd' >/dev/null 2>&1; then fault "passwd on a full disk" "a failure" success; else pass; fi
same "the passwords are as they were" "$before" "$(cat "$root/etc/shadow")"
if sh_in_root 'sed -i s/root/other/ /etc/passwd' >/dev/null 2>&1; then fault "sed -i on a full disk" "a failure" success; else pass; fi
same "the file is as it was" "$(cat "$work/rom/etc/passwd")" "$(cat "$root/etc/passwd")"
if sh_in_root 'echo "* * * * * true" | crontab -' >/dev/null 2>&1; then fault "crontab on a full disk" "a failure" success; else pass; fi
same "there is no crontab instead of half of one" "" "$(ls "$root/etc/crontabs")"
says "sysupgrade -b on a full disk" "The backup failed." 1 'sysupgrade -q -b /root/b.tar.gz 2>&1 | tail -n 1; [ ! -e /root/b.tar.gz ] && [ ! -e /root/b.tar.gz.tmp ] && exit 1'

fresh_root
says "enable and disable" "disabled enabled" 0 '/etc/init.d/cron disable; /etc/init.d/cron enabled || printf "disabled "; /etc/init.d/cron enable && /etc/init.d/cron enabled && echo enabled'
sed -i 's/^START=50/START=60/' "$root/etc/init.d/cron"
says "enable under a new number takes the old one away" "S60cron" 0 '/etc/init.d/cron enable; cd /etc/rc.d && ls S*cron'

report system
