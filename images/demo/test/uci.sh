#!/bin/bash
# Tests of files/sbin/uci on the host, with busybox's ash and awk: the same version the firmware has.
# Needs Debian's `busybox` (BUSYBOX names another one).
set -euo pipefail
cd "$(dirname "$0")/../files"
busybox=${BUSYBOX:-$(command -v busybox)}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir "$work/bin" "$work/etc"
ln -s "$busybox" "$work/bin/awk"
ln -s "$busybox" "$work/bin/sh"
failed=0 passed=0

uci() {
	PATH="$work/bin:$PATH" UCI_AWK=$PWD/lib/uci.awk UCI_LIB=$PWD/lib \
		"$busybox" ash sbin/uci -c "$work/etc" -t "$work/save" "$@"
}

# check NAME EXPECTED-OUTPUT EXPECTED-STATUS ARGUMENTS…: runs uci; standard error counts as output
check() {
	local name=$1 expected=$2 status=$3 got rc=0
	shift 3
	got=$(uci "$@" 2>&1) || rc=$?
	if [[ $got == "$expected" && $rc == "$status" ]]; then
		passed=$((passed + 1))
	else
		failed=$((failed + 1))
		printf 'FAILED: %s\n  uci %s\n  expected (%s): %s\n  got      (%s): %s\n' "$name" "$*" "$status" "$expected" "$rc" "$got"
	fi
}
same() { # same NAME EXPECTED GOT
	if [[ $2 == "$3" ]]; then passed=$((passed + 1)); else
		failed=$((failed + 1))
		printf 'FAILED: %s\n  expected: %s\n  got:      %s\n' "$1" "$2" "$3"
	fi
}
fresh() {
	rm -rf "${work:?}"/save "${work:?}"/etc
	mkdir "$work/etc"
	cat >"$work/etc/system" <<-'EOF'

		config system
			option hostname 'OpenWrt'
			option timezone 'UTC'

		config timeserver 'ntp'
			option enabled '1'
			list server '0.example.org'
			list server '1.example.org'

		config led
			option name 'one'

		config led
			option name 'two'

	EOF
}
name_of() { uci -X show system | sed -n "s/^system\.\(cfg[0-9a-f]*\)=$1\$/\1/p" | sed -n "${2:-1}p"; }

fresh
check "shows a configuration with extended names" "system.@system[0]=system
system.@system[0].hostname='OpenWrt'
system.@system[0].timezone='UTC'
system.ntp=timeserver
system.ntp.enabled='1'
system.ntp.server='0.example.org' '1.example.org'
system.@led[0]=led
system.@led[0].name='one'
system.@led[1]=led
system.@led[1].name='two'" 0 show system
check "shows everything when no configuration is named" "$(uci show system)" 0 show
led=$(name_of led 2)
check "shows one section by its internal name" "system.$led=led
system.$led.name='two'" 0 show system.@led[1]
check "shows one option" "system.ntp.enabled='1'" 0 show system.ntp.enabled
check "gets an option" OpenWrt 0 get system.@system[0].hostname
check "gets a section's type" timeserver 0 get system.ntp
check "gets a list, separated by spaces" "0.example.org 1.example.org" 0 get system.ntp.server
check "gets a list with another delimiter" "0.example.org,1.example.org" 0 -d , get system.ntp.server
check "counts sections from the end" two 0 get system.@led[-1].name
check "counts sections of all types" OpenWrt 0 get system.@[0].hostname
check "an absent option" "uci: Entry not found" 1 get system.ntp.nothing
check "an absent section" "uci: Entry not found" 1 get system.nothing.x
check "an absent configuration" "uci: Entry not found" 1 get nothing.x.y
check "an index out of range" "uci: Entry not found" 1 get system.@led[2].name
check "a malformed name" "uci: Invalid argument" 1 get 'system.@led[x].name'
check "-q is silent" "" 1 -q get system.nothing.x

