# Runs in the guest as "sh -c THIS decamp DIRECTORY SERIAL BYTES SECONDS": unpacks the job, so many bytes of the disk with that
# serial number, into a tmpfs of its own, and goes on with the job's restore.sh.
PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin:/usr/bin:/bin
export PATH
directory=$1 serial=$2 bytes=$3 seconds=$4

fail() {
    echo "error $1 $2"
    exit 1
}

# sets $uptime, in hundredths of a second, and $disk
now() {
    read -r uptime rest < /proc/uptime
    uptime=${uptime%.*}${uptime#*.}
}

find_disk() {
    for file in /sys/block/*/serial; do
        found=
        [ -r "$file" ] && { read -r found < "$file" || :; }
        disk=${file#/sys/block/}
        disk=/dev/${disk%/serial}
        [ "$found" = "$1" ] && [ -b "$disk" ] && return 0
    done
    return 1
}

await_disk() {
    now
    deadline=$((uptime + seconds * 100))
    until find_disk "$1"; do
        now
        [ "$uptime" -lt "$deadline" ] || fail vm-no-disk \
            "disk $1 did not appear in the guest within $seconds s; it needs the drivers virtio_pci and virtio_blk, and PCI hot-plug"
        sleep 0.01 2> /dev/null || sleep 1
    done
}

# What the guest may have read of the disk, when it looked for partitions, is older than what is there now.
forget_read() {
    blockdev --flushbufs "$disk" || fail vm-guest-disk "the guest can't be made to forget what it has read of $disk"
}

now
began=$uptime
mkdir -p "$directory" && mount -t tmpfs -o mode=700 decamp "$directory" ||
    fail vm-guest-directory "can't mount a tmpfs on $directory in the guest"
await_disk "$serial"
! command -v blockdev > /dev/null || forget_read
now
plugged=$uptime
head -c "$bytes" "$disk" | tar -xpf - -C "$directory" || fail vm-guest-directory "can't unpack the images into $directory in the guest"
. "$directory/restore.sh"
