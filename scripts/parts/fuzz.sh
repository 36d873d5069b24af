# libFuzzer over each target of tests/fuzz, FUZZ_SECONDS each. Inputs in tests/fuzz/corpus/TARGET are where it starts; what
# it finds stays in build/fuzz, and an input that breaks a target is named in the log.

fuzz_target() {
    local target=$1 seconds=$2 corpora=("build/fuzz/corpus/$1")
    mkdir -p "${corpora[0]}" "build/fuzz/broken/$target"
    [[ ! -d tests/fuzz/corpus/$target ]] || corpora+=("tests/fuzz/corpus/$target")
    if "build/fuzz/$target" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 -print_final_stats=1 \
        -artifact_prefix="build/fuzz/broken/$target/" "${corpora[@]}"; then
        echo "ok $target, $seconds s"
    else
        echo "not ok $target, the input is in build/fuzz/broken/$target"
        return 1
    fi
}

# Without a line, grep answers 1; run_tests makes a failure of a target that ends with another status and no line.
fuzz_lines() { grep --line-buffered -E '^(ok|not ok) ' || true; }

part_fuzz() {
    any_file tests/fuzz/*.cpp || return 0
    build_fuzz_targets || return 0
    local source target
    for source in tests/fuzz/*.cpp; do
        target=$(basename "$source" .cpp)
        run_tests fuzz "build/test/fuzz_$target.log" fuzz_lines fuzz_target "$target" "${FUZZ_SECONDS:-60}"
    done
}
