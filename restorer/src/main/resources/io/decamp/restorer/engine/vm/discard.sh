# Runs in the guest as "sh -c THIS decamp DIRECTORY JOB SECONDS": kills a copy that was not released, without an instruction of it,
# and takes back what its restore has done. Does no harm when there is nothing left of it.
PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin:/usr/bin:/bin
directory=$1 job=$2 seconds=$3

fail() {
    echo "error $1 $2"
    exit 1
}

now() {
    read -r uptime rest < /proc/uptime
    uptime=${uptime%.*}${uptime#*.}
}

# a frozen task of cgroup v2 dies of SIGKILL as it is
kill_all() {
    echo 1 2> /dev/null > "$1/cgroup.kill" && return
    while read -r pid; do kill -9 "$pid"; done < "$1/copy/cgroup.procs"
    while read -r pid; do kill -9 "$pid"; done < "$1/job/cgroup.procs"
}

populated() {
    while read -r name value; do
        [ "$name$value" = populated1 ] && return 0
    done < "$1/cgroup.events"
    return 1
}

while read -r device root type rest; do
    [ "$type" = cgroup2 ] && [ -d "$root/decamp/$job" ] || continue
    cgroup=$root/decamp/$job
    now
    deadline=$((uptime + seconds * 100))
    while populated "$cgroup"; do
        kill_all "$cgroup" 2> /dev/null
        now
        [ "$uptime" -lt "$deadline" ] || fail kill-timeout "processes in $cgroup in the guest do not die within $seconds s"
        populated "$cgroup" && { sleep 0.01 2> /dev/null || sleep 1; }
    done
    for each in "$cgroup/copy" "$cgroup/job" "$cgroup"; do
        [ ! -d "$each" ] || rmdir "$each" || fail vm-cgroup "can't remove $each in the guest"
    done
done < /proc/mounts

place() {
    if [ -e "placed/$1.new" ]; then rm -f "$3" || fail vm-guest-file "can't remove $3 in the guest"; fi
    if [ -e "placed/$1.before" ] && [ -e "$3.decamp-before" ]; then
        mv -f "$3.decamp-before" "$3" || fail vm-guest-file "can't put $3 back in the guest"
    fi
}

if [ -d "$directory" ]; then
    if cd "$directory" && [ -d placed ] && [ -r job.sh ]; then
        . ./job.sh
        placements undo
    fi
    cd /
    umount -l "$directory" 2> /dev/null
    rmdir "$directory" || fail vm-guest-directory "can't remove $directory in the guest"
fi
echo "discarded $job"
