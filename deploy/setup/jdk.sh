# shellcheck shell=sh disable=SC2154
# Finds a JDK; never installs one.

# DECAMP_JDK_PLACES replaces the usual places (the tests of this script name none)
jdk_places=${DECAMP_JDK_PLACES-"/usr/lib/jvm/* /usr/local/lib/jvm/* /usr/java/* /opt/java/* /opt/jdk*"}

# prints the feature release of the JDK in $1, nothing where there is none
jdk_release() {
    [ -x "$1/bin/javac" ] && [ -r "$1/release" ] || return 0
    sed -n 's/^JAVA_VERSION="*\([0-9][0-9]*\).*/\1/p' "$1/release"
}

# prints the first JDK that is new enough: what was named, what is on the path, what is installed in the usual places
find_jdk() {
    compiler=$(command -v javac 2>/dev/null || true)
    [ -z "$compiler" ] || compiler=$(readlink -f "$compiler")
    # shellcheck disable=SC2086
    for candidate in "${DECAMP_JAVA_HOME:-}" "${JAVA_HOME:-}" "${compiler%/bin/javac}" $jdk_places \
        "${HOME:-/nonexistent}"/.sdkman/candidates/java/* "${HOME:-/nonexistent}"/.jdks/*; do
        [ -n "$candidate" ] || continue
        release=$(jdk_release "$candidate")
        if [ -n "$release" ] && [ "$release" -ge "$jdk_wanted" ]; then
            printf '%s\n' "$candidate"
            return 0
        fi
    done
    return 1
}

needs_jdk() {
    JAVA_HOME=$(find_jdk) || stop "needs a JDK $jdk_wanted or newer, and found none in DECAMP_JAVA_HOME, JAVA_HOME," \
        "PATH, /usr/lib/jvm, /opt, ~/.sdkman or ~/.jdks. Install one and name it: DECAMP_JAVA_HOME=/path ./decamp ..."
    export JAVA_HOME
}