check "sets an option" "" 0 set system.@system[0].hostname=router
check "the change is seen at once" router 0 get system.@system[0].hostname
same "the file is untouched before commit" 1 "$(grep -c OpenWrt "$work/etc/system")"
sys=$(name_of system)
check "changes shows it" "system.$sys.hostname='router'" 0 changes
check "changes of one configuration" "system.$sys.hostname='router'" 0 changes system
check "commits" "" 0 commit system
same "no saved changes remain" "" "$(ls "$work/save")"
check "no changes remain" "" 0 changes
same "the file is written as OpenWrt writes it" "
config system
	option hostname 'router'
	option timezone 'UTC'

config timeserver 'ntp'
	option enabled '1'
	list server '0.example.org'
	list server '1.example.org'

config led
	option name 'one'

config led
	option name 'two'

." "$(cat "$work/etc/system"; echo .)"
# shellcheck disable=SC2016 # the dollar is part of the value
tricky='it'\''s a "test" $HOME `x` \n # ; = end'
check "sets a value with every kind of special character" "" 0 set "system.ntp.note=$tricky"
check "gets it back" "$tricky" 0 get system.ntp.note
check "commits it" "" 0 commit
check "gets it back from the file" "$tricky" 0 get system.ntp.note
check "shows it quoted" "system.ntp.note='${tricky//\'/\'\\\'\'}'" 0 show system.ntp.note
check "sets a value of two lines" "" 0 set "system.ntp.note=a
b"
check "gets both lines" "a
b" 0 get system.ntp.note
uci commit
check "gets both lines from the file" "a
b" 0 get system.ntp.note
check "an empty value deletes" "" 0 set system.ntp.note=
check "it is gone" "uci: Entry not found" 1 get system.ntp.note
check "set needs a section that exists" "uci: Invalid argument" 1 set system.nothing.x=1
check "set makes a named section" "" 0 set system.mine=thing
check "which has its type" thing 0 get system.mine
check "set changes a type" "" 0 set system.mine=other
check "to another" other 0 get system.mine
check "set needs a value" "uci: Invalid argument" 1 set system.mine
check "a value may hold equals signs and dots" "" 0 set system.mine.url=http://x.y/?a=b.c
check "and comes back" "http://x.y/?a=b.c" 0 get system.mine.url

fresh
added=$(uci add system led)
[[ $added =~ ^cfg[0-9a-f]{6}$ ]] && passed=$((passed + 1)) || { failed=$((failed + 1)); echo "FAILED: add printed $added"; }
check "the added section is the last" led 0 get system.@led[2]
check "it can be filled by its name" "" 0 set "system.$added.name=three"
check "it is listed as a change" "system.$added='led'
system.$added.name='three'" 0 changes
uci commit
check "it is there after commit" three 0 get system.@led[-1].name
same "it is anonymous in the file" 3 "$(grep -c '^config led$' "$work/etc/system")"

fresh
check "adds to a list" "" 0 add_list system.ntp.server=2.example.org
check "the list has grown" "0.example.org 1.example.org 2.example.org" 0 get system.ntp.server
check "the change is shown as +=" "system.ntp.server+='2.example.org'" 0 changes
check "takes from a list" "" 0 del_list system.ntp.server=0.example.org
check "the list has shrunk" "1.example.org 2.example.org" 0 get system.ntp.server
check "taking what is not there is no error" "" 0 del_list system.ntp.server=none
check "deletes a list element by index" "" 0 delete system.ntp.server=0
check "the first is gone" "2.example.org" 0 get system.ntp.server
uci commit
check "and stays gone" "2.example.org" 0 get system.ntp.server
check "a list from nothing" "" 0 add_list system.ntp.other=x
check "an option becomes a list" "" 0 add_list system.ntp.enabled=2
check "with both values" "system.ntp.enabled='1' '2'" 0 show system.ntp.enabled
check "a list becomes an option" "" 0 set system.ntp.enabled=0
check "with one value" "system.ntp.enabled='0'" 0 show system.ntp.enabled

fresh
check "deletes an option" "" 0 delete system.@system[0].timezone
check "deletes a section" "" 0 delete system.@led[0]
check "the next one moves up" two 0 get system.@led[0].name
check "deleting what is absent" "uci: Entry not found" 1 delete system.nothing
fresh
first_led=$(name_of led 1)
uci delete system.@led[0]
check "a deletion is shown with a minus" "-system.$first_led" 0 changes
uci commit
same "one led remains" 1 "$(grep -c '^config led' "$work/etc/system")"

