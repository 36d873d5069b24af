# pgTAP over the extension: each file of tests/pgtap runs in a new database of its own, and creates
# the extensions that it needs.

tap_lines() {
    awk '/^ok [0-9]+/ || /^not ok [0-9]+/ {
             verdict = /^ok/ ? "ok" : "not ok"
             sub(/^(not )?ok [0-9]+ *(- )?/, "")
             print verdict, prefix $0; fflush()
         }' prefix="$tap_file: "
}

part_pgtap() {
    any_file tests/pgtap/*.sql || return 0
    build_product || return 0
    if ! start_server pgtap "$work/pgtap" "fsync = off"; then
        failed pgtap "could not start the server"
        return 0
    fi
    local -x PGHOST=$work/pgtap PGUSER=postgres
    local path tap_file
    for path in tests/pgtap/*.sql; do
        tap_file=$(basename "$path" .sql)
        createdb "$tap_file"
        run_tests pgtap "build/test/pgtap_$tap_file.log" tap_lines pg_prove --verbose --nocolor -d "$tap_file" "$path"
        dropdb --force "$tap_file"
    done
    stop_server "$work/pgtap"
}
