# pg_regress: sql/*.sql against expected/*.out, on a server that has the library preloaded, and again, but for what that is needed
# for (capture_*.sql), on one that has not: nothing else may depend on it. The preloaded one adds no actor of its own to the contexts.

# PostgreSQL 15 writes "test NAME ... ok", 16 and later write TAP.
pg_regress_lines() {
    awk '/^test .* \.\.\. / { print (/\.\.\. ok/ ? "ok" : "not ok"), $2; fflush() }
         /^ok [0-9]+ / { print "ok", $4; fflush() }
         /^not ok [0-9]+ / { print "not ok", $5; fflush() }'
}

not_preloaded_lines() { pg_regress_lines | sed -u 's/^\(not ok\|ok\) /&not preloaded: /'; }

preloaded_settings=("shared_preload_libraries = 'waltrail'" 'waltrail.capture_actor = off')

# regress_tests_but PATTERN: the files of sql/ whose names do not match.
regress_tests_but() { find sql -name '*.sql' -printf '%f\n' | sed 's/\.sql$//' | grep -v -x -E "$1" | sort | tr '\n' ' '; }

# run_regress NAME FILTER TESTS SETTING…
run_regress() {
    local name=$1 filter=$2 tests=$3
    shift 3
    if ! start_server "$name" "$work/$name" "fsync = off" "$@"; then
        failed regress "could not start the server"
        return 0
    fi
    rm -f build/regress/regression.diffs
    PGHOST=$work/$name PGUSER=postgres run_tests regress "build/test/$name.log" "$filter" \
        make --no-print-directory installcheck PG_CONFIG="$PG_CONFIG" WERROR="${WALTRAIL_WERROR:-}" REGRESS="$tests"
    [[ ! -s build/regress/regression.diffs ]] || head -n 200 build/regress/regression.diffs
    stop_server "$work/$name"
}

part_regress() {
    any_file sql/*.sql || return 0
    build_product || return 0
    run_regress preloaded pg_regress_lines "$(regress_tests_but '')" "${preloaded_settings[@]}"
    run_regress not_preloaded not_preloaded_lines "$(regress_tests_but 'capture_.*')"
}
