# shellcheck shell=sh disable=SC2154
# Programs that Decamp calls. What is a plain program is installed by apt; what would start a service (redis-server,
# memcached, prometheus-alertmanager), replace something (busybox-static) or is only wanted by CRIU (iptables) goes into a
# private prefix below $DECAMP_HOME.

apt_missing=
prefix_missing=
criu_missing=
qemu_missing=

# needs all|node|nothing: finds out what is missing; changes nothing
needs() {
    [ "$1" != nothing ] || return 0
    [ "$(uname -s)" = Linux ] || stop "runs on Linux only, this is $(uname -s)"
    [ "$(id -u)" = 0 ] || stop "'./decamp $command' needs root: it traces processes, makes namespaces and runs CRIU." \
        "Try: sudo ./decamp $command"
    missing_program runc runc
    missing_program ip iproute2
    has_criu || criu_missing=1
    command -v iptables-restore >/dev/null 2>&1 || prefix_missing="$prefix_missing iptables"
    [ "$1" = all ] || return 0
    missing_program gcc gcc
    [ -r /usr/include/stdio.h ] || apt_missing="$apt_missing libc6-dev"
    command -v redis-server >/dev/null 2>&1 || prefix_missing="$prefix_missing redis-server"
    has_static_busybox || prefix_missing="$prefix_missing busybox-static"
    [ -z "${with_guests:-}" ] || has_qemu || qemu_missing=1
    [ "$command" = test ] || [ "$command" = bench ] || return 0
    command -v memcached >/dev/null 2>&1 || prefix_missing="$prefix_missing memcached"
    [ "$command" = test ] || return 0
    command -v prometheus-alertmanager >/dev/null 2>&1 || prefix_missing="$prefix_missing prometheus-alertmanager"
    command -v promtool >/dev/null 2>&1 || prefix_missing="$prefix_missing prometheus"
}

missing_program() {
    command -v "$1" >/dev/null 2>&1 || apt_missing="$apt_missing $2"
}

has_static_busybox() {
    busybox=$(command -v busybox 2>/dev/null) && ! ldd "$busybox" 2>/dev/null | grep -q '=>'
}

# what the build needs; still changes nothing
build_tools() {
    needs_jdk
    if { [ "$command" = test ] || ! built; } && ! command -v mvn >/dev/null 2>&1; then
        [ "$(id -u)" = 0 ] || stop "must be built first, which needs Maven 3.8 or newer (apt-get install maven)"
        apt_missing="$apt_missing maven"
    fi
    missing="$apt_missing$prefix_missing${criu_missing:+ CRIU>=$criu_wanted}${qemu_missing:+ qemu-system-x86}"
    if [ -n "$missing" ] && ! command -v apt-get >/dev/null 2>&1; then
        stop "needs these, and there is no apt-get here to fetch them:$missing" "Install them and try again."
    fi
}

provision() {
    [ -n "$apt_missing$prefix_missing$criu_missing$qemu_missing" ] || return 0
    lock "$decamp_home/lock"
    mkdir -p "$decamp_home/bin" "$decamp_home/log"
    for package in $apt_missing; do
        install_package "$package"
    done
    for package in $prefix_missing; do
        install_privately "$package"
    done
    [ -z "$criu_missing" ] || has_criu || provision_criu
    [ -z "$qemu_missing" ] || has_qemu || provision_qemu
    unlock
}

# apt's lists are refreshed once, and only when the package is not in them
refresh_lists() {
    apt-cache show "$1" >/dev/null 2>&1 || apt-get -qq update >>"$2" 2>&1
}

install_package() {
    step "$1"
    log=$decamp_home/log/$1
    : >"$log"
    if refresh_lists "$1" "$log" && DEBIAN_FRONTEND=noninteractive \
        apt-get -y -qq --no-install-recommends install "$1" >>"$log" 2>&1 9>&-; then
        step_done installed
    else
        step_failed "$log"
        failed "apt could not install $1; all it said is in $log"
    fi
}

# Unpacks a package and what it needs beyond the system into $DECAMP_HOME/tools/PACKAGE: no script of it runs, no service
# starts, nothing of the system is replaced.
install_privately() {
    step "$1 (private)"
    log=$decamp_home/log/$1
    tree=$decamp_home/tools/$1
    : >"$log"
    rm -rf "$tree" "$tree.new"
    mkdir -p "$tree.new/archives/partial"
    packages=$1
    # Debian's redis-server is a link to a program of redis-tools
    [ "$1" != redis-server ] || packages="redis-server redis-tools"
    # shellcheck disable=SC2086
    if refresh_lists "$1" "$log" && apt-get -y -qq --no-install-recommends --reinstall --download-only \
        -o Dir::Cache::archives="$tree.new/archives" install $packages >>"$log" 2>&1 9>&- &&
        unpack "$tree.new" >>"$log" 2>&1; then
        mv "$tree.new" "$tree"
        wrap_programs "$tree"
        case $1 in
            iptables) name_iptables ;;
            prometheus-alertmanager) wrap_alertmanager "$tree/root" ;;
        esac
        step_done "unpacked to $tree"
    else
        step_failed "$log"
        failed "could not fetch $1; all of apt's words are in $log"
    fi
}

# What Debian does by alternatives.
name_iptables() {
    for family in iptables ip6tables; do
        cp "$decamp_home/bin/$family-nft" "$decamp_home/bin/$family"
        cp "$decamp_home/bin/$family-nft-save" "$decamp_home/bin/$family-save"
        cp "$decamp_home/bin/$family-nft-restore" "$decamp_home/bin/$family-restore"
    done
}

# Debian's build reads its templates from a fixed place below /usr/share: it sees its own there, in a mount namespace of its own.
wrap_alertmanager() {
    cat >"$decamp_home/bin/prometheus-alertmanager" <<END
#!/bin/sh
exec unshare --mount --propagation private sh -c \\
    'mount --bind "\$0/usr/share" /usr/share && exec "\$0/usr/bin/prometheus-alertmanager" "\$@"' '$1' "\$@"
END
}

# every archive of $1/archives into $1/root
unpack() {
    mkdir -p "$1/root"
    found=
    for archive in "$1"/archives/*.deb; do
        [ -e "$archive" ] || break
        found=1
        dpkg-deb -x "$archive" "$1/root" || return 1
    done
    rm -rf "$1/archives"
    [ -n "$found" ]
}

# A wrapper in $DECAMP_HOME/bin for each program: its libraries first, then the system's.
wrap_programs() {
    libraries=$(find "$1/root" -name '*.so*' -exec dirname {} + | sort -u | tr '\n' ':')
    plugins=$(find "$1/root" -type d -name xtables | head -n 1)
    for program in "$1"/root/bin/* "$1"/root/sbin/* "$1"/root/usr/bin/* "$1"/root/usr/sbin/*; do
        if [ ! -x "$program" ] || [ -d "$program" ]; then continue; fi
        wrapper=$decamp_home/bin/$(basename "$program")
        {
            echo '#!/bin/sh'
            echo "LD_LIBRARY_PATH='$libraries'\${LD_LIBRARY_PATH:-}"
            echo 'export LD_LIBRARY_PATH'
            [ -z "$plugins" ] || echo "export XTABLES_LIBDIR='$plugins'"
            echo "exec '$program' \"\$@\""
        } >"$wrapper.new"
        chmod 755 "$wrapper.new"
        mv "$wrapper.new" "$wrapper"
    done
}
