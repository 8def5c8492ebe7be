# tests/lint/analyze_filter.awk - leaves out one kind of finding of clang-tidy: clang 14's analyser does not know that what
# is declared with CLEANUP() is freed where its scope ends, and calls it leaked at every return. Of such a variable, and of
# no other, a leak is not reported; the address sanitizer looks for those, in every test.
function is_guarded(file, name,   line, found) {
	while ((getline line < file) > 0)
		if (line ~ "CLEANUP\\([a-z0-9_]+\\) .*[* ]" name "( =|;|,|\\[)")
			found = 1
	close(file)
	return found
}
/^[^ ]+:[0-9]+:[0-9]+: (warning|error): / {
	skip = 0
	if (match($0, /Potential leak of memory pointed to by '[^']+'/)) {
		name = substr($0, RSTART + 40, RLENGTH - 41)
		sub(/[.\[-].*/, "", name)
		skip = is_guarded(substr($0, 1, index($0, ":") - 1), name)
	}
}
!skip
