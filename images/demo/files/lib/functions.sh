# shellcheck shell=dash disable=SC3043,SC3057,SC2034,SC2154
# Reading UCI configuration in shell scripts, with OpenWrt's names: config_load, config_get, config_foreach ….
#
# config_load reads the plain form of a file with the shell alone, which costs no process; files with saved changes, or
# written in a way only the full parser knows, go through `uci export`. Both give the same variables:
#   CONFIG_SECTIONS               names of the sections
#   CONFIG_<section>_TYPE         the section's type
#   CONFIG_<section>_<option>     the option's value; lists: the elements joined by spaces …
#   CONFIG_<section>_<option>_LENGTH, CONFIG_<section>_<option>_ITEM<n>   … and one by one

NEWLINE='
'
HEX=0123456789abcdef
# The characters of section types, for the value of one: a shell has no function for that.
_ASCII='!"#$%&'"'"'()*+,-./0123456789:;<=>?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[\]^_`abcdefghijklmnopqrstuvwxyz{|}~'

# Name of an anonymous section, as libuci makes it (anonymous_name() in uci/tree.c): cfg, its number, and the low 16 bits of
# D. J. Bernstein's hash of its type.
_anonymous() {
	local n=$1 type=$2 h=5381 before
	# Most sections have the type of the one before.
	if [ "$type" = "$_hashed" ]; then
		h=$_hash
	else
		while [ -n "$type" ]; do
			before=${_ASCII%%"${type:0:1}"*}
			h=$(((h * 33 + 33 + ${#before}) & 65535))
			type=${type#?}
		done
		_hashed=$2 _hash=$h
	fi
	_name=cfg${HEX:$((n / 16 % 16)):1}${HEX:$((n % 16)):1}${HEX:$((h / 4096)):1}${HEX:$((h / 256 % 16)):1}${HEX:$((h / 16 % 16)):1}${HEX:$((h % 16)):1}
}

config() {
	_count=$((_count + 1))
	if [ -n "$2" ]; then _name=$2; else _anonymous "$_count" "$1"; fi
	CONFIG_SECTION=$_name
	case "$CONFIG_SECTIONS " in
		*" $_name "*) ;;
		*) CONFIG_SECTIONS="$CONFIG_SECTIONS $_name" ;;
	esac
	eval "CONFIG_${_name}_TYPE=\$1"
	_variables="$_variables CONFIG_${_name}_TYPE"
}

option() {
	eval "CONFIG_${CONFIG_SECTION}_$1=\$2"
	_variables="$_variables CONFIG_${CONFIG_SECTION}_$1"
}

list() {
	local v=CONFIG_${CONFIG_SECTION}_$1 n
	eval "n=\$((\${${v}_LENGTH:-0} + 1))"
	eval "${v}_LENGTH=$n; ${v}_ITEM$n=\$2; $v=\"\${$v:+\$$v }\$2\""
	_variables="$_variables $v ${v}_LENGTH ${v}_ITEM$n"
}

# Sets _value to a word without its quotes; false when it takes more than that to read it.
_plain() {
	case $1 in
		\'*\')
			_value=${1#\'}
			_value=${_value%\'}
			case $_value in *\'*) return 1 ;; esac
			;;
		\"*\")
			_value=${1#\"}
			_value=${_value%\"}
			case $_value in *[\"\\]*) return 1 ;; esac
			;;
		'' | *[\'\"\\\#\;\ ]*) return 1 ;;
		*) _value=$1 ;;
	esac
}

_read_plain() {
	local word name rest
	while read -r word name rest || [ -n "$word" ]; do
		case $word in
			'' | \#*) continue ;;
			config)
				_plain "$name" || return 1
				name=$_value
				_value=
				[ -z "$rest" ] || _plain "$rest" || return 1
				case $_value in *[!A-Za-z0-9_]*) return 1 ;; esac
				config "$name" "$_value"
				;;
			option | list)
				_plain "$name" || return 1
				name=$_value
				case $name in *[!A-Za-z0-9_]*) return 1 ;; esac
				[ -n "$CONFIG_SECTION" ] && _plain "$rest" || return 1
				# An option that is empty is none.
				[ -z "$_value" ] && [ "$word" = option ] || "$word" "$name" "$_value"
				;;
			*) return 1 ;;
		esac
	done <"$1"
	return 0
}

_reset() {
	# shellcheck disable=SC2086 # the names are words of ours
	[ -z "$_variables" ] || unset $_variables
	_variables= _count=0 CONFIG_SECTIONS= CONFIG_SECTION=
}

config_load() {
	_reset
	[ -f "/etc/config/$1" ] || return 1
	[ ! -s "/tmp/.uci/$1" ] && _read_plain "/etc/config/$1" && return 0
	_reset
	# The words of this form are all quoted, or names without special characters.
	eval "$(/sbin/uci -q -S -n export "$1")"
}

package() { :; }

# config_get VARIABLE SECTION OPTION [DEFAULT], or config_get SECTION OPTION to print the value
config_get() {
	if [ -n "$3" ]; then
		eval "$1=\${CONFIG_${2}_${3}:-\$4}"
	else
		eval "printf '%s\n' \"\${CONFIG_${1}_${2}}\""
	fi
}

config_get_bool() {
	config_get "$1" "$2" "$3" "$4"
	eval "_value=\$$1"
	case $_value in
		1 | on | true | yes | enabled) eval "$1=1" ;;
		0 | off | false | no | disabled) eval "$1=0" ;;
		*) eval "$1=\${4:-0}" ;;
	esac
}

config_set() { eval "CONFIG_${1}_${2}=\$3"; }

# config_foreach FUNCTION [TYPE [ARGUMENTS]]: calls FUNCTION SECTION ARGUMENTS for each section (of the type)
config_foreach() {
	local function=$1 type=$2 section actual
	shift
	[ $# -gt 0 ] && shift
	for section in $CONFIG_SECTIONS; do
		eval "actual=\$CONFIG_${section}_TYPE"
		[ -z "$type" ] || [ "$type" = "$actual" ] || continue
		"$function" "$section" "$@"
	done
}

# config_list_foreach SECTION OPTION FUNCTION [ARGUMENTS]; a plain option counts as its words
config_list_foreach() {
	local section=$1 name=$2 function=$3 length n=1 item
	shift 3
	eval "length=\$CONFIG_${section}_${name}_LENGTH"
	if [ -z "$length" ]; then
		eval "item=\$CONFIG_${section}_${name}"
		for item in $item; do "$function" "$item" "$@"; done
		return 0
	fi
	while [ "$n" -le "$length" ]; do
		eval "item=\$CONFIG_${section}_${name}_ITEM$n"
		"$function" "$item" "$@"
		n=$((n + 1))
	done
}

uci_get() { /sbin/uci -q get "$1${2:+.$2}${3:+.$3}" || { [ -n "$4" ] && printf '%s\n' "$4"; }; }
uci_set() { /sbin/uci -q set "$1.$2${3:+.$3}=$4"; }
uci_commit() { /sbin/uci -q commit "$1"; }

# The address and prefix length of a dotted netmask: prefix_of VARIABLE NETMASK
prefix_of() {
	local mask=$2 bits=0 part IFS=.
	for part in $mask; do
		while [ "$part" -gt 0 ]; do
			bits=$((bits + (part & 1)))
			part=$((part >> 1))
		done
	done
	eval "$1=$bits"
}
