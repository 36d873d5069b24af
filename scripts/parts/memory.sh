# The memory of walsenders while they decode. Options after the part's name are the test's own.

part_memory() {
    build_product || return 0
    run_program memory "the memory of a walsender is flat" tests/memory/walsender_memory.py
}
