# What no test run shows: that the versions agree, what the library exports and needs, and that sources keep the style.

check() { # NAME COMMAND…: the command's output is shown when it fails
    local name=$1 output
    shift
    if output=$("$@" 2>&1); then
        passed checks "$name"
    else
        failed checks "$name"
        printf '%s\n' "$output" | head -n 40 | sed 's/^/        /'
    fi
}

# source_files PATTERN…: by find, because git refuses to list a checkout that another user owns.
source_files() {
    local pattern names=()
    for pattern in "$@"; do names+=(-o -name "$pattern"); done
    find . \( -path ./build -o -path ./.git \) -prune -o -type f \( "${names[@]:1}" \) -print
}

shell_files() {
    local file
    find scripts .ci -type f | while read -r file; do
        [[ $file != *.sh && ! $(head -n 1 "$file") =~ ^#!.*bash ]] || echo "$file"
    done
}

versions_agree() {
    local control meta provides changelog debian program
    control=$(sed -n "s/^default_version *= *'\(.*\)'.*/\1/p" extension/waltrail.control)
    meta=$(/usr/bin/python3 -c 'import json; print(json.load(open("META.json"))["version"])')
    provides=$(/usr/bin/python3 -c 'import json; print(json.load(open("META.json"))["provides"]["waltrail"]["version"])')
    changelog=$(sed -n 's/^## \([0-9][^ ]*\).*/\1/p' CHANGELOG.md | head -n 1)
    program=$(build/waltrail --version | grep -o '[0-9]\+\.[0-9]\+\.[0-9]\+[^ ]*' | head -n 1)
    debian=$(sed -n '1s/.*(\(.*\)).*/\1/p' debian/changelog)
    echo "control file $control, META.json $meta and $provides, CHANGELOG.md $changelog, debian/changelog $debian, program $program"
    [[ -n $control && $meta == "$control" && $provides == "$control" && $changelog == "$control" && $debian == "$control" && $program == "$control" ]]
}

only_entry_points_exported() {
    local exported symbol
    exported=$(nm -D --defined-only waltrail.so | awk '{ print $NF }')
    for symbol in Pg_magic_func _PG_output_plugin_init; do
        grep -q -x "$symbol" <<<"$exported" || { echo "not exported: $symbol"; return 1; }
    done
    ! grep -v -x -E '_PG_init|_PG_output_plugin_init|Pg_magic_func' <<<"$exported"
}

# A C++ symbol that the library does not bring itself would have to come from libstdc++, which the server does not load;
# operator new and __cxa_throw would mean memory and errors that PostgreSQL knows nothing of.
no_cxx_runtime_needed() {
    ! nm -D --undefined-only waltrail.so | awk '{ print $NF }' | grep -E '^(_Z|__cxa_|__gxx_)' | grep -v -E '^__cxa_finalize' || return 1
    ! ldd waltrail.so | grep 'libstdc++'
}

shell_syntax() {
    local file
    for file in $(shell_files); do bash -n "$file" || return 1; done
}

formatted() {
    local file status=0
    for file in $(source_files '*.cpp' '*.hpp'); do
        clang-format "$file" | cmp -s - "$file" || { echo "clang-format -i $file"; status=1; }
    done
    return "$status"
}

warn_of_long_files() {
    local file lines
    for file in $(source_files '*.cpp' '*.hpp' '*.sql' '*.py') $(shell_files); do
        [[ $file != ./tests/upgrade/waltrail--* && $file != ./extension/upgrade/waltrail--* ]] || continue # assembled from many
        lines=$(wc -l <"$file")
        ((lines <= 400)) || echo "warning: $file has $lines lines; what is its second concept?"
    done
}

part_checks() {
    check "shell scripts parse" shell_syntax
    check "sources are formatted" formatted
    check "META.json is valid JSON" /usr/bin/python3 -m json.tool META.json /dev/null
    warn_of_long_files
    build_product || return 0
    check "versions agree" versions_agree
    check "waltrail.so exports only PostgreSQL's entry points" only_entry_points_exported
    check "waltrail.so needs no C++ runtime" no_cxx_runtime_needed
}
