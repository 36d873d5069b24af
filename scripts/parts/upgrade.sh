# A trail of every earlier version, brought to this one by ALTER EXTENSION waltrail UPDATE and changes.setup(), must be what a new one
# is, and hold what it held. tests/upgrade/waltrail--X.sql is the install script of version X as it was released; it is installed
# for as long as the test runs.

old_versions() {
    local file
    for file in tests/upgrade/waltrail--*.sql; do
        file=${file##*/waltrail--}
        echo "${file%.sql}"
    done
}

# upgrade_psql DATABASE ARGUMENT…
upgrade_psql() {
    local database=$1
    shift
    psql -X -q -A -t -v ON_ERROR_STOP=1 -d "$database" "$@"
}

# is_maintained DATABASE: an update alone leaves tables as they were, and rows still get their partitions.
is_maintained() {
    local left="SELECT count(*) FROM ONLY public.changes_default"
    [[ $(upgrade_psql "$1" -c "$left") != 0 ]] && psql -X -q -d "$1" -c 'CALL changes.maintain()' && [[ $(upgrade_psql "$1" -c "$left") == 0 ]]
}

# upgrade_trail VERSION: what is in the trail before and after, and what the database is made of, in build/test/upgrade_VERSION.
upgrade_trail() {
    local version=$1 dir=build/test/upgrade_$1
    mkdir -p "$dir"
    createdb "$version" &&
        upgrade_psql "$version" -v version="$version" -f tests/upgrade/old_trail.sql &&
        upgrade_psql "$version" -f tests/upgrade/content.sql >"$dir/content_before" &&
        upgrade_psql "$version" -c 'ALTER EXTENSION waltrail UPDATE' &&
        is_maintained "$version" &&
        upgrade_psql "$version" -c 'SET client_min_messages = warning' -c 'SELECT changes.setup()' &&
        upgrade_psql "$version" -f tests/upgrade/content.sql >"$dir/content_after" &&
        upgrade_psql "$version" -f tests/upgrade/describe.sql >"$dir/upgraded"
}

make_new_trail() { # FILE
    createdb new_trail &&
        upgrade_psql new_trail -c 'CREATE SCHEMA partman' -c 'CREATE EXTENSION pg_partman SCHEMA partman' \
            -c 'CREATE EXTENSION waltrail' -c "SELECT changes.setup('20 days')" &&
        upgrade_psql new_trail -f tests/upgrade/describe.sql >"$1"
}

# same NAME FILE FILE: the difference is shown.
same() {
    if diff -u "$2" "$3" >"$3.diff"; then
        passed upgrade "$1"
    else
        failed upgrade "$1"
        head -n 60 "$3.diff"
    fi
}

upgrade_from() { # VERSION
    local version=$1 dir=build/test/upgrade_$1
    if upgrade_trail "$version" >"build/test/upgrade_$version.log" 2>&1; then
        passed upgrade "from $version: ALTER EXTENSION waltrail UPDATE and changes.setup()"
        same "from $version: the trail holds what it held" "$dir/content_before" "$dir/content_after"
        same "from $version: the database is what a new one is" build/test/new_trail "$dir/upgraded"
    else
        failed upgrade "from $version: ALTER EXTENSION waltrail UPDATE and changes.setup()"
        tail -n 20 "build/test/upgrade_$version.log"
    fi
}

part_upgrade() {
    any_file tests/upgrade/waltrail--*.sql || return 0
    build_product || return 0
    local extensions version
    extensions=$("$PG_CONFIG" --sharedir)/extension
    if ! start_server upgrade "$work/upgrade" "fsync = off"; then
        failed upgrade "could not start the server"
        return 0
    fi
    local -x PGHOST=$work/upgrade PGUSER=postgres
    createuser waltrail_test_by_hand
    if ! make_new_trail build/test/new_trail >build/test/upgrade.log 2>&1; then
        failed upgrade "a new trail"
        tail -n 20 build/test/upgrade.log
    fi
    for version in $(old_versions); do
        install -m 644 "tests/upgrade/waltrail--$version.sql" "$extensions/"
        upgrade_from "$version"
        rm -f "$extensions/waltrail--$version.sql"
    done
    stop_server "$work/upgrade"
}
