# shellcheck shell=sh disable=SC2154
# Programs that must be newer than the system's: the newest that the distribution packages, unpacked with all of its
# libraries into a private prefix and run with its own loader. The mirror is the one that apt uses already.

# provision_newer PACKAGE VERSION WRAP ACCEPT: takes it from the nearest suite whose program ACCEPT accepts, after WRAP made
# $DECAMP_HOME/bin/PROGRAM of the tree it was unpacked to; ends with 1 when there is none, and all that was said is in $log.
provision_newer() {
    step "$1 $2 or newer (private)"
    log=$decamp_home/log/$1
    : >"$log"
    distribution=$(sed -n 's/^ID="*\([a-z]*\).*/\1/p' /etc/os-release)
    codename=$(sed -n 's/^VERSION_CODENAME="*\([a-z]*\).*/\1/p' /etc/os-release)
    site=$(mirror "$codename")
    if [ -z "$site" ]; then
        echo "no archive of $distribution $codename in apt's sources" >>"$log"
        return 1
    fi
    for suite in $(newer_suites "$distribution" "$codename"); do
        tree=$decamp_home/$1-$suite
        rm -rf "$tree"
        if fetch_newer "$1" "$2" >>"$log" 2>&1 9>&- && "$3" "$tree" >>"$log" 2>&1 && "$4"; then
            return 0
        fi
        rm -rf "$tree"
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

# fetch_newer PACKAGE VERSION, from $suite into $tree. An apt of its own: lists of what it needs, an empty status so that
# every library is fetched, nothing shared with the system.
fetch_newer() {
    keys=/usr/share/keyrings/$distribution-archive-keyring.gpg
    signed=
    [ ! -r "$keys" ] || signed="[signed-by=$keys]"
    mkdir -p "$tree/lists/partial" "$tree/archives/partial"
    : >"$tree/status"
    suites=$suite
    # backports build upon the release itself
    [ "$suite" != "$codename-backports" ] || suites="$suite $codename"
    for part in $suites; do
        echo "deb $signed $site $part main"
    done >"$tree/sources.list"
    package=$1 wanted=$2
    set -- -q -o Dir::Etc::SourceList="$tree/sources.list" -o Dir::Etc::SourceParts=/dev/null \
        -o Dir::State::Lists="$tree/lists" -o Dir::State::status="$tree/status" -o Dir::Cache::archives="$tree/archives" \
        -o Dir::Cache::pkgcache= -o Dir::Cache::srcpkgcache= -o Acquire::Languages=none -o APT::Sandbox::User=root \
        -o APT::Default-Release="$suite"
    apt-get "$@" update || return 1
    offered=$(apt-cache "$@" show --no-all-versions "$package" 2>/dev/null | sed -n 's/^Version: *\([0-9]*:\)*//p')
    echo "offered: ${offered:-no $package}"
    if [ -z "$offered" ] || ! at_least "$offered" "$wanted"; then return 1; fi
    apt-get "$@" -y --no-install-recommends --download-only install "$package" || return 1
    unpack "$tree" || return 1
    rm -rf "$tree/lists"
}

# wrap_newer TREE PROGRAM [ARGUMENTS]: with the loader and libraries that came with it
wrap_newer() {
    program=$(find "$1/root" -type f -name "$2" -perm -u+x | head -n 1)
    loader=$(find "$1/root" -name 'ld-linux*.so.*' | head -n 1)
    if [ -z "$program" ] || [ -z "$loader" ]; then return 1; fi
    libraries=$(find "$1/root" -name '*.so.*' ! -path '*/gconv/*' -exec dirname {} + | sort -u | tr '\n' ':')
    {
        echo '#!/bin/sh'
        echo "exec '$loader' --library-path '${libraries%:}' '$program' ${3:-} \"\$@\""
    } >"$decamp_home/bin/$2.new"
    chmod 755 "$decamp_home/bin/$2.new"
    mv "$decamp_home/bin/$2.new" "$decamp_home/bin/$2"
}
