# Conditional branches of src/crypto, from what compilers make of it; used by branches.sh.
#
# Operands: the reviewed list (branches.txt), the sources, and the assembly of a build, whose files end in .s.
# Variables: cpu, build (CPU-COMPILER-VERSION) and level. Prints a line for each branch that the list does not account
# for, and for each entry of the list that does not agree with the sources; the exit status is 1 if there was one.

function fail(text)
{
	print text
	bad++
}

# --- the list ---------------------------------------------------------------------------------------------------------

# The form of the list is explained at its head.
function read_list(    key)
{
	if ($0 ~ /^[ \t]*(#|$)/)
		return
	if ($0 ~ /^[^ \t]/) {
		list_file = $1
		return
	}
	if (NF < 3) {
		fail(FILENAME ":" FNR ": no reason")
		return
	}
	if ($1 ~ /^!/) {
		key = substr($1, 2) SUBSEP list_file SUBSEP $2
		exception[key] = $3
		return
	}
	key = list_file SUBSEP $1
	listed[key] = $2 + 0
	may_shift[key] = $2 ~ /\+shifts$/
}

# --- the sources ------------------------------------------------------------------------------------------------------

# Functions begin and end in the first column, as clang-format leaves them. A statement that may branch reaches to the
# parenthesis that closes it.
function read_source(    text, opened, closed)
{
	if (FNR == 1)
		source_function = ""
	text = $0
	gsub(/"([^"\\]|\\.)*"/, "", text)
	sub(/\/\*.*\*\//, "", text)
	sub(/\/\*.*$/, "", text)
	if (text ~ /^[ \t]*\*([ \/]|$)/)
		text = ""
	gsub(/__attribute__\(\([a-z_]+\)\) ?/, "", text)
	if (text ~ /^[A-Za-z_].*\(/ && text !~ /;[ \t]*$/ && text !~ /^typedef|^static_assert/) {
		source_function = text
		sub(/\(.*/, "", source_function)
		sub(/.*[ *]/, "", source_function)
	}
	statement[FILENAME, FNR] = text
	function_of[FILENAME, FNR] = source_function
	if (text ~ /^}/) {
		source_function = ""
		return
	}
	if (source_function == "" || text !~ /^[ \t]/)
		return
	if (open_parentheses <= 0) {
		if (text !~ /(^|[^A-Za-z_])(for|while|if|switch|assert|ct_is_set) ?\(|[^A-Za-z_]\? | && | \|\| |return .* [!=]= /)
			return
		found[FILENAME, source_function]++
		open_parentheses = 0
	}
	is_control[FILENAME, FNR] = 1
	opened = gsub(/\(/, "(", text)
	closed = gsub(/\)/, ")", text)
	open_parentheses += opened - closed
}

# --- assembly ---------------------------------------------------------------------------------------------------------

BEGIN {
	conditions = "(eq|ne|cs|cc|mi|pl|vs|vc|hi|ls|ge|lt|gt|le|hs|lo)"
	conditional["x86_64"] = conditional["i686"] = "^(j([^m]|m[^p]).*|j[a-z]|loop.*)$"
	conditional["aarch64"] = "^(b\\.?" conditions "|cbn?z|tbn?z)$"
	conditional["armv7"] = "^(b(x|l|lx)?" conditions "(\\.[nw])?|cbn?z|v?(ldr|str|ldm|stm|push|pop)[a-z0-9]*" conditions "(\\..*)?)$"
	conditional["riscv64"] = "^b[a-z]+$"
	conditional["ppc64le"] = "^b[a-z]+[-+]?$"
	conditional["mips"] = "^b[a-z0-9]+$"
	conditional["s390x"] = "^((j|jg|b)(n?(h|l|e|he|le|lh|z|o|p|m))r?|b(rc|c|rcl)r?|b(ct|rct|rx|x).*|cl?g?f?(r|i)?(j|b).*|cl?g?(r|i)(j|b)?(n?(h|l|e|he|le|lh|z)))$"
	unconditional["ppc64le"] = "^(b|bl|bctr|bctrl|blr|blrl|brh|brd|brw|bpermd)$"
	unconditional["mips"] = "^(b|bal|break|bitswap)$"
	unconditional["armv7"] = "^(ldrls|strls|ldrhs|ldrh|strh)$"
	division = "^(i?div[a-z]*|[us]div|remu?w?|modu?|d[lrs]g?r?|dsgf?r|dlgr)$"
	division_call = "__(aeabi_)?u?l?(div|mod|idiv)[a-z0-9]*"
}

function is_conditional(mnemonic)
{
	if (cpu in unconditional && mnemonic ~ unconditional[cpu])
		return 0
	return mnemonic ~ conditional[cpu]
}

# The label of a place in this function that an instruction names, or "".
function local_label(operands,    parts, n, i)
{
	n = split(operands, parts, /[ ,\t()]+/)
	for (i = n; i > 0; i--)
		if (parts[i] ~ /^(\.L|\$L|\$BB)/)
			return parts[i]
	return ""
}

# A branch back to where nothing else jumps back to is the end of a loop, if the only way into what lies between is from
# the top: it decides how often the loop runs, as only a loop in the source can. Without the second condition it may be a
# branch to a part of the loop's body that the compiler has put above the loop's beginning.
function ends_loop(i,    top, j, ends)
{
	if (!(branch_label[i] in position) || position[branch_label[i]] >= branch_at[i])
		return 0
	top = position[branch_label[i]]
	for (j = 1; j <= jumps; j++) {
		if (!(jump_label[j] in position))
			continue
		if (position[jump_label[j]] == top)
			ends += jump_at[j] > top
		else if (position[jump_label[j]] > top && position[jump_label[j]] < branch_at[i])
			if (jump_at[j] <= top || jump_at[j] > branch_at[i])
				return 0
	}
	return ends == 1
}

function judge(i,    label, file, number, key, text)
{
	label = branch_label[i]
	file = branch_file[i]
	number = branch_line[i]
	key = file SUBSEP function_of[file, number]
	text = statement[file, number]
	if (is_control[file, number] && key in listed)
		return
	if (ends_loop(i))
		return
	# A conditional return stands for one of the statements, which it skips the rest behind.
	if (label == "" && text ~ /^}/ && listed[key] > 0)
		return
	# Blocks of constant length are copied and cleared by loops.
	if (text ~ /(memcpy|memset)\(|= \{ 0 \};/)
		return
	# An instruction that copies or clears a block and may stop on the way.
	if (cpu == "s390x" && branch_after[i] ~ /^mvcle/)
		return
	# 64 bits shifted in two registers.
	if (may_shift[key] && cpu == "i686" && branch_after[i] ~ /^test[bl] \$32, %[ce]/)
		return
	key = build SUBSEP source_of_assembly SUBSEP assembly_function "/" branch_what[i]
	if (key in exception) {
		excepted[key]++
		if (excepted[key] <= exception[key])
			return
	}
	sub(/^[ \t]+/, "", text)
	fail(build level ": " file ":" number ": " assembly_function "() has " branch_what[i] " for: " (number > 0 ? text : "?"))
}

function end_function(    i)
{
	for (i = 1; i <= branches; i++)
		judge(i)
	branches = 0
	split("", position)
	jumps = 0
	instructions = 0
	previous = ""
}

function start_assembly()
{
	split("", debug_files)
	split("", excepted)
	assembly_function = ""
	source_of_assembly = FILENAME
	sub(/\.s$/, ".c", source_of_assembly)
	file = "?"
	line = 0
}

# .file NUMBER "directory" "name" md5, or without the directory
function read_debug_file(    text, parts, n, name)
{
	if ($2 !~ /^[0-9]+$/)
		return
	text = $0
	n = split(text, parts, "\"")
	name = n >= 5 && parts[4] ~ /\// ? parts[4] : n >= 5 ? parts[2] "/" parts[4] : parts[2]
	debug_files[$2] = name
}

function read_assembly(    label, mnemonic, operands)
{
	sub(/[ \t][#@][ \t].*$/, "")
	if ($0 ~ /^[.$A-Za-z_][.$A-Za-z0-9_]*:/) {
		label = $0
		sub(/:.*/, "", label)
		if (label ~ /^[.$]/) {
			position[label] = instructions
		} else {
			end_function()
			assembly_function = label
			file = "?"
			line = 0
		}
		return
	}
	if ($1 == ".file") {
		read_debug_file()
		return
	}
	if ($1 == ".loc") {
		file = debug_files[$2]
		line = $3
		return
	}
	if ($0 !~ /^[ \t]+[a-z]/)
		return
	mnemonic = $1
	operands = $0
	sub(/^[ \t]+[^ \t]+[ \t]*/, "", operands)
	instructions++
	label = local_label(operands)
	if (is_conditional(mnemonic)) {
		branches++
		branch_label[branches] = label
		branch_at[branches] = instructions
		branch_file[branches] = file
		branch_line[branches] = line
		branch_after[branches] = previous
		branch_what[branches] = mnemonic
		seen++
	}
	if (label != "" && (mnemonic ~ /^(b|j)/ || is_conditional(mnemonic))) {
		jumps++
		jump_label[jumps] = label
		jump_at[jumps] = instructions
	}
	if (source_of_assembly ~ /\/kyber512/ && (mnemonic ~ division || operands ~ division_call))
		fail(build level ": " file ":" line ": " assembly_function "() divides")
	previous = mnemonic " " operands
}

# --- all --------------------------------------------------------------------------------------------------------------

FNR == 1 && FILENAME ~ /\.s$/ {
	end_function()
	start_assembly()
}
FILENAME ~ /\.txt$/ { read_list(); next }
FILENAME ~ /\.s$/ { read_assembly(); next }
{ read_source() }
END {
	end_function()
	for (key in found) {
		split(key, parts, SUBSEP)
		if (!(key in listed))
			fail(parts[1] ": " parts[2] "() has " found[key] " statements that may branch, and is not in the list")
		else if (listed[key] != found[key])
			fail(parts[1] ": " parts[2] "() has " found[key] " statements that may branch, not " listed[key])
	}
	for (key in listed) {
		split(key, parts, SUBSEP)
		if (!(key in found) && listed[key] > 0)
			fail(parts[1] ": " parts[2] "() has no statement that may branch, or does not exist")
	}
	if (seen == 0)
		fail(build level ": no conditional branch was found")
	exit bad > 0
}
