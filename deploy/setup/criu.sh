# shellcheck shell=sh disable=SC2154
# CRIU: the system's when it is new enough and sound, else the newest one that the distribution packages, unpacked with
# all of its libraries into a private prefix and run with its own loader. The mirror is the one that apt uses already.

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

# prints the site of the archive that the machine's own release comes from
mirror() {
    # shellcheck disable=SC2016
    apt-get indextargets --format '$(SITE) $(CODENAME) $(COMPONENT)' 'Created-By: Packages' 2>/dev/null |
        awk -v own="$1" '$2 == own && $3 == "main" { print $1; exit }'
}

# suites of the distribution that may have something newer, nearest first
newer_suites() {
    case $1 in
        debian) echo "$2-backports testing unstable" ;;
        ubuntu) echo "$2-backports devel" ;;
        *) echo "" ;;
    esac
}

provision_criu() {
    step "CRIU $criu_wanted or newer (private)"
    log=$decamp_home/log/criu
    : >"$log"
    distribution=$(sed -n 's/^ID="*\([a-z]*\).*/\1/p' /etc/os-release)
    codename=$(sed -n 's/^VERSION_CODENAME="*\([a-z]*\).*/\1/p' /etc/os-release)
    site=$(mirror "$codename")
    if [ -z "$site" ]; then
        step_failed
        failed "no archive of $distribution $codename in apt's sources; CRIU $criu_wanted or newer is needed"
    fi
    for suite in $(newer_suites "$distribution" "$codename"); do
        tree=$decamp_home/criu-$suite
        rm -rf "$tree"
        if fetch_criu "$site" "$suite" "$tree" >>"$log" 2>&1 9>&- && wrap_criu "$tree" >>"$log" 2>&1 && has_criu; then
            step_done "$("$DECAMP_CRIU" --version | sed -n 's/^Version: *//p') from $suite"
            return 0
        fi
        rm -rf "$tree" "$decamp_home/bin/criu"
    done
    step_failed "$log"
    failed "found no CRIU $criu_wanted or newer that passes 'criu check' on this kernel in: $(newer_suites "$distribution" "$codename")" \
        "Install one yourself, or see $log"
}

# An apt of its own: lists of one suite, an empty status so that every library is fetched, nothing shared with the system.
fetch_criu() {
    keys=/usr/share/keyrings/$distribution-archive-keyring.gpg
    signed=
    [ ! -r "$keys" ] || signed="[signed-by=$keys]"
    mkdir -p "$3/lists/partial" "$3/archives/partial"
    : >"$3/status"
    echo "deb $signed $1 $2 main" >"$3/sources.list"
    set -- "$3" -q -o Dir::Etc::SourceList="$3/sources.list" -o Dir::Etc::SourceParts=/dev/null \
        -o Dir::State::Lists="$3/lists" -o Dir::State::status="$3/status" -o Dir::Cache::archives="$3/archives" \
        -o Dir::Cache::pkgcache= -o Dir::Cache::srcpkgcache= -o Acquire::Languages=none -o APT::Sandbox::User=root
    tree=$1
    shift
    apt-get "$@" update || return 1
    offered=$(apt-cache "$@" show --no-all-versions criu 2>/dev/null | sed -n 's/^Version: *//p')
    echo "offered: ${offered:-no criu}"
    if [ -z "$offered" ] || ! at_least "$offered" "$criu_wanted"; then return 1; fi
    apt-get "$@" -y --no-install-recommends --download-only install criu || return 1
    unpack "$tree" || return 1
    rm -rf "$tree/lists"
}

wrap_criu() {
    program=$(find "$1/root" -type f -name criu -perm -u+x | head -n 1)
    loader=$(find "$1/root" -name 'ld-linux*.so.*' | head -n 1)
    if [ -z "$program" ] || [ -z "$loader" ]; then return 1; fi
    libraries=$(find "$1/root" -name '*.so.*' ! -path '*/gconv/*' -exec dirname {} + | sort -u | tr '\n' ':')
    {
        echo '#!/bin/sh'
        echo "exec '$loader' --library-path '${libraries%:}' '$program' \"\$@\""
    } >"$decamp_home/bin/criu.new"
    chmod 755 "$decamp_home/bin/criu.new"
    mv "$decamp_home/bin/criu.new" "$decamp_home/bin/criu"
}
