#!/bin/bash
# Tests of uci: the cases of OpenWrt's own tests (tests/shunit2 of openwrt/uci) written anew, what the firmware's scripts
# rely on, and what must hold when the disk is full, when several write, and when a write is cut short.
# UCI names another binary to test, such as one that was compiled with a sanitizer.
set -euo pipefail
# shellcheck source=images/demo/test/root.sh
. "$(dirname "$0")/root.sh"

fresh_root
# Configuration and changes of the tests, seen by the host and from within the root.
t=$root/tmp/t
mkdir -p "$t"

uci() {
	if [[ -n ${UCI:-} ]]; then (cd "$t" && exec -a uci "$UCI" -c etc -t save "$@"); else
		in_root /bin/ash -c 'cd /tmp/t && exec uci -c etc -t save "$@"' uci "$@"
	fi
}

entries() { find "$1" -mindepth 1 -printf '%f\n' | sort | xargs; }

# check NAME EXPECTED-OUTPUT EXPECTED-STATUS ARGUMENTS…: runs uci; standard error counts as output
check() {
	local name=$1 expected=$2 status=$3 got rc=0
	shift 3
	got=$(uci "$@" 2>&1) || rc=$?
	if [[ $got == "$expected" && $rc == "$status" ]]; then pass; else fault "$name: uci $*" "($status) $expected" "($rc) $got"; fi
}

