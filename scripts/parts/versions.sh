# The server's side on newer PostgreSQL: in a root of a newer Debian release, made by debootstrap, the product is built and tested as it is here;
# then with the destination of PostgreSQL 15, the other way round, and with a destination that pg_upgrade brings from 15 to the newer one.
# scripts/test versions [--suites SUITE:N,…] [--short]
#   --suites    default: trixie:17,forky:18; some forty minutes for each
#   --short     of tests/e2e only what two versions may change between them, of the rest only regress: some ten minutes for each

# prepare_root ROOT SUITE PG_MAJOR: with all that the tests need there; what they then do needs no network, but for npm's.
prepare_root() {
    local in_root_seconds_max=$ROOT_SECONDS_MAX
    make_root "$1" "$2" && copy_tree "$1/tree" && in_root "$1" env PG_MAJOR="$3" bash -c \
        'cd /tree && . scripts/lib/dependencies.sh && install_packages "${runtime_packages[@]}" "${test_packages[@]}"'
}

# build_in_root ROOT PG_MAJOR
build_in_root() {
    in_root "$1" env PG_MAJOR="$2" JOBS="$JOBS" bash -c \
        'cd /tree && . scripts/lib/dependencies.sh && . scripts/lib/build.sh && make_and_install'
}

# bring_pg15 FROM_ROOT TO_ROOT: PostgreSQL 15 with waltrail, into a root whose Debian has a newer one: its files in the same places, and the shared
# libraries that the newer release lacks behind all others.
bring_pg15() {
    local file folder=$2/usr/local/lib/postgresql-15 there
    mkdir -p "$folder" "$2/usr/lib/postgresql" "$2/usr/share/postgresql" &&
        cp -a "$1/usr/lib/postgresql/15" "$2/usr/lib/postgresql/" && cp -a "$1/usr/share/postgresql/15" "$2/usr/share/postgresql/" || return
    there=$(in_root "$2" ldconfig -p)
    in_root "$1" sh -c "ldd /usr/lib/postgresql/15/bin/* /usr/lib/postgresql/15/lib/*.so 2>/dev/null | sed -n 's/.*=> \(\/[^ ]*\) .*/\1/p' | sort -u" |
        while read -r file; do
            [[ $there == *"	${file##*/} "* ]] || cp -L "$1$file" "$folder/" || return
        done || return
    echo /usr/local/lib/postgresql-15 >"$2/etc/ld.so.conf.d/zz-postgresql-15.conf"
    in_root "$2" ldconfig
}

# The filters below put $about, the versions, before the names of tests.
# As record() writes them: logs that are shown have lines of other kinds.
lines_of_test() { sed -u -n "s/^ok      /ok $about: /p; s/^NOT OK  /not ok $about: /p"; }
lines_of_pytest() { pytest_lines | sed -u "s/^\(not ok\|ok\) /\1 $about: /"; }

# test_in_root MAJOR ROOT PART…: by the root's own scripts/test.
test_in_root() {
    local about=$1 root=$2
    run_tests versions "build/test/versions_$about.log" lines_of_test in_root "$root" env PG_MAJOR="$about" JOBS="$JOBS" /tree/scripts/test "${@:3}"
}

# test_ends ABOUT ROOT SOURCE_MAJOR DESTINATION_MAJOR FILE…: the program is that of the root, whatever the ends are.
test_ends() {
    local about=$1 root=$2 pg_config=/usr/lib/postgresql/%s/bin/pg_config in_root_seconds_max=1200
    run_tests versions "build/test/versions_${about// /_}.log" lines_of_pytest \
        in_root "$root" env PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1 \
        PG_CONFIG="${pg_config/\%s/$3}" WALTRAIL_DESTINATION_PG_CONFIG="${pg_config/\%s/$4}" \
        sh -c 'cd /tree && exec /usr/bin/python3 -m pytest -v --color=no --tb=short -p no:cacheprovider \
            --numprocesses=2 --dist=loadfile --timeout=600 "$@"' sh "${@:5}"
}

# test_version MAJOR ROOT SHORT: the product, then with PostgreSQL 15 beside it.
test_version() {
    local major=$1 root=$2 short=$3 two_versions log=build/test/versions.log
    two_versions=(tests/e2e/test_{round_trip,exactly_once,check,status,roles,questions,init,origin,schema_changes}.py)
    if [[ -n $short ]]; then
        two_versions=(tests/e2e/test_{round_trip,exactly_once,check,init}.py)
        test_in_root "$major" "$root" regress
        test_ends "$major alone" "$root" "$major" "$major" "${two_versions[@]}" tests/e2e/test_failover_slot.py
    else
        test_in_root "$major" "$root" regress pgtap upgrade quickstart e2e
    fi
    if ! bring_pg15 "$work/root_15" "$root" >>"$log" 2>&1; then
        failed versions "$major: could not bring PostgreSQL 15 there"
        tail -n 20 "$log"
        return 0
    fi
    test_ends "$major to 15" "$root" "$major" 15 "${two_versions[@]}"
    test_ends "15 to $major" "$root" 15 "$major" "${two_versions[@]}" tests/e2e/test_pg_upgrade.py
}

part_versions() {
    local suites=trixie:17,forky:18 short="" log=build/test/versions.log suite root
    while ((${#part_options[@]} > 0)); do
        case ${part_options[0]}:${part_options[1]:-} in
            --suites:?*)
                suites=${part_options[1]}
                part_options=("${part_options[@]:2}")
                ;;
            --short:*)
                short=yes
                part_options=("${part_options[@]:1}")
                ;;
            *)
                failed versions "unknown option ${part_options[0]}: --suites SUITE:N,… --short"
                return 0
                ;;
        esac
    done
    mkdir -p build/test "$work/debs"
    . scripts/lib/tree.sh
    . scripts/lib/roots.sh
    . scripts/parts/e2e.sh # pytest_lines
    if ! { install_packages debootstrap && prepare_root "$work/root_15" bookworm 15; } >"$log" 2>&1; then
        no_root versions "a root with PostgreSQL 15" "$log"
        return 0
    fi
    if ! build_in_root "$work/root_15" 15 >>"$log" 2>&1; then
        failed versions "could not build for PostgreSQL 15"
        tail -n 20 "$log"
        return 0
    fi
    for suite in ${suites//,/ }; do
        root=$work/root_${suite#*:}
        if prepare_root "$root" "${suite%:*}" "${suite#*:}" >>"$log" 2>&1; then
            test_version "${suite#*:}" "$root" "$short"
        else
            no_root versions "a root with PostgreSQL ${suite#*:}" "$log"
        fi
        rm -rf "$root"
    done
}
