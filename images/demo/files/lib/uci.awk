# The work behind /sbin/uci: reads /etc/config/*, lays the saved changes (/tmp/.uci/*) over them, and changes, shows
# or writes the result. Written for busybox awk: no gensub, no sorting, no bidirectional pipes.
#
# A loaded configuration p lives in these arrays (keys are joined by SUBSEP):
#   loaded[p]            1, or 0 when there is no such file
#   sections[p]          names of the sections in order, each followed by a newline
#   stype[p,s]           the section's type; exists while the section does
#   anon[p,s]            1 for a section without a name of its own
#   count[p]             sections made so far, for the names of anonymous ones
#   options[p,s]         names of the options in order, each followed by a newline
#   value[p,s,o]         the option's value, or the list's elements, each closed by ELEM
#   islist[p,s,o]        1 for a list

function fail(message) {
	error = message
	return 0
}

function complain() {
	if (!quiet && error != "") print "uci: " error >"/dev/stderr"
	error = ""
}

# ---- values ----

function quote(s) {
	if (index(s, "'")) gsub(/'/, "'\\''", s)
	return "'" s "'"
}

function is_name(s) { return s ~ /^[A-Za-z0-9_]+$/ }
function is_config(s) { return s ~ /^[A-Za-z0-9_-]+$/ }
# Types may hold any printable character but what the syntax needs.
function is_type(s) { return s ~ /^[!-~]+$/ && s !~ /['"]/ }

# ---- reading ----

# Splits text into words as configuration files are written: '..', "..", backslashes, # comments, ; and line ends.
# Fills word[1..n] of the next statement and returns n; sets `rest`. Returns -1 on an open quote.
function statement(    n, c, cur, have, len, q, i) {
	n = 0
	cur = ""
	have = 0
	split("", word)
	while (1) {
		# Runs of ordinary characters are taken at once: one step a character is far too slow.
		if (match(rest, /^[^ \t\r\n'"\\#;]+/)) {
			cur = cur substr(rest, 1, RLENGTH)
			rest = substr(rest, RLENGTH + 1)
			have = 1
		}
		c = substr(rest, 1, 1)
		if (c == "") {
			if (have) word[++n] = cur
			return n
		}
		rest = substr(rest, 2)
		if (c == "'") {
			if (!(i = index(rest, "'"))) return -1
			cur = cur substr(rest, 1, i - 1)
			rest = substr(rest, i + 1)
			have = 1
		} else if (c == "\"") {
			have = 1
			while (1) {
				if (match(rest, /^[^"\\]+/)) {
					cur = cur substr(rest, 1, RLENGTH)
					rest = substr(rest, RLENGTH + 1)
				}
				q = substr(rest, 1, 1)
				if (q == "") return -1
				if (q == "\\") {
					cur = cur substr(rest, 2, 1)
					rest = substr(rest, 3)
				} else {
					rest = substr(rest, 2)
					break
				}
			}
		} else if (c == "\\") {
			q = substr(rest, 1, 1)
			rest = substr(rest, 2)
			if (q != "\n") {
				cur = cur q
				have = 1
			}
		} else if (c == "#" && !have) {
			if (!(i = index(rest, "\n"))) i = length(rest)
			# The line end ends the statement as well.
			rest = substr(rest, i)
			if (substr(rest, 1, 1) != "\n") rest = ""
		} else if (c == "#") {
			cur = cur c
		} else {
			if (have) word[++n] = cur
			cur = ""
			have = 0
			if ((c == "\n" || c == ";") && n) return n
			if (c == "\n" || c == ";") continue
		}
	}
}

function read_file(path,    text, line) {
	text = ""
	found = 0
	while ((getline line <path) > 0) {
		text = text line "\n"
		found = 1
	}
	close(path)
	return text
}

# A file that exists and is empty reads like one that does not exist; only a shell can tell.
function exists(path) {
	return found || system("[ -f '" path "' ]") == 0
}

function clear(p,    n, i, s, list) {
	n = split(sections[p], list, "\n")
	for (i = 1; i < n; i++) remove_section(p, list[i])
	sections[p] = ""
	count[p] = 0
	loaded[p] = 1
}

function anonymous_name(p, type,    n) {
	n = count[p]
	return sprintf("cfg%02x%04x", n % 256, (n * 40503 + length(type) * 2749) % 65536)
}

# Reads configuration text into p. With `packages`, "package" statements choose the configuration.
# Returns 1, or 0 with `error` set.
function parse(p, text, packages,    n, s, line) {
	rest = text
	s = ""
	while (rest != "") {
		n = statement()
		if (n == 0) continue
		if (n < 0) return fail("Parse error (EOF with unterminated quote)")
		if (word[1] == "package" && n == 2) {
			s = ""
			if (!packages) continue
			if (!is_config(word[2])) return fail("Parse error (invalid package name)")
			if (!fixed) {
				p = word[2]
				if (!(p in imported)) {
					imported[p] = 1
					import_list = import_list p "\n"
					if (!merge) clear(p)
					else if (!load(p)) clear(p)
				}
			}
		} else if (word[1] == "config" && n >= 2 && n <= 3) {
			if (p == "") return fail("Parse error (config outside of a package)")
			if (!is_type(word[2]) || (n == 3 && word[3] != "" && !is_name(word[3])))
				if (strict) return fail("Parse error (invalid character in name field)"); else { s = ""; continue }
			s = new_section(p, word[2], n == 3 ? word[3] : "")
		} else if ((word[1] == "option" || word[1] == "list") && n == 3) {
			if (s == "" || !is_name(word[2])) {
				if (strict) return fail("Parse error (option/list command found before the first section)")
				continue
			}
			if (word[1] == "option") put(p, s, word[2], word[3])
			else append(p, s, word[2], word[3])
		} else if (strict) return fail("Parse error (invalid command)")
	}
	return 1
}

# Lays saved changes over a loaded configuration, as `[command]config.section[.option][='value']` lines.
function replay(p, text,    n, cmd, target, v, i, part, s, o) {
	rest = text
	while (rest != "") {
		n = statement()
		if (n != 1) {
			if (n < 0) return
			continue
		}
		parse_change(word[1])
		apply(p, change_cmd, change_s, change_o, change_v)
	}
}

# Takes a change apart: change_cmd, change_s, change_o, change_v. The quotes are gone by now.
function parse_change(text,    i, c, part, n) {
	c = substr(text, 1, 1)
	if (index("-@+^|~", c)) text = substr(text, 2)
	else c = "="
	change_cmd = c
	change_v = ""
	change_has_value = 0
	if ((i = index(text, "="))) {
		change_has_value = 1
		change_v = substr(text, i + 1)
		text = substr(text, 1, i - 1)
	}
	n = split(text, part, ".")
	change_p = part[1]
	change_s = n > 1 ? part[2] : ""
	change_o = n > 2 ? part[3] : ""
}

function apply(p, c, s, o, v) {
	if (s == "") return
	if (c == "+") {
		new_section(p, v, s)
		anon[p, s] = 1
	} else if (c == "-") {
		if (o == "") remove_section(p, s)
		else if (v != "") remove_element(p, s, o, v)
		else remove_option(p, s, o)
	} else if (c == "@") {
		if (o == "") rename_section(p, s, v)
		else rename_option(p, s, o, v)
	} else if (c == "^") move_section(p, s, v)
	else if (o == "") {
		if ((p, s) in stype) stype[p, s] = v
		else new_section(p, v, s)
	} else if (!((p, s) in stype)) return
	else if (c == "|") append(p, s, o, v)
	else if (c == "~") drop_value(p, s, o, v)
	else {
		if (islist[p, s, o]) value[p, s, o] = ""
		delete islist[p, s, o]
		put(p, s, o, v)
	}
}

# Loads configuration p with its saved changes. Returns 0 with `error` set when there is none or it is broken.
function load(p,    n, i, dir, text) {
	if (p in loaded) return loaded[p] ? 1 : fail("Entry not found")
	if (!is_config(p)) return fail("Invalid argument")
	text = read_file(confdir "/" p)
	if (!exists(confdir "/" p)) {
		loaded[p] = 0
		return fail("Entry not found")
	}
	clear(p)
	if (!parse(p, text, 0)) {
		loaded[p] = 0
		return 0
	}
	n = split(savedirs, dir, "\n")
	for (i = 1; i < n; i++) replay(p, read_file(dir[i] "/" p))
	saved[p] = read_file(savedir "/" p)
	replay(p, saved[p])
	return 1
}

# ---- the tree ----

function new_section(p, type, s) {
	if (s != "" && (p, s) in stype) {
		# A second section of the same name adds to the first.
		stype[p, s] = type
		return s
	}
	count[p]++
	if (s == "") {
		s = anonymous_name(p, type)
		anon[p, s] = 1
	}
	stype[p, s] = type
	options[p, s] = ""
	sections[p] = sections[p] s "\n"
	return s
}

# Takes one line out of a newline-closed list.
function without(list, item,    i) {
	list = "\n" list
	i = index(list, "\n" item "\n")
	if (!i) return substr(list, 2)
	return substr(substr(list, 1, i) substr(list, i + length(item) + 2), 2)
}

function replaced(list, item, new,    i) {
	list = "\n" list
	i = index(list, "\n" item "\n")
	if (!i) return substr(list, 2)
	return substr(substr(list, 1, i) new substr(list, i + length(item) + 1), 2)
}

function remove_section(p, s,    n, i, list) {
	if (!((p, s) in stype)) return
	n = split(options[p, s], list, "\n")
	for (i = 1; i < n; i++) remove_option(p, s, list[i])
	delete options[p, s]
	delete stype[p, s]
	delete anon[p, s]
	sections[p] = without(sections[p], s)
}

function remove_option(p, s, o) {
	if (!((p, s, o) in value)) return
	delete value[p, s, o]
	delete islist[p, s, o]
	options[p, s] = without(options[p, s], o)
}

# Takes the n-th element (from 0) out of a list.
function remove_element(p, s, o, n,    i, list, k) {
	if (!islist[p, s, o]) return
	k = split(value[p, s, o], list, ELEM)
	value[p, s, o] = ""
	for (i = 1; i < k; i++) if (i - 1 != n) value[p, s, o] = value[p, s, o] list[i] ELEM
	if (value[p, s, o] == "") remove_option(p, s, o)
}

function drop_value(p, s, o, v,    i, list, k) {
	if (!islist[p, s, o]) return
	k = split(value[p, s, o], list, ELEM)
	value[p, s, o] = ""
	for (i = 1; i < k; i++) if (list[i] != v) value[p, s, o] = value[p, s, o] list[i] ELEM
	if (value[p, s, o] == "") remove_option(p, s, o)
}

function put(p, s, o, v) {
	if (!((p, s, o) in value)) options[p, s] = options[p, s] o "\n"
	value[p, s, o] = v
	delete islist[p, s, o]
}

function append(p, s, o, v) {
	if (!((p, s, o) in value)) {
		options[p, s] = options[p, s] o "\n"
		value[p, s, o] = ""
	} else if (!islist[p, s, o]) value[p, s, o] = value[p, s, o] ELEM
	islist[p, s, o] = 1
	value[p, s, o] = value[p, s, o] v ELEM
}

function rename_section(p, s, new,    n, i, list, o) {
	if (!((p, s) in stype) || (p, new) in stype) return
	stype[p, new] = stype[p, s]
	options[p, new] = options[p, s]
	n = split(options[p, s], list, "\n")
	for (i = 1; i < n; i++) {
		o = list[i]
		value[p, new, o] = value[p, s, o]
		if (islist[p, s, o]) islist[p, new, o] = 1
		delete value[p, s, o]
		delete islist[p, s, o]
	}
	sections[p] = replaced(sections[p], s, new)
	delete stype[p, s]
	delete options[p, s]
	delete anon[p, s]
}

function rename_option(p, s, o, new) {
	if (!((p, s, o) in value)) return
	if ((p, s, new) in value) remove_option(p, s, new)
	value[p, s, new] = value[p, s, o]
	if (islist[p, s, o]) islist[p, s, new] = 1
	options[p, s] = replaced(options[p, s], o, new)
	delete value[p, s, o]
	delete islist[p, s, o]
}

function move_section(p, s, position,    n, i, list, k) {
	if (!((p, s) in stype)) return
	n = split(without(sections[p], s), list, "\n")
	sections[p] = ""
	if (position > n - 1) position = n - 1
	k = 0
	for (i = 1; i < n; i++) {
		if (k++ == position) sections[p] = sections[p] s "\n"
		sections[p] = sections[p] list[i] "\n"
	}
	if (k <= position) sections[p] = sections[p] s "\n"
}

# ---- writing ----

# The configuration as OpenWrt writes it into a file.
function text_of(p, named,    n, i, k, j, m, e, s, o, list, opt, elem, out) {
	out = ""
	n = split(sections[p], list, "\n")
	for (i = 1; i < n; i++) {
		s = list[i]
		out = out "\nconfig " (quoted ? quote(stype[p, s]) : stype[p, s])
		if (named || !anon[p, s]) out = out " " quote(s)
		out = out "\n"
		k = split(options[p, s], opt, "\n")
		for (j = 1; j < k; j++) {
			o = opt[j]
			if (islist[p, s, o]) {
				m = split(value[p, s, o], elem, ELEM)
				for (e = 1; e < m; e++) out = out "\tlist " o " " quote(elem[e]) "\n"
			} else out = out "\toption " o " " quote(value[p, s, o]) "\n"
		}
	}
	return out "\n"
}

# Replaces a configuration file in one step, so that a reader or a power cut sees the old one or the new one.
function write_config(p,    temp) {
	temp = confdir "/." p ".uci-" PROCINFO_PID
	printf "%s", text_of(p, 0) >temp
	close(temp)
	moves = moves "mv -f '" temp "' '" confdir "/" p "' && rm -f '" savedir "/" p "' || s=1; "
	return 1
}

# All renames of a run in one shell.
function finish_moves(    ok) {
	if (moves == "") return 1
	ok = system(moves "exit $s") == 0
	moves = ""
	return ok ? 1 : fail("I/O error")
}

function note(p, c, s, o, v, has_value,    line) {
	line = (c == "=" ? "" : c) p "." s
	if (o != "") line = line "." o
	if (has_value) line = line "=" quote(v)
	print line >>(savedir "/" p)
	# The file is closed so that a later command of a batch reads it whole.
	close(savedir "/" p)
	saved[p] = saved[p] line "\n"
	apply(p, c, s, o, v)
	return 1
}

# ---- looking up ----

# Takes config[.section[.option]][=value] apart into P, S, O, V; has_value, and extended syntax is resolved.
# `depth` is how many names there are, `complete` whether the last one exists. Returns 0 with `error` set.
function lookup(arg,    i, n, part, ext, type, index_, list, found_, k) {
	P = S = O = V = ""
	has_value = complete = depth = 0
	# A value may hold anything, a name no "=": the first one divides.
	if ((i = index(arg, "="))) {
		has_value = 1
		V = substr(arg, i + 1)
		arg = substr(arg, 1, i - 1)
	}
	n = split(arg, part, ".")
	# @type[n] may hold a dot in its type.
	if (n > 3 || n < 1 || part[1] == "") return fail("Invalid argument")
	depth = n
	P = part[1]
	if (!load(P)) return 0
	if (n == 1) {
		complete = 1
		return 1
	}
	S = part[2]
	if (n > 2) {
		O = part[3]
		if (!is_name(O)) return fail("Invalid argument")
	}
	if (substr(S, 1, 1) == "@") {
		if (S !~ /^@[^][]*\[-?[0-9]+\]$/) return fail("Invalid argument")
		i = index(S, "[")
		type = substr(S, 2, i - 2)
		index_ = substr(S, i + 1, length(S) - i - 1) + 0
		k = split(sections[P], list, "\n")
		found_ = 0
		for (i = 1; i < k; i++)
			if (type == "" || stype[P, list[i]] == type) list[++found_] = list[i]
		if (index_ < 0) index_ += found_
		if (index_ < 0 || index_ >= found_) return fail("Entry not found")
		S = list[index_ + 1]
	} else if (!is_name(S)) return fail("Invalid argument")
	if (n == 2) complete = (P, S) in stype
	else complete = (P, S, O) in value
	return 1
}

# ---- commands ----

function show_option(p, s, shown, o,    m, e, elem, out) {
	if (islist[p, s, o]) {
		m = split(value[p, s, o], elem, ELEM)
		out = ""
		for (e = 1; e < m; e++) out = out (e > 1 ? delimiter : "") quote(elem[e])
	} else out = quote(value[p, s, o])
	print p "." shown "." o "=" out
}

function show_section(p, s, shown,    n, i, list) {
	print p "." shown "=" stype[p, s]
	n = split(options[p, s], list, "\n")
	for (i = 1; i < n; i++) show_option(p, s, shown, list[i])
}

function show_config(p,    n, i, list, seen, s) {
	n = split(sections[p], list, "\n")
	for (i = 1; i < n; i++) {
		s = list[i]
		if (anon[p, s] && extended) show_section(p, s, "@" stype[p, s] "[" (seen[stype[p, s]]++) + 0 "]")
		else show_section(p, s, s)
	}
}

function do_show(arg) {
	if (!lookup(arg)) return 0
	if (has_value) return fail("Invalid argument")
	if (!complete) return fail("Entry not found")
	if (depth == 1) show_config(P)
	else if (depth == 2) show_section(P, S, S)
	else show_option(P, S, S, O)
	return 1
}

function do_get(arg,    m, e, elem, out) {
	if (!lookup(arg)) return 0
	if (has_value || depth == 1) return fail("Invalid argument")
	if (!complete) return fail("Entry not found")
	if (depth == 2) print stype[P, S]
	else if (islist[P, S, O]) {
		m = split(value[P, S, O], elem, ELEM)
		out = ""
		for (e = 1; e < m; e++) out = out (e > 1 ? delimiter : "") elem[e]
		print out
	} else print value[P, S, O]
	return 1
}

function do_set(arg) {
	if (!lookup(arg)) return 0
	if (!has_value || depth == 1) return fail("Invalid argument")
	if (depth == 2) {
		if (V == "" || !is_type(V)) return fail("Invalid argument")
		return note(P, "=", S, "", V, 1)
	}
	if (!((P, S) in stype)) return fail("Invalid argument")
	# An empty value takes the option away.
	if (V == "") return complete ? note(P, "-", S, O, "", 0) : 1
	return note(P, "=", S, O, V, 1)
}

function do_add(p, type) {
	if (!load(p)) return 0
	if (!is_type(type)) return fail("Invalid argument")
	count[p]++
	S = anonymous_name(p, type)
	count[p]--
	note(p, "+", S, "", type, 1)
	print S
	return 1
}

function do_list(arg, c) {
	if (!lookup(arg)) return 0
	if (!has_value || depth != 3) return fail("Invalid argument")
	if (!((P, S) in stype)) return fail("Invalid argument")
	if (c == "~" && !complete) return 1
	return note(P, c, S, O, V, 1)
}

function do_delete(arg,    n, i, list) {
	if (!lookup(arg)) return 0
	if (depth == 1) {
		# The whole configuration: each of its sections.
		n = split(sections[P], list, "\n")
		for (i = 1; i < n; i++) note(P, "-", list[i], "", "", 0)
		return 1
	}
	if (!complete) return fail("Entry not found")
	if (has_value && depth == 3) {
		if (V !~ /^[0-9]+$/ || !islist[P, S, O]) return fail("Invalid argument")
		return note(P, "-", S, O, V, 1)
	}
	return note(P, "-", S, O, "", 0)
}

function do_rename(arg) {
	if (!lookup(arg)) return 0
	if (!has_value || depth == 1 || !is_name(V)) return fail("Invalid argument")
	if (!complete) return fail("Entry not found")
	if (depth == 2 && (P, V) in stype) return fail("Invalid argument")
	return note(P, "@", S, O, V, 1)
}

function do_reorder(arg) {
	if (!lookup(arg)) return 0
	if (!has_value || depth != 2 || V !~ /^[0-9]+$/) return fail("Invalid argument")
	if (!complete) return fail("Entry not found")
	return note(P, "^", S, "", V, 1)
}

function do_changes(p,    text, n) {
	rest = read_file(savedir "/" p)
	while (rest != "") {
		n = statement()
		if (n != 1) {
			if (n < 0) return 1
			continue
		}
		parse_change(word[1])
		text = change_p "." change_s
		if (change_o != "") text = text "." change_o
		if (change_cmd == "-") print "-" text (change_has_value ? "=" quote(change_v) : "")
		else print text (change_cmd == "|" ? "+=" : change_cmd == "~" ? "-=" : "=") quote(change_v)
	}
	return 1
}

# Forgets saved changes: all of a configuration, or those of one section or option.
function do_revert(arg,    n, i, part, kept, line, at) {
	if (index(arg, "=")) return fail("Invalid argument")
	if (!lookup(arg)) return 0
	kept = ""
	if (depth > 1) {
		rest = saved[P]
		while (rest != "") {
			at = rest
			n = statement()
			if (n < 0) break
			if (n != 1) continue
			line = substr(at, 1, length(at) - length(rest))
			parse_change(word[1])
			if (change_s != S || (O != "" && change_o != O)) kept = kept line
		}
	}
	if (kept == "") system("rm -f '" savedir "/" P "'")
	else {
		printf "%s", kept >(savedir "/" P)
		close(savedir "/" P)
	}
	clear(P)
	delete loaded[P]
	return 1
}

function do_commit(p) {
	if (nocommit) return 1
	if (index(p, ".")) p = substr(p, 1, index(p, ".") - 1)
	if (!load(p)) return 0
	if (saved[p] == "") return 1
	write_config(p)
	saved[p] = ""
	return finish_moves()
}

function do_import(p,    text, n, i, list) {
	text = input_text()
	import_list = ""
	fixed = p != ""
	split("", imported)
	if (fixed) {
		if (!is_config(p)) return fail("Invalid argument")
		if (!merge || !load(p)) clear(p)
		import_list = p "\n"
	} else if (merge) return -1
	error = ""
	if (!parse(p, text, 1)) return 0
	n = split(import_list, list, "\n")
	for (i = 1; i < n; i++) write_config(list[i])
	return finish_moves()
}

function input_text(    path) {
	path = input == "-" ? "/dev/stdin" : input
	return read_file(path)
}

# For commands that take a configuration or mean all of them.
function each(command, names, n, arg,    i, k, list, ok) {
	if (n > 2) return -1
	if (n == 2) {
		if (command == "show") return do_show(arg)
		if (command == "commit") return do_commit(arg)
		if (!load(arg)) return 0
		if (command == "changes") return do_changes(arg)
		printf "package %s\n%s", arg, text_of(arg, named)
		return 1
	}
	k = split(names, list, " ")
	ok = 1
	for (i = 1; i <= k; i++) {
		if (!each(command, "", 2, list[i])) complain()
	}
	return ok
}

# Runs one command. Returns 1, 0 with `error` set, or -1 for a command that is wrong in form.
function run(n, a,    c) {
	c = a[1]
	if (c == "get") return n == 2 ? do_get(a[2]) : -1
	if (c == "set") return n == 2 ? do_set(a[2]) : -1
	if (c == "show" || c == "export") return each(c, configs, n, a[2])
	if (c == "changes" || c == "commit") return each(c, changed_now(), n, a[2])
	if (c == "add") return n == 3 ? do_add(a[2], a[3]) : -1
	if (c == "add_list") return n == 2 ? do_list(a[2], "|") : -1
	if (c == "del_list") return n == 2 ? do_list(a[2], "~") : -1
	if (c == "delete" || c == "del") return n == 2 ? do_delete(a[2]) : -1
	if (c == "rename" || c == "ren") return n == 2 ? do_rename(a[2]) : -1
	if (c == "reorder") return n == 2 ? do_reorder(a[2]) : -1
	if (c == "revert") return n == 2 ? do_revert(a[2]) : -1
	if (c == "import") return n <= 2 ? do_import(n == 2 ? a[2] : "") : -1
	return -1
}

# The configurations with saved changes: those the caller found, and those this run has changed.
function changed_now(    p, out) {
	out = changed
	for (p in saved) if (saved[p] != "" && !index(" " out " ", " " p " ")) out = out " " p
	return out
}

function batch(    text, n, i, a, r) {
	text = input_text()
	while (text != "") {
		rest = text
		n = statement()
		text = rest
		if (n == 0) continue
		if (n < 0) break
		split("", a)
		for (i = 1; i <= n; i++) a[i] = word[i]
		if (a[1] == "exit") return 1
		r = run(n, a)
		if (r == 0) complain()
		else if (r < 0) print "Unknown command" >"/dev/stderr"
	}
	return 1
}

BEGIN {
	ELEM = "\034\036"
	confdir = ENVIRON["UCI_CONFDIR"]
	savedir = ENVIRON["UCI_SAVEDIR"]
	savedirs = ENVIRON["UCI_SAVEDIRS"]
	delimiter = ENVIRON["UCI_DELIMITER"]
	input = ENVIRON["UCI_INPUT"]
	configs = ENVIRON["UCI_CONFIGS"]
	changed = ENVIRON["UCI_CHANGED"]
	flags = ENVIRON["UCI_FLAGS"]
	# Types may hold characters that a shell understands; /lib/functions.sh asks for quotes around them.
	quoted = ENVIRON["UCI_QUOTE"] != ""
	quiet = index(flags, "q")
	extended = !index(flags, "X")
	merge = index(flags, "m")
	nocommit = index(flags, "P")
	strict = flags !~ /S[^s]*$/
	named = flags ~ /n[^N]*$/
	srand()
	PROCINFO_PID = int(rand() * 1000000)

	for (i = 1; i < ARGC; i++) args[i] = ARGV[i]
	if (args[1] == "batch") result = batch()
	else result = run(ARGC - 1, args)
	if (result == 0) complain()
	exit result == 1 ? 0 : result == 0 ? 1 : 255
}
