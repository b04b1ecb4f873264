# Reads all that Maven said while it tested, with failed tests ignored; prints how many tests ran and which failed. Ends
# with 0 only when some ran and nothing of it was an error: a test process that died has no sum.
/^\[[A-Z]+\] Tests run: [0-9]+, .* Skipped: [0-9]+$/ {
    gsub(",", "")
    tests += $4
    bad += $6 + $8
    skipped += $10
}
/^\[ERROR\] [^ ]+ -- Time elapsed: .* <<< / { names = names "\n[test]   " $2 }
/^\[ERROR\]/ { errors++ }
END {
    print "[test] " tests + 0 " tests run, " bad + 0 " failed, " skipped + 0 " skipped" names
    exit errors > 0 || bad > 0 || tests == 0
}
