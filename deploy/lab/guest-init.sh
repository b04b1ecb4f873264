#!/bin/busybox sh
# PID 1 of a guest made by guest-image.sh. ttyS0 takes commands (guest-console.sh), ttyS1 is the kernel's console.
/bin/busybox --install -s /bin
export PATH=/bin:/sbin:/usr/bin:/usr/sbin HOME=/root
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev
mkdir -p /dev/pts /dev/shm
mount -t devpts -o mode=620,ptmxmode=666 devpts /dev/pts
mount -t tmpfs -o mode=1777 tmpfs /dev/shm
mount -t tmpfs -o mode=1777,size=90% tmpfs /tmp
mount -t tmpfs -o mode=755 tmpfs /run
mount -t cgroup2 cgroup /sys/fs/cgroup
# of two that drive the same thing, the second has nothing to do
while read -r module; do insmod "/lib/modules/$module" 2>/dev/null; done </lib/modules/order
ip link set lo up
agent=
data=
for port in /sys/class/virtio-ports/*; do
    case $(cat "$port/name") in
        org.qemu.guest_agent.0) agent=/dev/${port##*/} ;;
        io.decamp.data) data=/dev/${port##*/} ;;
    esac
done
[ -z "$data" ] || ln -s "$data" /dev/data
[ -z "$agent" ] || qemu-ga --daemonize --method=virtio-serial --path="$agent" --statedir=/run --logfile=/run/qemu-ga.log
while :; do
    setsid sh /sbin/console </dev/ttyS0 >/dev/ttyS0 2>/dev/ttyS1
done