fresh
check "renames an option" "" 0 rename system.ntp.enabled=active
check "it has the new name" 1 0 get system.ntp.active
check "and not the old one" "uci: Entry not found" 1 get system.ntp.enabled
check "renames a section" "" 0 rename system.@led[0]=first
check "it is named now" one 0 get system.first.name
uci commit
check "after commit too" one 0 get system.first.name
same "in its old place" "config system
config timeserver 'ntp'
config led 'first'
config led" "$(grep '^config' "$work/etc/system")"
check "reorders" "" 0 reorder system.first=0
uci commit
same "it is the first" "config led 'first'" "$(grep -m 1 '^config' "$work/etc/system")"
check "reorders to the end" "" 0 reorder system.first=9
uci commit
same "it is the last" "config led 'first'" "$(grep '^config' "$work/etc/system" | tail -n 1)"

fresh
uci set system.ntp.enabled=0
uci set system.@system[0].hostname=a
check "reverts an option" "" 0 revert system.ntp.enabled
check "it has its old value" 1 0 get system.ntp.enabled
check "the other change stays" a 0 get system.@system[0].hostname
check "reverts a configuration" "" 0 revert system
check "nothing is left" "" 0 changes
check "all is as before" OpenWrt 0 get system.@system[0].hostname

fresh
check "exports" "package system

config system
	option hostname 'OpenWrt'
	option timezone 'UTC'

config timeserver 'ntp'
	option enabled '1'
	list server '0.example.org'
	list server '1.example.org'

config led
	option name 'one'

config led
	option name 'two'" 0 export system
same "exports names on demand" "config system '$(name_of system)'" "$(uci -n export system | grep -m 1 '^config')"
text=$(uci export system)
: >"$work/etc/copy"
same "imports under another name" "" "$(uci import copy <<<"$text")"
same "the copy is equal" "$(uci export system | tail -n +2)" "$(uci export copy | tail -n +2)"
rm "$work/etc/system"
same "imports by the package line" "" "$(uci import <<<"$text")"
check "the configuration is back" OpenWrt 0 get system.@system[0].hostname
same "merges" "" "$(printf "config timeserver 'ntp'\n\toption enabled '0'\n" | uci -m import system)"
check "what was merged" 0 0 get system.ntp.enabled
check "what was there stays" OpenWrt 0 get system.@system[0].hostname
if printf "config x 'unclosed\n" | uci -q import copy; then failed=$((failed + 1)); echo "FAILED: a broken import was taken"; else passed=$((passed + 1)); fi
same "a broken import changes nothing" "$(uci export system | grep -c led)" "$(uci export copy | grep -c led)"

fresh
same "batch runs commands" "router" "$(uci batch <<-'EOF'
	set system.@system[0].hostname='router'
	add_list system.ntp.server="2.example.org"
	# a comment
	commit system
	get system.@system[0].hostname
	EOF
)"
check "batch has committed" "" 0 changes
check "the list too" "0.example.org 1.example.org 2.example.org" 0 get system.ntp.server
same "batch goes on after an error" "uci: Entry not found
OpenWrtx" "$(uci batch 2>&1 <<-'EOF'
	get system.nothing.x
	set system.@system[0].hostname=OpenWrtx
	get system.@system[0].hostname
	EOF
)"

fresh
cat >"$work/etc/odd" <<'EOF'
# a comment
config   plain   name_1   # with a comment
	option	"a"	double" quoted "\"'and single'
	option b unquoted
	option c 'x'; option d 'y'
	list e 'with  two spaces'
	option f ''
