# shellcheck shell=sh disable=SC2154,SC2034
# Sourced by ./decamp with $here set. First everything is looked at, then, only if all of it can be had, anything is
# changed: see the order of needs, build_tools and provision in ./decamp.

jdk_wanted=25

if [ -n "${DECAMP_HOME:-}" ]; then
    decamp_home=$DECAMP_HOME
elif [ "$(id -u)" = 0 ]; then
    decamp_home=/var/cache/decamp
else
    decamp_home=${XDG_CACHE_HOME:-${HOME:-/nonexistent}/.cache}/decamp
fi
PATH=$decamp_home/bin:$PATH:/usr/sbin:/sbin
export DECAMP_HOME="$decamp_home" DECAMP_ROOT="$here" PATH

for part in jdk build tools newer criu qemu; do
    # shellcheck disable=SC1090
    . "$here/deploy/setup/$part.sh"
done

# can't start here: says what is needed, and nothing was changed
stop() {
    printf 'decamp: %s\n' "$@" >&2
    exit 2
}

failed() {
    printf 'decamp: %s\n' "$@" >&2
    exit 1
}

# One line per step: what is done now, then how it ended.
step() {
    step_began=$(date +%s)
    printf '[setup] %s ... ' "$1" >&2
}

step_done() {
    printf '%s (%s s)\n' "$1" "$(($(date +%s) - step_began))" >&2
}

step_failed() {
    printf 'failed\n' >&2
    [ ! -s "${1:-/dev/null}" ] || tail -n 20 "$1" >&2
}

# 4.2.1 is at least 4.2
at_least() {
    [ "$(printf '%s\n%s\n' "$1" "$2" | sort -V | head -n 1)" = "$2" ]
}

# One ./decamp at a time provisions or builds; the others wait for it.
lock() {
    mkdir -p "$(dirname "$1")" || stop "$(dirname "$1") can't be made"
    exec 9>"$1"
    flock 9
}

unlock() {
    exec 9>&-
}
