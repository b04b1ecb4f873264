# shellcheck shell=sh disable=SC2154
# CRIU: the system's when it is new enough and sound, else one of a newer suite.

criu_wanted=4.2

# Sets DECAMP_CRIU when there is a usable one. Being sound depends on the kernel, so that is remembered per kernel.
has_criu() {
    for candidate in /usr/local/sbin/criu /usr/sbin/criu /usr/bin/criu "$decamp_home/bin/criu"; do
        [ -x "$candidate" ] || continue
        release=$("$candidate" --version 2>/dev/null | sed -n 's/^Version: *//p')
        if [ -z "$release" ] || ! at_least "$release" "$criu_wanted"; then continue; fi
        sound=$(uname -r)$candidate$release
        if [ "$(cat "$decamp_home/criu.sound" 2>/dev/null)" != "$sound" ]; then
            "$candidate" check >/dev/null 2>&1 || continue
            [ ! -d "$decamp_home" ] || printf '%s\n' "$sound" >"$decamp_home/criu.sound"
        fi
        export DECAMP_CRIU="$candidate"
        return 0
    done
    return 1
}

wrap_criu() {
    wrap_newer "$1" criu
}

provision_criu() {
    if provision_newer criu "$criu_wanted" wrap_criu has_criu; then
        step_done "$("$DECAMP_CRIU" --version | sed -n 's/^Version: *//p') from $suite"
        return 0
    fi
    rm -f "$decamp_home/bin/criu"
    step_failed "$log"
    failed "found no CRIU $criu_wanted or newer that passes 'criu check' on this kernel in: $(newer_suites "$distribution" "$codename")" \
        "Install one yourself, or see $log"
}
