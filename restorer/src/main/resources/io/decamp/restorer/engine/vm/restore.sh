# Goes on where begin.sh ends, with its functions: $directory holds
#   job.sh      sets $job, $bytes and $standby, and defines spaces, requirements, sizes, placements and limits, made of calls of the
#               functions below
#   images      for criu; images/parent reads memory from the disks
#   gate.sh     criu's action script; it freezes the copy
#   contents    of the files that travel
# Prints "NAME VALUE" lines; "error CODE TEXT" is the last when it fails. What it leaves then, discard.sh removes.
now
unpacked=$uptime
cd "$directory" || fail vm-guest-directory "no $directory"
. ./job.sh

missing() {
    echo "missing $1"
    lacks=1
}

# space SERIAL N: a disk is the pages-N.img of the parent images
space() {
    await_disk "$1"
    [ -z "$standby" ] || forget_read
    ln -s "$disk" "images/parent/pages-$2.img" || fail vm-guest-directory "can't link pages-$2.img"
}

# need TEST PATH USER
need() {
    test "$1" "$2" || missing "$2 ($3)"
}

# size BYTES PATH
size() {
    found=$(stat -L -c %s -- "$2" 2> /dev/null)
    [ -z "$found" ] || [ "$found" = "$1" ] || missing "$2 with $1 bytes: it has $found"
}

# place NUMBER CONTENT PATH: what is there already and differs is put aside
place() {
    case $4 in
    check)
        [ -d "${3%/*}/" ] || missing "${3%/*} (directory of $3)"
        if { [ -e "$3" ] || [ -L "$3" ]; } && { [ ! -f "$3" ] || [ -L "$3" ]; }; then missing "$3 as a regular file"; fi
        ;;
    *)
        [ -e "$3" ] && cmp -s "$2" "$3" && return 0
        if [ -e "$3" ]; then
            : > "placed/$1.before" && mv -f "$3" "$3.decamp-before" || fail vm-guest-file "can't put $3 aside in the guest"
        fi
        : > "placed/$1.new" && cp -p "$2" "$3" || fail vm-guest-file "can't write $3 in the guest"
        ;;
    esac
}

# limit FILE VALUE: of the copy's cgroup; a kernel without some kind of limit has no file for it
limit() {
    [ -e "$cgroup/copy/$1" ] || case $2 in max* | 0) return ;; esac
    echo "$2" 2> /dev/null > "$cgroup/copy/$1" || fail vm-cgroup "$1 of the copy's cgroup can't be set to $2 in the guest"
}

# Controllers for the files of limits, from the root down.
controllers() {
    for controller; do
        for parent in "$root" "$root/decamp" "$cgroup"; do
            echo "+$controller" 2> /dev/null > "$parent/cgroup.subtree_control" ||
                fail vm-cgroup "controller $controller is not there for the copy's cgroup: see $parent/cgroup.controllers in the guest"
        done
    done
}

find_root() {
    while read -r device root type rest; do
        [ "$type" = cgroup2 ] && [ -w "$root/cgroup.procs" ] && return 0
    done < /proc/mounts
    return 1
}

enough_memory() {
    while read -r name kib rest; do
        if [ "$name" = MemAvailable: ]; then
            [ "$kib" -ge $((bytes / 1024)) ] || fail vm-guest-memory \
                "the copy needs $((bytes / 1024)) KiB, and the guest has $kib KiB available"
            return 0
        fi
    done < /proc/meminfo
}

command -v criu > /dev/null || fail vm-no-criu "there is no criu in the guest (looked in $PATH)"
enough_memory
spaces
lacks=
requirements
placements check
wanted=$(sizes wanted)
[ "$wanted" = "$(sizes found 2>&1)" ] || sizes each
[ -z "$lacks" ] || fail vm-files-missing "see above"

find_root || fail vm-no-cgroup2 "no cgroup v2 hierarchy is mounted in the guest, writable"
cgroup=$root/decamp/$job
# goes: cgroups of workloads that were released here and have left; those of a restore have a job beside the copy
for old in "$root"/decamp/*/copy; do
    [ -d "$old" ] && [ ! -d "${old%copy}job" ] && rmdir "$old" "${old%/copy}" 2> /dev/null
done
mkdir -p "$cgroup/job" "$cgroup/copy" || fail vm-cgroup "can't make $cgroup in the guest"
echo "cgroup $cgroup/copy"
controllers $(limits names)
mkdir placed || fail vm-guest-directory "can't make $directory/placed"
placements do
now
placed=$uptime

echo 0 > "$cgroup/job/cgroup.procs" || fail vm-cgroup "can't enter $cgroup/job in the guest"
DECAMP_RUN=$directory DECAMP_HOME=$cgroup/job DECAMP_CGROUP=$cgroup/copy DECAMP_FREEZER=$root DECAMP_VERSION=V2
export DECAMP_RUN DECAMP_HOME DECAMP_CGROUP DECAMP_FREEZER DECAMP_VERSION
criu restore --images-dir images --work-dir . --log-file restore.log -v2 --restore-detached \
    --action-script "$directory/gate.sh" --manage-cgroups=ignore --tcp-close --file-locks > criu.out 2>&1 < /dev/null
status=$?
now
restored=$uptime
if [ $status -ne 0 ]; then
    echo "status $status"
    while read -r line; do
        case $line in *Error\ \(* | *Warn\ \ \(*) echo "criu $line" ;; esac
    done < restore.log
    while read -r line; do echo "output $line"; done < criu.out
    [ $status -lt 128 ] || dmesg 2> /dev/null | grep -i "out of memory" | tail -n 1 | sed 's/^/output /'
    fail restore-failed "criu ended with status $status"
fi
init=
[ -r held ] && read -r init < held
[ -n "$init" ] || fail restore-failed "the copy could not be frozen before its first instruction"

# the copy is frozen: all of its processes are in the cgroup, and the kernel has stopped them
frozen=
while read -r name value; do [ "$name" = frozen ] && frozen=$value; done < "$cgroup/copy/cgroup.events"
[ "$frozen" = 1 ] || fail copy-escaped "the copy's cgroup is not frozen"
processes=0 inside=' '
while read -r pid; do
    inside="$inside$pid "
    processes=$((processes + 1))
done < "$cgroup/copy/cgroup.procs"
# one process for all links, as each takes milliseconds to start in a busy guest
links=$(ls -l /proc/[0-9]*/ns/pid 2> /dev/null)
namespace=${links#*"/proc/$init/ns/pid -> "}
[ "$namespace" != "$links" ] || fail copy-escaped "the copy's init $init is not there"
namespace=${namespace%%]*}
outside=
set -f
IFS='
'
for line in $links; do
    case $line in *"-> $namespace]")
        pid=${line#*/proc/}
        pid=${pid%%/*}
        case $inside in *" $pid "*) ;; *) outside="$outside $pid" ;; esac
        ;;
    esac
done
unset IFS
set +f
[ -z "$outside" ] || fail copy-escaped "processes outside the copy's cgroup:$outside"
limits set

read -r boot < /proc/sys/kernel/random/boot_id
read -r stat < "/proc/$init/stat"
set -- ${stat##*)}
now
echo "init $init"
echo "start ${20}"
echo "boot $boot"
echo "processes $processes"
echo "centiseconds.plug $((plugged - began))"
echo "centiseconds.unpack $((unpacked - plugged))"
echo "centiseconds.files $((placed - unpacked))"
echo "centiseconds.criu $((restored - placed))"
echo "centiseconds.hold $((uptime - restored))"
