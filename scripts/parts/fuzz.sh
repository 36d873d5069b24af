# libFuzzer over each target of tests/fuzz, all at once, for FUZZ_SECONDS. Inputs in tests/fuzz/corpus/TARGET are where a target
# starts; what it finds stays in build/fuzz, and an input that breaks it is named in its log.

fuzz_target() {
    local target=$1 seconds=$2 log=build/test/fuzz_$1.log corpora=("build/fuzz/corpus/$1")
    mkdir -p "${corpora[0]}" "build/fuzz/broken/$target"
    [[ ! -d tests/fuzz/corpus/$target ]] || corpora+=("tests/fuzz/corpus/$target")
    if "build/fuzz/$target" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 -print_final_stats=1 \
        -artifact_prefix="build/fuzz/broken/$target/" "${corpora[@]}" >"$log" 2>&1; then
        echo "ok $target, $seconds s"
    else
        tail -n 100 "$log"
        echo "not ok $target, the input is in build/fuzz/broken/$target"
        return 1
    fi
}

fuzz_targets() {
    local source pid pids=() status=0
    for source in tests/fuzz/*.cpp; do
        fuzz_target "$(basename "$source" .cpp)" "$1" &
        pids+=($!)
    done
    for pid in "${pids[@]}"; do wait "$pid" || status=1; done
    return "$status"
}

# Without a line, grep answers 1; run_tests makes a failure of a run that ends with another status and no line.
fuzz_lines() { grep --line-buffered -E '^(ok|not ok) ' || true; }

part_fuzz() {
    any_file tests/fuzz/*.cpp || return 0
    build_fuzz_targets || return 0
    run_tests fuzz build/test/fuzz.log fuzz_lines fuzz_targets "${FUZZ_SECONDS:-60}"
}