fresh() {
	rm -rf "${t:?}"/save "${t:?}"/etc
	mkdir "$t/etc"
	cat >"$t/etc/system" <<-'EOF'

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
same "the file is untouched before commit" 1 "$(grep -c OpenWrt "$t/etc/system")"
sys=$(name_of system)
check "changes shows it" "system.$sys.hostname='router'" 0 changes
check "changes of one configuration" "system.$sys.hostname='router'" 0 changes system
check "commits" "" 0 commit system
same "no saved changes remain" "" "$(find "$t/save" -type f -size +0)"
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

." "$(cat "$t/etc/system"; echo .)"
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
same "it is anonymous in the file" 3 "$(grep -c '^config led$' "$t/etc/system")"

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
same "one led remains" 1 "$(grep -c '^config led' "$t/etc/system")"

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
config led" "$(grep '^config' "$t/etc/system")"
check "reorders" "" 0 reorder system.first=0
uci commit
same "it is the first" "config led 'first'" "$(grep -m 1 '^config' "$t/etc/system")"
check "reorders to the end" "" 0 reorder system.first=9
uci commit
same "it is the last" "config led 'first'" "$(grep '^config' "$t/etc/system" | tail -n 1)"

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
: >"$t/etc/copy"
same "imports under another name" "" "$(uci import copy <<<"$text")"
same "the copy is equal" "$(uci export system | tail -n +2)" "$(uci export copy | tail -n +2)"
rm "$t/etc/system"
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
cat >"$t/etc/odd" <<'EOF'
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
odd.name_1.e='with  two spaces'" 0 show odd
check "an empty option is none" "uci: Entry not found" 1 get odd.name_1.f
check "quotes a list's element that has blanks" "'with  two spaces'" 0 get odd.name_1.e
printf "config a 'x'\n\toption b 'open\n" >"$t/etc/broken"
check "says where a file is broken" "uci: Parse error (EOF with unterminated ') at line 2, byte 10 of etc/broken" 1 show broken
check "no name can leave the directory" "uci: Parse error" 1 get ../etc/passwd.x.y
check "usage on an unknown command" "$(uci 2>&1 || true)" 255 nonsense
touch "$t/etc/empty"
same "adds to an empty configuration" 1 "$(uci add empty thing | grep -c cfg)"
uci commit empty
check "which then holds it" "empty.@thing[0]=thing" 0 show empty

# ---- OpenWrt's own tests: what is malformed is refused, without output ----

fresh
printf "config 'type' 'section'\n\toption 'opt'\t'val'\n\nconfig 'unnamed'\n\toption 'opt1'\t'val1'\n" >"$t/etc/test"
refused() { # refused ARGUMENTS…
	local got
	if got=$(uci -q "$@" 2>&1) || [[ -n $got ]]; then fault "uci $*" "nothing, and a failure" "$got"; else pass; fi
}
for name in test. test.section. test.section.opt. test.section.opt.val. test.section.opt.val.qsdf.qsd test.section.opt.valqsqsd \
	'test.@' 'test.@zer.' 'test.@.' 'test.@zer[1]' 'test.@.opt' 'test.@[28]' 'test.@[1].' 'test.@[1].val.' \
	test.nilsection test.nilsection.nilopt test.section.nilopt; do
	refused get "$name"
	refused show "$name"
done
for name in test. test.section. test.section.opt. test.section.opt.zflk; do refused set "$name=val"; done
same "and nothing was changed" "" "$(uci changes)"
check "get of a configuration prints nothing" "" 0 get test

# Lines of a change file that make no sense are passed over.
for c in + '' @ ^ '|' '~'; do
	printf '%s\n' "${c}test.foo bar" "${c}test.foo bar=baz" "${c}test.foo.bar baz" "${c}test.foo.bar baz=bazz" "${c}test.foo" \
		"${c}test.foo.bar" >"$t/save/test"
	check "changes with something behind them, or without a value: '$c'" "" 0 changes
done
printf '%s\n' "test.section.opt='a" "test.section.opt=b" "other.section.opt=c" >"$t/save/test"
check "an open quote does not take the next change with it" "test.section.opt='b'" 0 changes test
rm -f "$t/save/test"

# Values of several lines.
cat >"$t/etc/sockd" <<'EOF'
config main
        option version  1.4.1

config sockd 'instance0'
        option enabled  1
        list internal_network   vpn
        option extra_config '
		user.unprivileged: nobody
		client pass {
			log: error
		} '
	option continued "\"Hello, \
World.
\'"
EOF
check "shows a value of several lines" "sockd.instance0.extra_config='
		user.unprivileged: nobody
		client pass {
			log: error
		} '" 0 show sockd.instance0.extra_config
check "a line that a backslash continues" "\"Hello, World.
'" 0 get sockd.instance0.continued
check "shows the package" "sockd.@main[0]=main
sockd.@main[0].version='1.4.1'
sockd.instance0=sockd
sockd.instance0.enabled='1'
sockd.instance0.internal_network='vpn'
sockd.instance0.extra_config='
		user.unprivileged: nobody
		client pass {
			log: error
		} '
sockd.instance0.continued='\"Hello, World.
'\\'''" 0 show sockd

# Lists of values with blanks; batch with comments and quotes over lines.
fresh
: >"$t/etc/lists"
uci batch <<'EOF'
# first line comment
set lists.SEC0='section'
add_list lists.SEC0.list0='value0'

 	 # a comment behind blanks
add_list lists.SEC0.list0='"Hello
,'" world\""
EOF
check "get quotes the elements that have blanks" "value0 '\"Hello
, world\"'" 0 get lists.SEC0.list0
check "show quotes all of them" "lists.SEC0.list0='value0' '\"Hello
, world\"'" 0 show lists.SEC0.list0
check "changes" "lists.SEC0='section'
lists.SEC0.list0+='value0'
lists.SEC0.list0+='\"Hello
, world\"'" 0 changes
uci commit
uci del_list "lists.SEC0.list0=\"Hello
, world\""
uci commit
same "del_list of a value with a line end" "
config section 'SEC0'
	list list0 'value0'

." "$(cat "$t/etc/lists"; echo .)"
check "too many words in a batch" "Too many arguments" 0 batch <<<"set a b c d"
check "an unknown command in a batch" "Unknown command" 0 batch <<<"nonsense"
check "a quote that a batch leaves open" "uci: Parse error (EOF with unterminated ')" 0 batch <<<"set 'a"

long=$(head -c 8192 /dev/zero | tr '\0' a)
uci set "lists.SEC0.o=$long"
check "a change of 8192 characters" "lists.SEC0.o='$long'" 0 changes
uci revert lists
check "reverts it" "" 0 changes
uci batch <<'EOF'
set lists.SEC1=section
set lists.SEC1.option0=value0
set lists.SEC1.option1='"Hello,
World"'
EOF
check "reverts an option" "" 0 revert lists.SEC1.option0
check "and leaves the others" "lists.SEC1='section'
lists.SEC1.option1='\"Hello,
World\"'" 0 changes
check "reverts a section" "" 0 revert lists.SEC1
check "with its options" "" 0 changes

# Several directories with changes, the one to write last.
: >"$t/etc/delta"
mkdir -p "$t/other"
uci set delta.sec0=sectype
uci add_list delta.sec0.li0=0
uci -P other set delta.sec0=tmptype
uci -P other add_list delta.sec0.li0=1
uci -P other set delta.sec0=sectype
check "changes without the other directory" "delta.sec0='sectype'
delta.sec0.li0+='0'" 0 changes
check "changes with it, in order" "delta.sec0='sectype'
delta.sec0.li0+='0'
delta.sec0='tmptype'
delta.sec0.li0+='1'
delta.sec0='sectype'" 0 -P other changes
check "export with both" "package delta

config sectype 'sec0'
	list li0 '0'
	list li0 '1'" 0 -P other export delta
check "commit with -P does nothing" "" 0 -P other commit
same "the file is as it was" "" "$(cat "$t/etc/delta")"
check "commit with -p takes both" "" 0 -p other commit
same "into the file" "
config sectype 'sec0'
	list li0 '1'
	list li0 '0'

." "$(cat "$t/etc/delta"; echo .)"

same "import of several packages" "" "$(uci import <<'EOF'
package one

config 'a' 'x'
	option y 'z'

package two
config b
EOF
)"
same "each in its file" "
config a 'x'
	option y 'z'

