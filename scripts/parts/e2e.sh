# pytest over real servers that tests/e2e starts itself, with the installed library and extension: three files at a time, for
# tests wait more than they compute. Interrupted, so that it takes its servers down, when it lasts longer than E2E_SECONDS_MAX.
# A test that hangs for ten minutes fails, and the others go on.
# --file NAME, as often as wanted, runs these only: a file of tests/e2e, or a test in it as pytest writes it (test_x.py::test_y).

# Lines like "[gw1] [ 12%] PASSED tests/e2e/test_init.py::test_name "; an error at the end of a test comes after its PASSED.
pytest_lines() {
    awk '/^\[gw[0-9]+\] .*\] PASSED / { print "ok", $NF; fflush() }
         /^\[gw[0-9]+\] .*\] (FAILED|ERROR) / { print "not ok", $NF; fflush() }'
}

# What the clients of tests/e2e/node need. Debian's packages only where the commands are missing: they conflict with those of others.
node_packages() {
    command -v node >/dev/null || echo nodejs
    command -v npm >/dev/null || echo npm
}

# e2e_files OPTION…: prints what is to be run; fails for another option.
e2e_files() {
    (($# > 0)) || echo tests/e2e
    while (($# > 0)); do
        [[ $1 == --file && $# -ge 2 ]] || return 1
        echo "tests/e2e/$2"
        shift 2
    done
}

part_e2e() {
    local packages files
    any_file tests/e2e/test_*.py || return 0
    if ! files=$(e2e_files "${part_options[@]}"); then
        failed e2e "unknown option, the only one is --file NAME"
        return 0
    fi
    build_product && build_fault_program || return 0
    mapfile -t packages < <(node_packages)
    install_packages "${packages[@]}" || failed e2e "could not install ${packages[*]}"
    # Debian's interpreter: the one that Debian's psycopg2 and pytest belong to.
    PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1 run_tests e2e build/test/e2e.log pytest_lines \
        timeout --signal=INT --kill-after=60 "${E2E_SECONDS_MAX:-2100}" /usr/bin/python3 -m pytest -v --color=no --tb=short -p no:cacheprovider \
        --numprocesses=3 --dist=loadfile --timeout=600 $files
}
