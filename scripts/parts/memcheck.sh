# The library on a server with assertions and with PostgreSQL's own marks for valgrind, so that memory contexts are watched as
# well: the server's own tests with the library preloaded, which must not notice it; our pg_regress with debug_discard_caches = 1, where
# every look at a catalog may invalidate all that is known of it; and again under valgrind. It takes half an hour, so it is not among the parts of a run without names. CHECKED_SERVER names a folder, which the
# server's user must be able to read, that keeps the server for another run.

. scripts/lib/checked_server.sh
. scripts/parts/regress.sh

build_checked_plugin() { # DIR
    rm -rf "$1/plugin" && mkdir "$1/plugin" && cp -r Makefile extension capture decoder wire sql expected "$1/plugin" && rm -f "$1"/plugin/*/*.o &&
        make -C "$1/plugin" -j "$JOBS" PG_CONFIG="$1/server/bin/pg_config" waltrail.so &&
        install -m 755 "$1/plugin/waltrail.so" "$1/server/lib/postgresql/"
}

# start_checked DIR COMMAND…: makes a new data folder and starts the server in it, under the command where there is one.
start_checked() {
    local dir=$1 try
    shift
    rm -rf "$dir/run"
    install -d -m 755 -o "$SERVER_USER" -g "$SERVER_USER" "$dir/run"
    as_server_user "$dir/server/bin/initdb" -D "$dir/run/data" -U postgres -A trust -E UTF8 --locale=C.UTF-8 --no-sync >"$dir/run.log" 2>&1 || return
    printf '%s\n' "listen_addresses = ''" "unix_socket_directories = '$dir/run'" 'wal_level = logical' 'max_replication_slots = 20' \
        "${preloaded_settings[@]}" 'fsync = off' 'autovacuum = off' 'authentication_timeout = 5min' >>"$dir/run/data/postgresql.conf"
    as_server_user "$@" "$dir/server/bin/postgres" -D "$dir/run/data" </dev/null >"$dir/run/log" 2>&1 &
    for ((try = 0; try < 120; try++)); do
        ! "$dir/server/bin/psql" -X -h "$dir/run" -U postgres -c 'SELECT 1' >/dev/null 2>&1 || return 0
        sleep 1
    done
    return 1
}

# check_regress DIR LOG FILTER ARGUMENT…: pg_regress on the server that start_checked has started, and then that server's end.
check_regress() {
    local dir=$1 log=$2 filter=$3 name="no assertion fails"
    shift 3
    PGHOST=$dir/run PGUSER=postgres run_tests memcheck "build/test/$log.log" "$filter" \
        make --no-print-directory -C "$dir/plugin" installcheck PG_CONFIG="$dir/server/bin/pg_config" "$@"
    stop_server "$dir/run"
    wait
    if grep 'TRAP: ' "$dir/run/log"; then failed memcheck "$log: $name"; else passed memcheck "$log: $name"; fi
}

# What valgrind finds goes to DIR/run/found.PID. Without any such file nothing was watched, which is a failure too.
check_under_valgrind() {
    local dir=$1 found processes name="valgrind finds nothing"
    if ! start_checked "$dir" valgrind --quiet --leak-check=no --trace-children=yes --error-markers=VALGRIND-BEGIN,VALGRIND-END \
        --suppressions="$dir/source/src/tools/valgrind.supp" --log-file="$dir/run/found.%p"; then
        failed memcheck "could not start the server under valgrind"
        tail -n 20 "$dir/run/log"
        return
    fi
    check_regress "$dir" valgrind pg_regress_lines REGRESS="$(regress_tests_but expanding_values)"
    processes=$(find "$dir/run" -name 'found.*' | wc -l)
    found=$(cat "$dir"/run/found.* | grep -c 'VALGRIND-BEGIN' || true) # grep answers 1 where it counts 0, as is hoped for
    echo "$found errors found by valgrind in $processes processes"
    if ((found == 0 && processes > 1)); then
        passed memcheck "$name"
    else
        failed memcheck "$name"
        cat "$dir"/run/found.* | head -n 100
    fi
}

discarded_lines() { pg_regress_lines | sed -u 's/ / with caches discarded: /'; }

# capture_nothing counts messages, and names that are forgotten at every look are told again.
check_with_discarded_caches() {
    local dir=$1
    if ! start_checked "$dir"; then
        failed memcheck "could not start the server"
        tail -n 20 "$dir/run/log"
        return
    fi
    PGOPTIONS='-c debug_discard_caches=1' check_regress "$dir" discarded_caches discarded_lines \
        REGRESS="$(regress_tests_but 'values_nested|expanding_values|capture_nothing')"
}

# Tests of a parallel group are indented.
core_lines() { sed -u 's/^     \([a-z]\)/test \1/' | pg_regress_lines | sed -u 's/ / preloaded: /'; }

# run_core_tests DIR FOLDER PROGRAM: a suite of the server's source, on the server that runs in DIR/run.
run_core_tests() {
    local dir=$1 suite=$1/source/src/test/$2 name=${2##*/}
    install -d -o "$SERVER_USER" -g "$SERVER_USER" "$dir/run/$name"
    run_tests memcheck "build/test/core_$name.log" core_lines as_server_user env PGHOST="$dir/run" PGUSER=postgres \
        "$suite/$3" --inputdir="$suite" --outputdir="$dir/run/$name" --bindir="$dir/server/bin" --dlpath="$suite" \
        --max-connections=4 --schedule="$suite/$4"
}

check_core_tests() {
    local dir=$1 name="no assertion fails in the server's own tests"
    if ! start_checked "$dir"; then
        failed memcheck "could not start the server"
        tail -n 20 "$dir/run/log"
        return
    fi
    "$dir/server/bin/psql" -X -q -h "$dir/run" -U postgres -c 'ALTER SYSTEM SET waltrail.capture_actor = on' -c 'SELECT pg_reload_conf()' >/dev/null
    run_core_tests "$dir" regress pg_regress parallel_schedule
    run_core_tests "$dir" isolation pg_isolation_regress isolation_schedule
    stop_server "$dir/run"
    wait
    if grep 'TRAP: ' "$dir/run/log"; then failed memcheck "$name"; else passed memcheck "$name"; fi
}

part_memcheck() {
    local dir=${CHECKED_SERVER:-$work/memcheck}
    mkdir -p "$dir"
    install_packages "${checked_server_packages[@]}" || { failed memcheck "could not install valgrind"; return 0; }
    build_once checked_server build_checked_server "$dir" || return 0
    build_once checked_plugin build_checked_plugin "$dir" || return 0
    check_core_tests "$dir"
    check_with_discarded_caches "$dir"
    check_under_valgrind "$dir"
}
