# shellcheck shell=sh disable=SC2154
# QEMU, for guests of the demo, the bench and the tests: the system's when it is new enough, else one of a newer suite,
# else the system's all the same.

# Before its commit deba78709ae8, accel/tcg, QEMU translates code that another processor is changing just then: kernels
# that patch themselves, as Linux does, may crash in guests that are translated, while they boot and later.
qemu_wanted=8.1

has_qemu() {
    hash -r
    release=$(qemu-system-x86_64 --version 2>/dev/null | sed -n 's/^QEMU emulator version \([0-9.]*\).*/\1/p')
    [ -n "$release" ] || return 1
    at_least "$release" "$qemu_wanted" || [ -e "$decamp_home/qemu.none-newer" ]
}

wrap_qemu() {
    share=$1/root/usr/share
    wrap_newer "$1" qemu-system-x86_64 "-L '$share/qemu' -L '$share/seabios'"
}

provision_qemu() {
    if provision_newer qemu-system-x86 "$qemu_wanted" wrap_qemu has_qemu; then
        step_done "$release from $suite"
        return 0
    fi
    rm -f "$decamp_home/bin/qemu-system-x86_64"
    step_done "none"
    install_package qemu-system-x86
    : >"$decamp_home/qemu.none-newer"
}
