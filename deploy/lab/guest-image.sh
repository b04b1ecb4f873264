#!/bin/sh
# A small Debian guest for QEMU, for the demo, the bench and the tests of vm:NAME/pid:N.
#
#   guest-image.sh stable|newer     makes it, unless it was made before; prints `release KERNEL_RELEASE`, `kernel FILE`
#                                   and `initrd FILE`
#
# stable is the kernel of linux-image-cloud-amd64, newer the newest 6.12 that the archive has beside it. Everything comes
# from Debian's packages by the apt of this machine, with an empty package status, so that each program comes with its own
# libraries and loader; it is unpacked below $DECAMP_HOME/guest and never installed. What was made is used again
# until this script changes, and then without asking the archive.
set -eu

programs="busybox-static criu qemu-guest-agent stress-ng memcached"
# what the guest runs; busybox comes besides
binaries="usr/sbin/criu usr/sbin/qemu-ga usr/bin/stress-ng usr/bin/memcached"
# virtio, vmcoreinfo's way out (qemu_fw_cfg), and what criu asks the kernel for before it does anything
modules="virtio_pci virtio_blk virtio_console virtio_net qemu_fw_cfg crc32c_generic nfnetlink nf_tables nf_conntrack
    ip_tables ip6_tables tun veth unix_diag inet_diag tcp_diag udp_diag netlink_diag af_packet_diag squashfs isofs"

stop() {
    printf 'guest-image: %s\n' "$*" >&2
    exit 2
}

failed() {
    printf 'guest-image: %s\n' "$*" >&2
    [ ! -s "${log:-/nonexistent}" ] || tail -n 20 "$log" >&2
    exit 1
}

apt_settings() {
    printf '%s ' -q -y --no-install-recommends -o "Dir::State::status=$work/status" \
        -o "Dir::Cache::archives=$work/archives" -o APT::Sandbox::User=root
}

# the name of the package that holds the kernel
kernel_package() {
    case $kernel in
        stable) apt-cache depends --important linux-image-cloud-amd64 2>/dev/null |
            sed -n 's/.*Depends: \(linux-image-[^ ]*\)$/\1/p' | head -n 1 ;;
        newer) apt-cache search --names-only '^linux-image-6\.12\..*-cloud-amd64$' |
            cut -d ' ' -f 1 | grep -v unsigned | sort -V | tail -n 1 ;;
    esac
}

fetch() {
    for archive in dpkg-deb apt-get apt-cache; do
        command -v "$archive" >/dev/null || stop "needs $archive: guests are made of Debian's packages"
    done
    [ "$(dpkg --print-architecture)" = amd64 ] || stop "guests are amd64 only"
    package=$(kernel_package)
    if [ -z "$package" ]; then
        apt-get -qq update >>"$log" 2>&1 || true
        package=$(kernel_package)
    fi
    [ -n "$package" ] || stop "apt knows no $kernel cloud kernel: it needs the sources of Debian 12 with its security suite"
    mkdir -p "$work/archives/partial" "$work/root" "$work/kernel"
    : >"$work/status"
    # shellcheck disable=SC2046,SC2086
    if ! apt-get $(apt_settings) --download-only install $programs >>"$log" 2>&1; then
        apt-get -qq update >>"$log" 2>&1 || true
        # shellcheck disable=SC2046,SC2086
        apt-get $(apt_settings) --download-only install $programs >>"$log" 2>&1 || failed "apt can't fetch $programs"
    fi
    for archive in "$work"/archives/*.deb; do
        dpkg-deb -x "$archive" "$work/root" >>"$log" 2>&1 || failed "can't unpack $archive"
    done
    rm -rf "$work/archives"
    (cd "$work/kernel" && apt-get -q -o APT::Sandbox::User=root download "$package" >>"$log" 2>&1) ||
        failed "apt can't fetch $package"
    dpkg-deb -x "$work"/kernel/*.deb "$work/kernel" >>"$log" 2>&1 || failed "can't unpack $package"
    release=${package#linux-image-}
    busybox=$(find "$work/root" -type f -name busybox -perm -u+x | head -n 1)
    [ -n "$busybox" ] || failed "the archive's busybox-static has no busybox"
}

# A program and the libraries it is linked with, as its own loader finds them.
add_program() {
    program=$work/root/$1
    [ -x "$program" ] || failed "the packages have no $1"
    mkdir -p "$guest/$(dirname "$1")"
    cp -L "$program" "$guest/$1"
    "$loader" --library-path "$libraries" --list "$program" >"$work/linked" 2>>"$log" || failed "$1 can't be linked"
    if grep 'not found' "$work/linked" >>"$log"; then failed "$1 lacks libraries"; fi
    sed -n 's/.*=> \(\/[^ ]*\) .*/\1/p' "$work/linked" | while read -r library; do
        cp -L "$library" "$guest/usr/lib/x86_64-linux-gnu/"
    done
}

