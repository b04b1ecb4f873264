#!/bin/sh
# Tests of ./decamp itself: what it says and how it ends where something is missing. Run by ./decamp test; changes
# nothing but a temporary directory. Those that need root to become somebody else are left out without it.
set -eu
root=$(CDPATH='' cd -- "$(dirname -- "$0")/../.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT INT TERM
chmod 755 "$work"
tests=0
bad=0

# expect STATUS PATTERN NAME COMMAND...
expect() {
    wanted=$1 pattern=$2 name=$3
    shift 3
    tests=$((tests + 1))
    got=0
    "$@" >"$work/out" 2>&1 </dev/null || got=$?
    if [ "$got" != "$wanted" ] || ! grep -q -e "$pattern" "$work/out"; then
        bad=$((bad + 1))
        printf 'FAILED %s: status %s (wanted %s), wanted "%s" in:\n' "$name" "$got" "$wanted" "$pattern"
        cat "$work/out"
    fi
}

# a copy without anything built, so that nothing here depends on the state of this one
mkdir "$work/copy"
cp -r "$root/decamp" "$root/pom.xml" "$root/deploy" "$work/copy/"
door=$work/copy/decamp
release=$("$root/decamp" --version)

expect 0 '^Usage: ' 'shouldExplainItself' "$door" --help
expect 0 '^Exit status: ' 'shouldDocumentExitCodes' "$door" --help
expect 0 '^  alerts ' 'shouldListTheReceiverOfAlerts' "$door" --help
expect 0 '^  rebalance ' 'shouldListTheRebalancer' "$door" --help
expect 0 '^decamp [0-9]' 'shouldTellItsVersion' "$door" --version
expect 2 'Usage: ' 'shouldExplainItselfWithoutACommand' "$door"
expect 2 "unknown command 'evcit'" 'shouldRefuseAnUnknownCommand' "$door" evcit
expect 2 'unknown option --josn' 'shouldRefuseAnUnknownOption' "$door" --josn
expect 2 'evict needs a workload' 'shouldAskForTheWorkload' "$door" evict
expect 2 'needs a workload' 'shouldNotTakeAnOptionForAWorkload' "$door" protect --json
expect 2 'fence needs the name' 'shouldAskForTheNode' "$door" fence
expect 2 'bench knows evict, overhead, transfer' 'shouldRefuseAnUnknownBench' "$door" bench everything
expect 2 'takes no arguments' 'shouldRefuseArgumentsOfTest' "$door" test all
expect 0 "^$release\$" 'shouldWorkFromAnyDirectory' sh -c "cd / && '$door' --version"

# what Maven said, and whether that is a pass
verdict() {
    printf '%s\n' "$@" | awk -f "$root/deploy/setup/verdict.awk"
}
sum='[INFO] Tests run: 3, Failures: 0, Errors: 0, Skipped: 0'
expect 0 '5 tests run, 0 failed, 1 skipped' 'shouldPassWhatPassed' \
    verdict "$sum, Time elapsed: 1.0 s -- in io.A" "$sum" '[WARNING] Tests run: 2, Failures: 0, Errors: 0, Skipped: 1'
expect 1 '  io.A.shouldGo$' 'shouldNameWhatFailed' verdict "$sum" '[ERROR] io.A.shouldGo -- Time elapsed: 1 s <<< ERROR!' \
    '[ERROR] Tests run: 2, Failures: 0, Errors: 1, Skipped: 0'
expect 1 '3 tests run, 0 failed' 'shouldNotPassATestProcessThatDied' verdict "$sum" '[ERROR] The forked VM terminated'
expect 1 '0 tests run' 'shouldNotPassNothing' verdict '[INFO] BUILD SUCCESS'

# a machine with hardly anything on it: PATH holds links to these only, and no JDK is in a usual place
bin=$work/bin
mkdir "$bin"
for program in sh sed awk id uname dirname basename sort head tail cat grep find sha256sum cut date mkdir flock; do
    ln -s "$(command -v "$program")" "$bin/$program"
done
expect 2 "needs a JDK" 'shouldSayThatAJdkIsNeeded' \
    env -i PATH="$bin" HOME="$work" DECAMP_HOME="$work/home" DECAMP_JDK_PLACES="$work/none" "$door" status
if [ "$(id -u)" = 0 ]; then
    mkdir -p "$work/jdk/bin"
    printf 'JAVA_VERSION="25.0.1"\n' >"$work/jdk/release"
    ln -s "$bin/cat" "$work/jdk/bin/javac"
    expect 2 'no apt-get here' 'shouldSayWhatIsMissingWithoutApt' \
        env -i PATH="$bin" HOME="$work" DECAMP_HOME="$work/home" DECAMP_JAVA_HOME="$work/jdk" "$door" demo
    expect 2 'needs root' 'shouldSayThatRootIsNeeded' \
        setpriv --reuid 65534 --regid 65534 --clear-groups env HOME="$work" "$door" demo
fi
tests=$((tests + 1))
if [ -e "$work/home" ] || [ -e "$work/copy/target" ]; then
    bad=$((bad + 1))
    echo 'FAILED shouldChangeNothingWhenItCantStart: it made files'
fi

printf 'Front door: Tests run: %s, Failures: %s\n' "$tests" "$bad"
[ "$bad" = 0 ]
