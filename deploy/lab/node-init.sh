#!/bin/sh
# PID 1 of a lab node: node-init.sh NAME DIRECTORY MEMORY_SIZE. Makes the node's own mounts, then does nothing but reap: with
# SIGCHLD ignored, the kernel reaps orphans (a restored container is one) by itself.
set -eu
mount -t proc proc /proc
# criu keeps what it learned of the kernel in /run, and only when that is a tmpfs
mount -t tmpfs -o mode=755 tmpfs /run
mkdir -p /run/netns /run/lock /run/containers
# on disk, and at the same path in both nodes, as bundles are on real hosts
mount --bind "$2/containers" /run/containers
mount -t tmpfs -o mode=1777 tmpfs /dev/shm
mount -t tmpfs -o mode=700,size="$3" tmpfs "$2/memory"
echo "$1" >/proc/sys/kernel/hostname
ip link set lo up
: >"$2/ready"
trap '' CHLD
exec sleep infinity
