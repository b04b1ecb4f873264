# shellcheck shell=sh disable=SC2154
# Builds when the sources differ from those of the last build, and runs what was built.

build_stamp=$here/target/decamp.stamp

# a hash over everything the build reads
sources_hash() {
    (cd "$here" && find . -name target -prune -o -name '.?*' -prune -o -path ./docs -prune \
        -o \( -name pom.xml -o -path '*/src/main/*' -type f \) -exec sha256sum {} + |
        LC_ALL=C sort -k 2 | sha256sum | cut -d ' ' -f 1)
}

built() {
    [ -r "$build_stamp" ] && [ "$(cat "$build_stamp")" = "$(sources_hash)" ]
}

# Maven's own libraries use what newer JDKs warn of
maven() {
    (cd "$here" && MAVEN_OPTS="${MAVEN_OPTS:-} --sun-misc-unsafe-memory-access=allow --enable-native-access=ALL-UNNAMED" \
        mvn -B "$@")
}

build() {
    built && return 0
    [ -w "$here" ] || stop "$here must be built, and can't be written to by $(id -un)"
    lock "$here/target/decamp.lock"
    built || build_now
    unlock
}

build_now() {
    wanted=$(sources_hash)
    step "build (the first one fetches libraries and takes minutes)"
    log=$here/target/build.log
    maven -o -q -DskipTests package >"$log" 2>&1 9>&- || maven -q -DskipTests package >"$log" 2>&1 9>&- || {
        step_failed "$log"
        failed "the build failed; all of its output is in $log"
    }
    printf '%s\n' "$wanted" >"$build_stamp"
    step_done built
}

run_java() {
    jar=$(find "$here/services/cli/target" -maxdepth 1 -name 'decamp-cli-*.jar' ! -name '*-tests.jar' 2>/dev/null | head -n 1)
    [ -n "$jar" ] || failed "the build left no services/cli/target/decamp-cli-*.jar"
    # shellcheck disable=SC2086
    exec "$JAVA_HOME/bin/java" --sun-misc-unsafe-memory-access=allow --enable-native-access=ALL-UNNAMED \
        -XX:+UseSerialGC -XX:TieredStopAtLevel=1 -Xshare:auto -Djava.util.logging.manager=org.jboss.logmanager.LogManager \
        -Ddecamp.root="$here" ${DECAMP_JAVA_OPTS:-} \
        -cp "$jar:$here/services/cli/target/lib/*" io.decamp.cli.Main "$@"
}