# A module after all that it depends on, once; built-in ones are there already.
add_module() {
    name=$(echo "$1" | tr - _)
    ! grep -qx "$name.ko" "$guest/lib/modules/order" || return 0
    file=$(find "$work/kernel" -name '*.ko*' | awk -F / -v name="$name" \
        '{ base = $NF; sub(/\.ko.*/, "", base); gsub(/-/, "_", base) } base == name { print; exit }')
    if [ -z "$file" ]; then
        tr - _ <"$work/kernel/lib/modules/$release/modules.builtin" | grep -q "/$name\.ko" ||
            failed "kernel $release has no module $name"
        return 0
    fi
    case $file in
        *.xz) "$busybox" unxz -c "$file" >"$guest/lib/modules/$name.ko" ;;
        *) cp "$file" "$guest/lib/modules/$name.ko" ;;
    esac
    for needed in $(tr '\0' '\n' <"$guest/lib/modules/$name.ko" | sed -n 's/^depends=//p' | tr , ' '); do
        add_module "$needed"
    done
    # its own name is overwritten by what it needed
    name=$(echo "$1" | tr - _)
    grep -qx "$name.ko" "$guest/lib/modules/order" || echo "$name.ko" >>"$guest/lib/modules/order"
}

make() {
    fetch
    guest=$work/guest
    mkdir -p "$guest/bin" "$guest/usr/lib/x86_64-linux-gnu" "$guest/usr/bin" "$guest/usr/sbin" "$guest/lib/modules" \
        "$guest/lib64" "$guest/proc" "$guest/sys" "$guest/dev" "$guest/tmp" "$guest/run" "$guest/etc" "$guest/root" \
        "$guest/mnt" "$guest/var/tmp" "$guest/sbin"
    ln -s ../usr/lib/x86_64-linux-gnu "$guest/lib/x86_64-linux-gnu"
    ln -s ../run "$guest/var/run"
    cp "$busybox" "$guest/bin/busybox"
    loader=$(find "$work/root" -name 'ld-linux-x86-64.so.2' -type f | head -n 1)
    libraries=$(find "$work/root" -name '*.so.*' ! -path '*/gconv/*' -exec dirname {} + | sort -u | tr '\n' ':')
    cp -L "$loader" "$guest/lib64/ld-linux-x86-64.so.2"
    for binary in $binaries; do add_program "$binary"; done
    : >"$guest/lib/modules/order"
    for module in $modules; do add_module "$module"; done
    echo 'root:x:0:0:root:/root:/bin/sh' >"$guest/etc/passwd"
    echo 'root:x:0:' >"$guest/etc/group"
    cp "$here/guest-init.sh" "$guest/init"
    cp "$here/guest-console.sh" "$guest/sbin/console"
    chmod 755 "$guest/init" "$guest/sbin/console"
    cp "$work/kernel/boot/vmlinuz-$release" "$work/vmlinuz"
    (cd "$guest" && find . | "$busybox" cpio -o -H newc -R 0:0 2>>"$log" | gzip -1) >"$work/initrd" ||
        failed "can't write the initrd"
    echo "$release" >"$work/release"
    rm -rf "$work/root" "$work/kernel" "$work/guest" "$work/linked" "$work/status" "$work"/lock*
}

here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
kernel=${1:-}
case $kernel in stable | newer) ;; *) stop "knows the kernels stable and newer, not '$kernel'" ;; esac
images=${DECAMP_HOME:-/var/cache/decamp}/guest
version=$(cat "$0" "$here/guest-init.sh" "$here/guest-console.sh" | sha256sum | cut -c 1-16)
image=$images/$version-$kernel
if [ ! -r "$image/release" ]; then
    mkdir -p "$images" || stop "$images can't be made"
    exec 9>"$images/lock"
    flock 9
    if [ ! -r "$image/release" ]; then
        work=$image.new
        log=$images/$kernel.log
        : >"$log"
        rm -rf "$work"
        mkdir -p "$work"
        make 9>&-
        mv "$work" "$image"
    fi
    exec 9>&-
fi
echo "release $(cat "$image/release")"
echo "kernel $image/vmlinuz"
echo "initrd $image/initrd"