.

config b

." "$(cat "$t/etc/one"; echo .; cat "$t/etc/two"; echo .)"
check "import without a package" \
	"uci: Parse error (attempting to import a file without a package name) at line 1, byte 6" 1 import <<<"config a"
check "import of nonsense" "uci: Parse error (invalid command) at line 2, byte 0" 1 import one <<<$'\nnonsense a b'
check "the file is as it was" z 0 get one.x.y
check "two sections of one name and two types" \
	"uci: Parse error (section of different type overwrites prior section with same name) at line 2, byte 10" \
	1 import one <<<$'config a x\nconfig b x'
check "a word too many" "uci: Parse error (too many arguments) at line 2, byte 12" 1 import one <<<$'config a x\noption a b c'
check "-S goes on behind it" "uci: Parse error (invalid command) at line 2, byte 0" 0 -S import one <<<$'config a x\nnonsense\noption y kept'
check "with what was sound" kept 0 get one.x.y

# Names of anonymous sections are libuci's: people have them in scripts.
fresh
same "names of anonymous sections" \
	"system.cfg01e48a=system system.ntp=timeserver system.cfg038bba=led system.cfg048bba=led" \
	"$(uci -X show system | grep -v '\..*\.' | xargs)"
same "an index counts named sections of the type too" "t.n=led t.@led[1]=led" \
	"$(printf 'config led n\nconfig led\n' >"$t/etc/t"; uci show t | xargs)"

# ---- several at once ----

