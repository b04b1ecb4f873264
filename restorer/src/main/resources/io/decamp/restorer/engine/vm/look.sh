# Runs in the guest as "sh -c THIS decamp JOB INIT START": tells whether a copy is still held.
PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin:/usr/bin:/bin
while read -r device root type rest; do
    cgroup=$root/decamp/$1/copy
    [ "$type" = cgroup2 ] && [ -r "$cgroup/cgroup.events" ] || continue
    while read -r name value; do echo "$name $value"; done < "$cgroup/cgroup.events"
    while read -r pid; do [ "$pid" = "$2" ] && echo "member 1"; done < "$cgroup/cgroup.procs"
    break
done < /proc/mounts
if [ -r "/proc/$2/stat" ] && read -r stat < "/proc/$2/stat"; then
    set -- "$1" "$2" "$3" ${stat##*)}
    shift 3
    echo "state $1"
    echo "start ${20}"
fi
read -r boot < /proc/sys/kernel/random/boot_id
echo "boot $boot"
