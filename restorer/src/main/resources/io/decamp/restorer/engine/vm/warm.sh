# Runs in the guest as "sh -c THIS decamp": has criu find out what the kernel can do, which it remembers, before anything is frozen.
PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin:/usr/bin:/bin
command -v criu > /dev/null || {
    echo "error vm-no-criu there is no criu in the guest (looked in $PATH)"
    exit 1
}
criu check > /dev/null 2>&1
command -v blockdev > /dev/null && echo "blockdev 1"
echo "criu $(criu --version 2> /dev/null | head -n 1)"
