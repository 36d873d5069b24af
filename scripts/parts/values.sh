# Random tables and changes, compared with what PostgreSQL says of them (docs/value_test.md). Options after the part's name are
# the test's own.

part_values() {
    build_product || return 0
    run_program values "the trail of random changes is what PostgreSQL says" tests/values/value_test.py
}
