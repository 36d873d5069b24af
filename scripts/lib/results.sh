# Collects results: one printed line and one recorded line for each test, and the final count. Sourced.

results=$(mktemp)

record() { # ok|not ok, part, name
    if [[ $1 == ok ]]; then echo "ok      $2: $3"; else echo "NOT OK  $2: $3"; fi
    echo "$1 $2" >>"$results"
}

passed() { record ok "$1" "$2"; }
failed() { record "not ok" "$1" "$2"; }

# Reads lines "ok NAME" and "not ok NAME" from a test tool's filter, as they come.
record_lines() {
    local part=$1 line
    while IFS= read -r line; do
        case $line in
            "ok "*) passed "$part" "${line#ok }" ;;
            "not ok "*) failed "$part" "${line#not ok }" ;;
        esac
    done
}

# grep answers 1 where it counts 0, which is no failure here: failures are the lines themselves.
count() { grep -c "^$1" "$results" || true; }
failures_of() { grep -c "^not ok $1\$" "$results" || true; }

# run_tests PART LOG FILTER COMMAND…: runs a test tool with its output in LOG, and records what the function FILTER makes
# of it. A tool that fails without a failed test (a crash, a bad option) is a failure of its own.
run_tests() {
    local part=$1 log=$2 filter=$3 before status=0
    shift 3
    before=$(failures_of "$part")
    mkdir -p "${log%/*}"
    "$@" 2>&1 | tee "$log" | "$filter" | record_lines "$part" || status=$?
    if ((status != 0 && $(failures_of "$part") == before)); then
        failed "$part" "$(basename "$log" .log): ${1##*/} ended with status $status"
    fi
    if ((status != 0 || $(failures_of "$part") > before)); then
        echo "---- end of $log"
        tail -n 100 "$log"
        echo "----"
    fi
}

# run_program PART NAME FILE: a test that is one program of its own, with the part's options. Its last line is the part's.
run_program() {
    local part=$1 name=$2 status=0 log=build/test/$1.log
    mkdir -p build/test
    PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1 /usr/bin/python3 "$3" "${part_options[@]}" 2>&1 | tee "$log" || status=$?
    closing_line=$(tail -n 1 "$log")
    if ((status == 0)); then passed "$part" "$name"; else failed "$part" "$name"; fi
}

# Prints the last line and returns whether all is well.
summary() {
    local passed_count failed_count
    passed_count=$(count "ok ")
    failed_count=$(count "not ok ")
    rm -f "$results"
    echo "$passed_count passed, $failed_count failed"
    ((failed_count == 0))
}