fresh
: >"$t/etc/many"
for _ in 1 2 3 4 5 6; do uci add many thing >/dev/null & done
wait
uci commit many
same "six sections that were added at once" 6 "$(grep -c '^config thing$' "$t/etc/many")"
for n in 1 2 3 4 5 6 7 8; do (
	uci set "many.s$n=thing"
	uci add_list "many.@thing[0].l=$n"
	uci commit many
) & done
wait
uci commit many
same "what eight wrote and committed at once" "8 8" "$(grep -c "^config thing 's" "$t/etc/many") $(grep -c "list l" "$t/etc/many")"
# A reader sees the value that is pending or committed, never the old one.
(for n in $(seq 30); do uci set "system.ntp.enabled=$((n + 1))"; uci commit system; done) &
writer=$! back=0 last=0
while kill -0 $writer 2>/dev/null; do
	now=$(uci get system.ntp.enabled)
	((now >= last)) || back=$((back + 1))
	last=$now
done
wait
same "a reader beside a writer never sees an older value" 0 "$back"

# ---- the disk is full ----

fresh
mount -t tmpfs -o size=12k small "$t/etc"
printf 'config system\n\toption hostname old\n\nconfig big\n\toption o %s\n' "${long:0:4000}" >"$t/etc/system"
uci set system.@system[0].hostname=new
dd if=/dev/zero of="$t/etc/.filler" bs=4k 2>/dev/null || true
before=$(cat "$t/etc/system")
full="uci: I/O error (writing etc/system: No space left on device)"
check "commit on a full disk is an error" "$full" 1 commit system
same "the old file is whole" "$before" "$(cat "$t/etc/system")"
check "the change is still pending" "system.cfg01e48a.hostname='new'" 0 changes
check "commit of everything is an error too" "$full" 1 commit
same "nothing is left over" ".filler system" "$(entries "$t/etc")"
check "import is an error as well" "uci: I/O error (writing etc/fresh: No space left on device)" 1 import fresh <<<"config a"
same "and leaves no empty file" ".filler system" "$(entries "$t/etc")"
rm "$t/etc/.filler"
check "with room again it succeeds" "" 0 commit system
check "and is there" new 0 get system.@system[0].hostname
umount "$t/etc"

fresh
mkdir -p "$t/save"
mount -t tmpfs -o size=8k small "$t/save"
uci set system.ntp.enabled=0
head -c 4000 /dev/zero | tr '\0' '\n' >>"$t/save/system"
dd if=/dev/zero of="$t/save/filler" bs=4k 2>/dev/null || true
check "a change that finds no room is an error" "uci: I/O error (writing save/system: No space left on device)" \
	1 set "system.ntp.note=${long:0:200}"
check "and no half of it is left" "system.ntp.enabled='0'" 0 changes
rm "$t/save/filler"
check "the next one is whole" "" 0 set system.ntp.note=x
check "behind the first" "system.ntp.enabled='0'
system.ntp.note='x'" 0 changes
umount "$t/save"
if sh_in_root 'uci show >/dev/full' 2>/dev/null; then fault "output that cannot be written" "a failure" success; else pass; fi

# ---- a write that is cut short ----

fresh
uci set system.@system[0].hostname=new
printf 'half of' >"$t/etc/.system.uci-abcdef"
same "the half of a file that a crash left is no configuration" system "$(uci export | sed -n 's/^package //p' | xargs)"
check "commits beside it" "" 0 commit
same "and clears it away" system "$(ls -A "$t/etc")"
chmod 640 "$t/etc/system"
uci set system.ntp.enabled=0
uci commit
same "the mode is kept" 640 "$(stat -c %a "$t/etc/system")"
mv "$t/etc/system" "$t/real"
ln -s ../real "$t/etc/system"
uci set system.ntp.enabled=5
uci commit
same "a symbolic link is kept, its file is written" "link 1" "$([[ -L $t/etc/system ]] && echo link) $(grep -c "enabled '5'" "$t/real")"
rm -f "$t/etc/system"
# Killed at any moment: the file is the old one or the new one.
fresh
torn=0
for n in $(seq 40); do
	uci set "system.@system[0].hostname=$n"
	uci commit system &
	[[ $n -gt 20 ]] || sleep "0.00$((n % 10))"
	kill -9 $! 2>/dev/null || true
	wait $! 2>/dev/null || true
	uci show system >/dev/null 2>&1 && [[ $(grep -c '^config' "$t/etc/system") == 4 ]] || torn=$((torn + 1))
