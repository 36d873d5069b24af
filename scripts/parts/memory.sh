# The memory of walsenders while they decode, and of both ends while one large transaction is applied. Options after the part's name are the
# test's own: --changes N runs only the first, --transaction N only the second.

part_memory() {
    build_product || return 0
    [[ " ${part_options[*]} " == *" --changes"* ]] ||
        run_program memory "one transaction: bounded memory at both ends, and it appears at once" tests/memory/transaction_memory.py
    [[ " ${part_options[*]} " == *" --transaction"* ]] ||
        run_program memory "the memory of a walsender is flat" tests/memory/walsender_memory.py
}
