# pg_regress: sql/*.sql against expected/*.out on a server of its own.

# PostgreSQL 15 writes "test NAME ... ok", 16 and later write TAP.
pg_regress_lines() {
    awk '/^test .* \.\.\. / { print (/\.\.\. ok/ ? "ok" : "not ok"), $2; fflush() }
         /^ok [0-9]+ / { print "ok", $4; fflush() }
         /^not ok [0-9]+ / { print "not ok", $5; fflush() }'
}

part_regress() {
    any_file sql/*.sql || return 0
    build_product || return 0
    if ! start_server regress "$work/regress" "fsync = off"; then
        failed regress "could not start the server"
        return 0
    fi
    rm -f build/regress/regression.diffs
    PGHOST=$work/regress PGUSER=postgres run_tests regress build/test/regress.log pg_regress_lines \
        make --no-print-directory installcheck PG_CONFIG="$PG_CONFIG" WERROR="${WALTRAIL_WERROR:-}"
    [[ ! -s build/regress/regression.diffs ]] || head -n 200 build/regress/regression.diffs
    stop_server "$work/regress"
}
