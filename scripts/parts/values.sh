# Random tables and changes, compared with what PostgreSQL says of them (docs/value_test.md). Options after the part's name are
# the test's own.

part_values() {
    build_product || return 0
    local log=build/test/values.log name="the trail of random changes is what PostgreSQL says" status=0
    mkdir -p build/test
    PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1 /usr/bin/python3 tests/values/value_test.py "${part_options[@]}" 2>&1 | tee "$log" || status=$?
    closing_line=$(tail -n 1 "$log")
    if ((status == 0)); then passed values "$name"; else failed values "$name"; fi
}
