# The Debian packages, built in one clean root and tried in another, both made by debootstrap: some ten minutes, much of it downloads.
# scripts/test package [--suite NAME --pg-major N]

# make_package_roots SUITE
make_package_roots() {
    install_packages debootstrap && make_root "$work/build_root" "$1" && copy_tree "$work/build_root/tree" &&
        make_root "$work/root" "$1" man-db,systemd,ca-certificates && cp tests/package/try_packages.sh "$work/root/"
}

try_packages() { in_root "$work/root" /try_packages.sh /packages; }
# Its lines are what record_lines reads.
try_lines() { cat; }

part_package() {
    local suite=bookworm pg_major=15 log=build/test/package.log
    while ((${#part_options[@]} > 0)); do
        case ${part_options[0]}:${part_options[1]:-} in
            --suite:?*) suite=${part_options[1]} ;;
            --pg-major:?*) pg_major=${part_options[1]} ;;
            *)
                failed package "unknown option ${part_options[0]}: --suite NAME, --pg-major N"
                return 0
                ;;
        esac
        part_options=("${part_options[@]:2}")
    done
    mkdir -p build/test "$work/debs"
    . scripts/lib/tree.sh
    . scripts/lib/roots.sh
    if ! make_package_roots "$suite" >"$log" 2>&1; then
        no_root package "two roots of $suite" "$log"
        return 0
    fi
    if in_root "$work/build_root" env JOBS="$JOBS" /tree/scripts/package --pg-major "$pg_major" /packages >>"$log" 2>&1; then
        passed package "the packages are built"
    else
        failed package "the packages are built"
        tail -n 30 "$log"
        return 0
    fi
    cp -r "$work/build_root/packages" "$work/root/packages"
    run_tests package build/test/package_tried.log try_lines try_packages
}
