# A mixed workload while faults strike at random (docs/reliability.md). Options after the part's name are the test's own.

part_soak() {
    build_product || return 0
    run_program soak "the trail is what was committed, whatever strikes" tests/soak/soak.py
}
