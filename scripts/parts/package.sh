# The Debian packages, built in one clean root and tried in another, both made by debootstrap: some ten minutes, most of it downloads.
# scripts/test package [--suite NAME --pg-major N]

part_package() {
    local suite=bookworm pg_major=15 log=build/test/package.log mirror
    while ((${#part_options[@]} > 0)); do
        case ${part_options[0]} in
            --suite) suite=${part_options[1]} ;;
            --pg-major) pg_major=${part_options[1]} ;;
            *)
                failed package "unknown option ${part_options[0]}: --suite NAME, --pg-major N"
                return 0
                ;;
        esac
        part_options=("${part_options[@]:2}")
    done
    mkdir -p build/test "$work/debs"
    . scripts/lib/roots.sh
    if ! install_packages debootstrap; then
        failed package "could not install debootstrap"
        return 0
    fi
    mirror=$(debian_mirror)
    if ! { make_root "$work/build_root" "$suite" "$mirror" && make_root "$work/root" "$suite" "$mirror" man-db,systemd,ca-certificates; } >"$log" 2>&1; then
        failed package "could not make a root of $suite"
        tail -n 20 "$log"
        return 0
    fi
    copy_tree "$work/build_root/tree"
    if in_root "$work/build_root" /tree/scripts/package --pg-major "$pg_major" /packages >>"$log" 2>&1; then
        passed package "the packages are built"
    else
        failed package "the packages are built"
        tail -n 30 "$log"
        return 0
    fi
    cp -r "$work/build_root/packages" "$work/root/packages"
    cp tests/package/try_packages.sh "$work/root/"
    in_root "$work/root" sh -c 'apt-get update -q' >>"$log" 2>&1
    in_root "$work/root" /try_packages.sh /packages 2>&1 | tee -a "$log" | record_lines package
    grep -B 20 '^not ok' "$log" || true
}
