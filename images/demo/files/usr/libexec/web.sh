# shellcheck shell=dash disable=SC3043,SC3060,SC2034
# What the pages in /www/cgi-bin share. Every value that reaches a page goes through `html`.

# html VARIABLE TEXT: the text, safe between tags and in quoted attributes
html() {
	local t=$2
	t=${t//&/&amp;}
	t=${t//</&lt;}
	t=${t//>/&gt;}
	t=${t//\"/&quot;}
	t=${t//\'/&#39;}
	eval "$1=\$t"
}

respond() { # respond STATUS [HEADER …]
	printf 'Status: %s\r\n' "$1"
	shift
	[ $# -eq 0 ] || printf '%s\r\n' "$@"
	printf 'Cache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\nX-Frame-Options: SAMEORIGIN\r\n\r\n'
}

# Root has got a password, and the server does not ask for it yet: it is told to, and nothing is shown until it does.
require_login() {
	local account
	while IFS=: read -r account secret _; do
		[ "$account" = root ] && break
	done </etc/shadow
	if [ -n "$secret" ] && [ "$REMOTE_USER" != root ]; then
		/etc/init.d/uhttpd reload >/dev/null 2>&1
		respond "303 See Other" "Location: ${REQUEST_URI:-/}"
		exit 0
	fi
	secret=
}

# The form token: a cookie and a field of the form must hold the same random number. Another site's page can make a
# browser send the form, but knows neither.
read_token() {
	token=
	case "; $HTTP_COOKIE" in
		*"; token="*)
			token=${HTTP_COOKIE#*token=}
			token=${token%%;*}
			;;
	esac
	case $token in
		*[!0-9a-f]*) token= ;;
	esac
	[ ${#token} = 32 ] || token=
}
new_token() { token=$(hexdump -n 16 -v -e '1/1 "%02x"' /dev/urandom); }

# field VARIABLE NAME: a field of the form in $body, decoded
field() {
	local rest value="" found=
	rest="&$body"
	case $rest in
		*"&$2="*)
			value=${rest#*"&$2="}
			value=${value%%&*}
			;;
	esac
	value=${value//+/ }
	value=${value//\\/}
	value=${value//%00/}
	value=$(printf '%b' "${value//%/\\x}")
	eval "$1=\$value"
}

read_body() {
	body=
	case $CONTENT_LENGTH in '' | *[!0-9]*) return 1 ;; esac
	[ "$CONTENT_LENGTH" -le 4096 ] || return 1
	body=$(head -c "$CONTENT_LENGTH")
}

# Letters, digits and hyphens, at most 63, none at the ends: what RFC 1123 lets a label be.
valid_hostname() {
	case $1 in '' | *[!A-Za-z0-9-]* | -* | *-) return 1 ;; esac
	[ ${#1} -le 63 ]
}

# An address a router can have: four numbers, no loopback, no multicast, not all zeros.
valid_address() {
	local IFS=. part
	case $1 in *[!0-9.]* | .* | *. | *..*) return 1 ;; esac
	# shellcheck disable=SC2086
	set -- $1
	[ $# = 4 ] || return 1
	for part; do
		case $part in 0?* | ????*) return 1 ;; esac
		[ "$part" -le 255 ] || return 1
	done
	[ "$1" -ge 1 ] && [ "$1" -lt 224 ] && [ "$1" != 127 ] && [ "$4" != 0 ] && [ "$4" != 255 ]
}

page_head() { # page_head TITLE
	cat <<-EOF
	<!doctype html>
	<html lang="en">
	<head>
	<meta charset="utf-8">
	<meta name="viewport" content="width=device-width, initial-scale=1">
	<title>$1</title>
	<style>
	:root { color-scheme: light dark; --line: #8886; --accent: #00718c; }
	@media (prefers-color-scheme: dark) { :root { --accent: #4cc3e0; } }
	body { font: 1rem/1.5 system-ui, sans-serif; max-width: 44rem; margin: 0 auto; padding: 1rem; }
	h1 { font-size: 1.4rem; margin: 0; } h2 { font-size: 1.1rem; margin: 1.6rem 0 .4rem; }
	p.what { margin: 0 0 1rem; opacity: .8; }
	table { border-collapse: collapse; width: 100%; }
	th, td { text-align: left; padding: .25rem .5rem .25rem 0; border-bottom: 1px solid var(--line); vertical-align: top; overflow-wrap: anywhere; }
	th { font-weight: 600; width: 9rem; } thead th { width: auto; }
	label { display: block; margin: .6rem 0 .1rem; font-weight: 600; }
	input { font: inherit; padding: .35rem .5rem; width: 100%; max-width: 20rem; box-sizing: border-box; }
	button { font: inherit; margin-top: .8rem; padding: .4rem 1.2rem; }
	pre { overflow: auto; max-height: 20rem; padding: .6rem; border: 1px solid var(--line); font-size: .8rem; line-height: 1.4; }
	.note { border-left: .3rem solid var(--accent); padding: .3rem .8rem; }
	.error { border-left: .3rem solid #c33; padding: .3rem .8rem; }
	a { color: var(--accent); }
	</style>
	</head>
	<body>
	EOF
}
