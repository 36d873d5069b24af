# Builds what the parts of the test need, each at most once in a run. Sourced.

JOBS=${JOBS:-$(nproc)}
built=""

# build_once NAME COMMAND…: true when the build succeeded, now or earlier in the run; a failure is recorded once.
build_once() {
    local name=$1
    shift
    case " $built " in
        *" $name:ok "*) return 0 ;;
        *" $name:failed "*) return 1 ;;
    esac
    echo "building: $name"
    mkdir -p build/test
    if "$@" >"build/test/build_$name.log" 2>&1; then
        built+=" $name:ok"
        return 0
    fi
    built+=" $name:failed"
    failed build "$name, see build/test/build_$name.log"
    grep -E -A 3 'error: |Error [0-9]+$' "build/test/build_$name.log" | head -n 40 || tail -n 20 "build/test/build_$name.log"
    return 1
}

cmake_options() {
    printf '%s\n' -S . -G 'Unix Makefiles' "-DPG_CONFIG=$PG_CONFIG" \
        "-DWALTRAIL_WERROR=$([[ -n ${WALTRAIL_WERROR:-} ]] && echo ON || echo OFF)"
}

# cmake_build FOLDER TARGET OPTION…
cmake_build() {
    local folder=$1 target=$2 options
    shift 2
    mapfile -t options < <(cmake_options)
    cmake -B "$folder" "${options[@]}" "$@" && cmake --build "$folder" -j "$JOBS" --target "$target"
}

make_and_install() {
    make -j "$JOBS" PG_CONFIG="$PG_CONFIG" WERROR="${WALTRAIL_WERROR:-}" &&
        make install PG_CONFIG="$PG_CONFIG" WERROR="${WALTRAIL_WERROR:-}"
}

build_product() { build_once product make_and_install; }
# Unit tests and a program with fault points share their objects: the program costs one file more.
cmake_build_sanitized() { cmake_build build/sanitized "$1" -DWALTRAIL_SANITIZE=ON -DWALTRAIL_FAULT_POINTS=ON; }
build_unit_tests() { build_once unit_tests cmake_build_sanitized unit_tests; }
build_fault_program() { build_once fault_program cmake_build_sanitized waltrail; }
build_fuzz_targets() {
    build_once fuzz_targets cmake_build build/fuzz all -DWALTRAIL_FUZZ=ON \
        -DCMAKE_CXX_COMPILER=clang++ -DCMAKE_BUILD_TYPE=RelWithDebInfo
}

# any_file PATTERN…: whether one of the expanded patterns is a file.
any_file() {
    local file
    for file in "$@"; do [[ ! -e $file ]] || return 0; done
    return 1
}
