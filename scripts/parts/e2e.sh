# pytest over real servers that tests/e2e starts itself, with the installed library and extension. Interrupted, so that it
# takes its servers down, when it lasts longer than E2E_SECONDS_MAX.

pytest_lines() {
    awk '/ PASSED/ { print "ok", $1; fflush() }
         / (FAILED|ERROR) *\[/ { print "not ok", $1; fflush() }'
}

part_e2e() {
    any_file tests/e2e/test_*.py || return 0
    build_product || return 0
    # Debian's interpreter: the one that Debian's psycopg2 and pytest belong to.
    PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1 run_tests e2e build/test/e2e.log pytest_lines \
        timeout --signal=INT --kill-after=60 "${E2E_SECONDS_MAX:-1200}" /usr/bin/python3 -m pytest -v --color=no --tb=short -p no:cacheprovider tests/e2e
}