EOF
check "reads every way of quoting" "odd.name_1=plain
odd.name_1.a='double quoted \"and single'
odd.name_1.b='unquoted'
odd.name_1.c='x'
odd.name_1.d='y'
odd.name_1.e='with  two spaces'
odd.name_1.f=''" 0 show odd
check "gets an empty option" "" 0 get odd.name_1.f
check "gets spaces as they are" "with  two spaces" 0 get odd.name_1.e
printf "config a 'x'\n\toption b 'open\n" >"$work/etc/broken"
check "says that a file is broken" "uci: Parse error (EOF with unterminated quote)" 1 show broken
check "no name can leave the directory" "uci: Invalid argument" 1 get ../etc/passwd.x.y
check "usage on an unknown command" "$(uci 2>&1 || true)" 255 nonsense
touch "$work/etc/empty"
same "adds to an empty configuration" 1 "$(uci add empty thing | grep -c cfg)"
uci commit empty
check "which then holds it" "empty.@thing[0]=thing" 0 show empty

# The reader for scripts gives the same names and values.
fresh
cat >"$work/load.sh" <<EOF
. $PWD/lib/functions.sh
_reset
_read_plain $work/etc/system || echo "not plain"
each() { config_get v "\$1" name; echo "\$1 \$v"; }
config_foreach each led
one() { echo "[\$1]"; }
config_list_foreach ntp server one
config_get d ntp nothing default; echo "\$d"
config_get_bool b ntp enabled 0; echo "\$b"
EOF
same "functions.sh reads the same" "$(name_of led 1) one
$(name_of led 2) two
[0.example.org]
[1.example.org]
default
1" "$("$busybox" ash "$work/load.sh")"

# `uci show` reads plain files with the shell alone; -s, the default, has awk do it. Both must say the same.
shows_the_same() { # shows_the_same NAME: the file comes on standard input
	rm -rf "${work:?}"/save "${work:?}"/etc
	mkdir "$work/etc"
	cat >"$work/etc/a"
	local quick awk rc=0 awk_rc=0
	quick=$(uci show 2>&1) || rc=$?
	awk=$(uci -s show 2>&1) || awk_rc=$?
	same "show without awk: $1" "$awk_rc $awk" "$rc $quick"
}
shows_the_same "kinds of sections and words" <<'EOF'
# a comment
config rule
	option name 'one two'
	option port 22
config rule 'named'
config "zone"
	option	tab	"in 'double' quotes"
	list network lan
	list network 'wan'
	option masq '1'
	list device 'eth0'
config rule
	option empty ''
EOF
shows_the_same "an option twice" <<<$'config x\n\toption a 1\n\toption b 2\n\toption a 3'
shows_the_same "a list in two places" <<<$'config x\n\tlist a 1\n\toption b 2\n\tlist a 3'
shows_the_same "a section twice" <<<$'config x y\n\toption a 1\nconfig x z\nconfig w y\n\toption b 2'
shows_the_same "two statements in a line" <<<$'config x; option a 1'
shows_the_same "a comment behind a value" <<<$'config x # y\n\toption a 1 # b'
shows_the_same "words put together" <<<$'config x\n\toption a b"c"\'d\'\\e'
shows_the_same "a value of two lines" <<<$'config x\n\toption a "b\nc"'
shows_the_same "an escaped quote" <<<$'config x\n\toption a \'it\'\\\'\'s\'\n\toption b "\\""'
shows_the_same "line ends of DOS" <<<$'config x\r\n\toption a b\r\n\toption c \'d\'\r'
shows_the_same "a value too many" <<<$'config x\n\toption a b\tc'
shows_the_same "an option without a section" <<<$'option a b'
shows_the_same "an option without a value" <<<$'config x\n\toption a'
shows_the_same "an open quote" <<<$'config x\n\toption a \'b'
shows_the_same "a package" <<<$'package y\nconfig x\n\toption a b'
shows_the_same "a type of other characters" <<<$'config x*[0]\n\toption a *'
shows_the_same "an empty file" </dev/null
printf 'config x\n\toption a b' | shows_the_same "no newline at the end"
touch "$work/etc/bad name" "$work/etc/-n"
same "show without awk: names of files" "$(uci -s show 2>&1)" "$(uci show 2>&1)"
fresh
uci set system.ntp.enabled=0
check "show sees changes that are not committed" "system.ntp.enabled='0'" 0 show system.ntp.enabled
same "show without awk: saved changes" "$(uci -s show)" "$(uci show)"

echo "uci: $passed passed, $failed failed"
[[ $failed == 0 ]]
