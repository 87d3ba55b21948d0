# shellcheck shell=dash disable=SC3043,SC2154
# `uci show` of plainly written files without saved changes, by the shell alone: in an emulated router awk takes seconds
# to be ready. Sourced by /sbin/uci after /lib/functions.sh.

# quick_show DIRECTORY CONFIGURATION…: prints what show_config() of /lib/uci.awk prints. Returns 1, with nothing
# printed, when a file takes more than this.
quick_show() {
	local dir=$1 config shown
	shift
	# Nothing is printed before all of it can be.
	shown=$(
		for config; do
			case $config in '' | *[!A-Za-z0-9_-]*) exit 1 ;; esac
			[ -f "$dir/$config" ] && [ -r "$dir/$config" ] && _show_plain "$dir/$config" || exit 1
		done
	) || return 1
	[ -z "$shown" ] || printf '%s\n' "$shown"
}

# Prints the lines of one file, each when it is complete: a list goes on for several lines of the file.
_show_plain() {
	local word name rest type n each line= section= named=' ' kinds= options= last=
	while read -r word name rest || [ -n "$word" ]; do
		# Unquoted words of plain characters only; quoted ones are looked at by _plain.
		case $rest in \'* | \"*) ;; *[!A-Za-z0-9_./:-]*) return 1 ;; esac
		case $word in
			'' | \#*) continue ;;
			config)
				_plain "$name" || return 1
				type=$_value
				case $type in '' | *[!A-Za-z0-9_]*) return 1 ;; esac
				if [ -n "$rest" ]; then
					_plain "$rest" || return 1
					section=$_value
					# A second section of the same name adds to the first; cfg… are the anonymous ones' own names.
					case $section in '' | cfg* | *[!A-Za-z0-9_]*) return 1 ;; esac
					case $named in *" $section "*) return 1 ;; esac
					named="$named$section "
				else
					n=0
					for each in $kinds; do [ "$each" != "$type" ] || n=$((n + 1)); done
					kinds="$kinds $type"
					section="@$type[$n]"
				fi
				options=' ' last=
				[ -z "$line" ] || printf '%s\n' "$line"
				line=$config.$section=$type
				continue
				;;
			option | list) ;;
			*) return 1 ;;
		esac
		_plain "$name" || return 1
		name=$_value
		case $name in '' | *[!A-Za-z0-9_]*) return 1 ;; esac
		[ -n "$section" ] && _plain "$rest" || return 1
		case $_value in *\'*) return 1 ;; esac
		if [ "$word" = list ] && [ "$name" = "$last" ]; then
			line="$line '$_value'"
			continue
		fi
		case $options in *" $name "*) return 1 ;; esac
		options="$options$name "
		printf '%s\n' "$line"
		line="$config.$section.$name='$_value'"
		last=
		[ "$word" = option ] || last=$name
	done <"$1"
	[ -z "$line" ] || printf '%s\n' "$line"
}
