# GoogleTest of wire/ and apply/ under AddressSanitizer and UndefinedBehaviorSanitizer.

gtest_lines() {
    awk '/^\[       OK \]/ { print "ok", $4; fflush() }
         /^\[  FAILED  \] .* \([0-9]+ ms\)$/ { print "not ok", $4; fflush() }'
}

part_unit() {
    [[ -n $(find tests/unit -name '*.cpp' 2>/dev/null) ]] || return 0
    build_unit_tests || return 0
    run_tests unit build/test/unit.log gtest_lines build/sanitized/unit_tests --gtest_color=no
}
