# The README's first command, in a folder of its own.

part_quickstart() {
    local log=build/test/quickstart.log
    mkdir -p build/test
    if WALTRAIL_QUICKSTART_DIR="$work/quickstart" scripts/quickstart --once >"$log" 2>&1 </dev/null; then
        passed quickstart "--once shows the change and cleans up"
    else
        failed quickstart "--once shows the change and cleans up"
        tail -n 40 "$log"
    fi
}
