# shellcheck shell=sh disable=SC2154
# ./decamp test: the script's own tests, then every module's. All of Maven's output goes to target/test.log; a module's
# name, its results and what failed are shown.

printf '[test] the front door\n'
sh "$here/deploy/setup/door-test.sh" || failed "the front door's own tests failed"

[ -w "$here" ] || stop "$here can't be written to by $(id -un)"
mkdir -p "$here/target"
log=$here/target/test.log
status=$here/target/test.status
printf '[test] mvn verify, everything it says is in %s\n' "$log"
rm -f "$status"
# A failed test keeps no other module from being built and tested, so one run shows all that is wrong; Maven then calls
# the build a success, and whether it is one is decided below.
{
    result=0
    maven -fae -Dmaven.test.failure.ignore=true -Ddecamp.kernel.required=true -Dstyle.color=never verify || result=$?
    echo "$result" >"$status"
} 2>&1 | tee "$log" | awk '
    /^\[INFO\] Building Decamp/ { sub(/^\[INFO\] Building /, "[test] "); sub(/ +\[.*/, ""); print; fflush(); next }
    /Tests run:/ || /^\[ERROR\]/ || /BUILD FAILURE/ || /^\[INFO\] Total time/ { print; fflush() }
'
verdict=0
awk -f "$here/deploy/setup/verdict.awk" "$log" || verdict=$?
if [ "$verdict" != 0 ] || [ "$(cat "$status")" != 0 ]; then
    failed "not all tests passed: see $log"
fi
echo "[test] all tests passed"
