# Every benchmark once, on few changes, so that none of them rots: what each moves is counted and compared by checksums. Nothing is timed.

# Without a line, grep answers 1; run_tests makes a failure of a run that ends with another status and no line.
bench_lines() { grep --line-buffered -E '^(ok|not ok) ' || true; }

part_bench() {
    build_product || return 0
    PYTHONUNBUFFERED=1 run_tests bench build/test/bench.log bench_lines bench/run --smoke --pg-config "$PG_CONFIG"
}
