# The plugin under valgrind: pg_regress on a server with assertions and with PostgreSQL's own marks for valgrind, so that memory
# contexts are watched as well. It takes some twenty minutes, so it is not among the parts of a run without names. CHECKED_SERVER
# names a folder, which the server's user must be able to read, that keeps the server for another run.

. scripts/lib/checked_server.sh

build_checked_plugin() { # DIR
    rm -rf "$1/plugin" && mkdir "$1/plugin" && cp -r Makefile extension decoder wire sql expected "$1/plugin" && rm -f "$1"/plugin/*/*.o &&
        make -C "$1/plugin" -j "$JOBS" PG_CONFIG="$1/server/bin/pg_config" waltrail.so &&
        install -m 755 "$1/plugin/waltrail.so" "$1/server/lib/postgresql/"
}

# start_under_valgrind DIR: what valgrind finds goes to DIR/run/found.PID.
start_under_valgrind() {
    local dir=$1
    rm -rf "$dir/run"
    install -d -m 755 -o "$SERVER_USER" -g "$SERVER_USER" "$dir/run"
    as_server_user "$dir/server/bin/initdb" -D "$dir/run/data" -U postgres -A trust -E UTF8 --locale=C.UTF-8 --no-sync >"$dir/run.log" 2>&1 || return
    printf '%s\n' "listen_addresses = ''" "unix_socket_directories = '$dir/run'" 'wal_level = logical' 'max_replication_slots = 20' \
        'fsync = off' 'autovacuum = off' 'authentication_timeout = 5min' >>"$dir/run/data/postgresql.conf"
    as_server_user valgrind --quiet --leak-check=no --trace-children=yes --error-markers=VALGRIND-BEGIN,VALGRIND-END \
        --suppressions="$dir/source/src/tools/valgrind.supp" --log-file="$dir/run/found.%p" \
        "$dir/server/bin/postgres" -D "$dir/run/data" </dev/null >"$dir/run/log" 2>&1 &
    local try
    for ((try = 0; try < 120; try++)); do
        ! "$dir/server/bin/psql" -X -h "$dir/run" -U postgres -c 'SELECT 1' >/dev/null 2>&1 || return 0
        sleep 1
    done
    return 1
}

part_memcheck() {
    local dir=${CHECKED_SERVER:-$work/memcheck} found processes
    mkdir -p "$dir"
    install_packages "${checked_server_packages[@]}" || { failed memcheck "could not install valgrind"; return 0; }
    build_once checked_server build_checked_server "$dir" || return 0
    build_once checked_plugin build_checked_plugin "$dir" || return 0
    if ! start_under_valgrind "$dir"; then
        failed memcheck "could not start the server under valgrind"
        tail -n 20 "$dir/run/log"
        return 0
    fi
    . scripts/parts/regress.sh
    PGHOST=$dir/run PGUSER=postgres run_tests memcheck build/test/memcheck.log pg_regress_lines \
        make --no-print-directory -C "$dir/plugin" installcheck PG_CONFIG="$dir/server/bin/pg_config"
    stop_server "$dir/run"
    wait
    processes=$(find "$dir/run" -name 'found.*' | wc -l)
    # grep answers 1 where it counts 0, which is what is hoped for; without any file nothing was watched, and the part fails.
    found=$(cat "$dir"/run/found.* | grep -c 'VALGRIND-BEGIN' || true)
    echo "$found errors found by valgrind in $processes processes"
    if ((found == 0 && processes > 1)) && ! grep -q 'TRAP: ' "$dir/run/log"; then
        passed memcheck "valgrind and assertions find nothing"
    else
        failed memcheck "valgrind and assertions find nothing"
        cat "$dir"/run/found.* | head -n 100
        grep 'TRAP: ' "$dir/run/log" || true # shown where there is one; the failure is recorded above
    fi
}