done
same "forty commits that were killed" 0 "$torn"

# ---- neighbours ----

fresh
printf '\177ELF\0\0binary' >"$t/etc/stray"
printf 'config a b\n\toption c d\nnonsense\n' >"$t/etc/broken"
touch "$t/etc/network.bak" "$t/etc/with blank"
mkdir "$t/etc/directory"
uci set system.ntp.enabled=0
got=$(uci show 2>&1 >/dev/null)
same "show names the files and lines it could not read" "uci: Parse error (invalid command) at line 3, byte 0 of etc/broken
uci: Parse error (invalid command) at line 1, byte 0 of etc/stray" "$got"
same "show shows the others" "$(uci show system)" "$(uci -q show)"
same "commit complains as well" "$got" "$(uci commit 2>&1)"
same "and commits the others" 1 "$(grep -c "enabled '0'" "$t/etc/system")"
check "its exit code is OpenWrt's" "" 0 -q commit

# ---- /lib/functions.sh ----

cat >"$root/tmp/load.sh" <<'EOF'
. /lib/functions.sh
config_load t
each() { config_get v "$1" name; echo "$1 $v"; }
config_foreach each led
one() { echo "[$1]"; }
config_list_foreach ntp server one
config_get d ntp nothing default; echo "$d"
config_get_bool b ntp enabled 0; echo "$b"
EOF
cp "$t/etc/system" "$root/etc/config/t"
same "functions.sh reads a plain file by itself" "cfg038bba one
cfg048bba two
[0.example.org]
[1.example.org]
default
0" "$(sh_in_root '. /tmp/load.sh')"
sh_in_root 'uci set t.ntp.enabled=1; uci add t led >/dev/null; uci set t.@led[-1].name="a b"'
same "and changed ones with uci" "cfg038bba one
cfg048bba two
cfg058bba a b
[0.example.org]
[1.example.org]
default
1" "$(sh_in_root '. /tmp/load.sh')"
sh_in_root 'uci revert t'

# What the shell reads of a file must be what uci reads of it, unless it leaves the file to uci.
reads_the_same() { # reads_the_same NAME: the file comes on standard input
	local print='set | grep "^CONFIG_[A-Za-z0-9_]*=" | grep -v "^CONFIG_SECTION=" | sort'
	cat >"$root/etc/config/t"
	same "functions.sh and uci: $1" \
		"$(sh_in_root ". /lib/functions.sh; _reset; eval \"\$(uci -q -S -n export t)\"; $print")" \
		"$(sh_in_root ". /lib/functions.sh; config_load t; $print")"
}
reads_the_same "kinds of sections and words" <<'EOF'
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
config wifi-iface
	option a b
EOF
reads_the_same "an option twice" <<<$'config x\n\toption a 1\n\toption b 2\n\toption a 3'
reads_the_same "a list in two places" <<<$'config x\n\tlist a 1\n\toption b 2\n\tlist a 3'
reads_the_same "a section twice" <<<$'config x y\n\toption a 1\nconfig x z\nconfig x y\n\toption b 2'
reads_the_same "two statements in a line" <<<$'config x; option a 1'
reads_the_same "a comment behind a value" <<<$'config x # y\n\toption a 1 # b'
reads_the_same "a hash in a value" <<<$'config x\n\toption a 1#b'
reads_the_same "words put together" <<<$'config x\n\toption a b"c"\'d\'\\e'
reads_the_same "a value of two lines" <<<$'config x\n\toption a "b\nc"'
reads_the_same "line ends of DOS" <<<$'config x\r\n\toption a b\r\n\toption c \'d\'\r'
reads_the_same "an empty option" <<<$'config x\n\toption a \'\'\n\toption b c'
reads_the_same "a type that a shell would understand" <<<$'config \'a;b$(reboot)\'\n\toption a "$(reboot)"'

report uci
