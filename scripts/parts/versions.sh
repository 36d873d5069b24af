# The server's side on newer PostgreSQL: in a root of a newer Debian release, made by debootstrap, the product is built and tested as it is here;
# then with the destination of PostgreSQL 15, the other way round, and with a destination that pg_upgrade brings from 15 to the newer one. Some
# forty minutes for each release.
# scripts/test versions [--suites SUITE:N,…]; default: trixie:17,forky:18

# PostgreSQL 15 with waltrail, in a root whose Debian has a newer one: its files in the same places, and the shared libraries that the newer release
# lacks behind all others.
bring_pg15() { # FROM_ROOT TO_ROOT
    local file folder=$2/usr/local/lib/postgresql-15
    mkdir -p "$folder" "$2/usr/lib/postgresql" "$2/usr/share/postgresql"
    cp -a "$1/usr/lib/postgresql/15" "$2/usr/lib/postgresql/"
    cp -a "$1/usr/share/postgresql/15" "$2/usr/share/postgresql/"
    in_root "$1" sh -c "ldd /usr/lib/postgresql/15/bin/* /usr/lib/postgresql/15/lib/*.so 2>/dev/null | sed -n 's/.*=> \(\/[^ ]*\) .*/\1/p' | sort -u" |
        while read -r file; do
            in_root "$2" sh -c "ldconfig -p | grep -c -F '${file##*/} ' >/dev/null" || cp -L "$1$file" "$folder/"
        done
    echo /usr/local/lib/postgresql-15 >"$2/etc/ld.so.conf.d/zz-postgresql-15.conf"
    in_root "$2" ldconfig
}

# test_in_root NAME ROOT COMMAND…: its lines "ok      PART: TEST" under the name.
test_in_root() {
    local name=$1 root=$2
    shift 2
    in_root "$root" "$@" 2>&1 | tee "build/test/versions_${name//[^a-z0-9]/_}.log" |
        sed -u -n "s/^ok  *\(.*\)/ok $name: \1/p; s/^NOT OK  *\(.*\)/not ok $name: \1/p" | record_lines versions
}

# test_mixed NAME ROOT SOURCE_MAJOR DESTINATION_MAJOR [FILE…]: what the versions of two ends may change between them: the round trip, refused rows,
# roles, questions, check. Both have the product, and the program is that of the newer one.
test_mixed() {
    local name=$1 root=$2 source=$3 destination=$4 pg_config=/usr/lib/postgresql/%s/bin/pg_config files
    files=$(printf 'tests/e2e/test_%s.py ' round_trip exactly_once check status roles questions init origin schema_changes)
    in_root "$root" env PYTHONDONTWRITEBYTECODE=1 PG_CONFIG="${pg_config/\%s/$source}" WALTRAIL_DESTINATION_PG_CONFIG="${pg_config/\%s/$destination}" \
        sh -c 'cd /tree && exec /usr/bin/python3 -m pytest -v --color=no --tb=short -p no:cacheprovider --numprocesses=2 --dist=loadfile "$@"' \
        sh $files "${@:5}" 2>&1 | tee "build/test/versions_${name// /_}.log" | pytest_lines | sed -u "s/^\(not ok\|ok\) /\1 $name: /" | record_lines versions
}

part_versions() {
    local suites=trixie:17,forky:18 log=build/test/versions.log mirror suite major root
    if [[ ${part_options[0]:-} == --suites ]]; then suites=${part_options[1]}; fi
    mkdir -p build/test "$work/debs"
    . scripts/lib/roots.sh
    . scripts/parts/e2e.sh # pytest_lines
    install_packages debootstrap || { failed versions "could not install debootstrap"; return 0; }
    mirror=$(debian_mirror)
    if ! { make_root "$work/root_15" bookworm "$mirror" && copy_tree "$work/root_15/tree" &&
        in_root "$work/root_15" sh -c 'cd /tree && scripts/test regress'; } >"$log" 2>&1; then
        failed versions "a root with PostgreSQL 15"
        tail -n 20 "$log"
        return 0
    fi
    for suite in ${suites//,/ }; do
        major=${suite#*:}
        root=$work/root_$major
        if ! { make_root "$root" "${suite%:*}" "$mirror" && copy_tree "$root/tree"; } >>"$log" 2>&1; then
            failed versions "a root of ${suite%:*}"
            tail -n 20 "$log"
            continue
        fi
        test_in_root "$major" "$root" env PG_MAJOR="$major" /tree/scripts/test regress pgtap upgrade quickstart e2e
        bring_pg15 "$work/root_15" "$root" >>"$log" 2>&1
        test_mixed "$major to 15" "$root" "$major" 15
        test_mixed "15 to $major" "$root" 15 "$major" tests/e2e/test_pg_upgrade.py
    done
}
