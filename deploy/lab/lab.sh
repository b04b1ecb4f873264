#!/bin/sh
# Two nodes on one machine, alpha and beta, for the demo, the bench and the tests.
#
#   lab.sh up ID [--rate RATE] [--memory SIZE]    makes them; prints where they are
#   lab.sh down ID                                removes all that belongs to the lab; also after a crash; twice is fine
#   lab.sh exec ID NODE COMMAND...                runs a command inside a node
#   lab.sh link ID up|down|rate RATE|rate none    cuts the link, mends it, limits it (RATE as in tc: 1gbit)
#   lab.sh publish ID PORT                        127.0.0.1:PORT of this machine, as 127.0.0.1:PORT inside both nodes
#   lab.sh reach ID NODE NETNS PORT               127.0.0.1:PORT of a network namespace in a node, from this machine:
#                                                 prints the local port (NETNS: a path as the node sees it, or -)
#   lab.sh list                                   ids of all labs on this machine
#
# A node is a network, mount, PID and UTS namespace, with /proc, /run, /dev/shm and a memory directory of its own. Its init
# reaps orphans and outlives all services. The nodes are joined by one veth pair, link0, and by nothing else: what the
# control plane needs of this machine (the broker) comes in through a relay between network namespaces, so the
# counters of link0 are the data plane's. Addresses exist only inside these namespaces, so labs never collide.
set -eu

here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
labs=${DECAMP_LAB_HOME:-/var/lib/decamp/lab}
alpha_address=10.213.0.1
beta_address=10.213.0.2

stop() {
    printf 'lab: %s\n' "$*" >&2
    exit 2
}

failed() {
    printf 'lab: %s\n' "$*" >&2
    exit 1
}

# PIDs are used again, so every one that is kept is kept with its start time (proc_pid_stat(5), field 22).
start_time() {
    sed 's/.*) //' "/proc/$1/stat" 2>/dev/null | cut -d ' ' -f 20
}

remember() {
    printf '%s %s\n' "$1" "$(start_time "$1")"
}

# prints the PID that was remembered in file $1, nothing when that process is gone
remembered() {
    [ -r "$1" ] || return 0
    while read -r pid since; do
        if [ -n "$since" ] && [ "$(start_time "$pid")" = "$since" ]; then echo "$pid"; fi
    done <"$1"
}

init_of() {
    case $1 in alpha | beta) ;; *) stop "nodes are alpha and beta, not '$1'" ;; esac
    init=$(remembered "$lab/$1/init")
    [ -n "$init" ] || failed "node $1 of lab $id is not up"
    echo "$init"
}

# polls 20 s for a condition, a command that is run each 20 ms
wait_for() {
    attempts=1000
    while [ "$attempts" -gt 0 ]; do
        if "$@"; then return 0; fi
        attempts=$((attempts - 1))
        sleep 0.02
    done
    return 1
}

start_node() {
    mkdir -p "$lab/$1/state" "$lab/$1/memory" "$lab/$1/runc" "$lab/$1/containers"
    setsid unshare --net --mount --propagation private --pid --uts --fork \
        sh "$here/node-init.sh" "$1" "$lab/$1" "$memory" </dev/null >"$lab/$1/init.log" 2>&1 &
    launcher=$!
    if ! wait_for test -e "$lab/$1/ready"; then
        failed "node $1 did not start: $(cat "$lab/$1/init.log")"
    fi
    init=$(tr -d ' ' <"/proc/$launcher/task/$launcher/children")
    remember "$init" >"$lab/$1/init"
}

up() {
    rate='' memory=50%
    while [ $# -gt 0 ]; do
        case $1 in
            --rate) rate=${2:?} ;;
            --memory) memory=${2:?} ;;
            *) stop "up does not know $1" ;;
        esac
        shift 2
    done
    [ "$(id -u)" = 0 ] || stop "namespaces need root"
    [ ! -e "$lab" ] || stop "lab $id is there already; remove it with: $0 down $id"
    mkdir -p "$lab"
    # whatever goes wrong from here on leaves nothing behind
    trap 'down' EXIT
    trap 'exit 130' INT TERM
    start_node alpha
    start_node beta
    alpha=$(init_of alpha)
    beta=$(init_of beta)
    nsenter --target "$alpha" --net ip link add link0 type veth peer name link0 netns "$beta"
    for end in "$alpha $alpha_address" "$beta $beta_address"; do
        nsenter --target "${end% *}" --net ip address add "${end#* }/24" dev link0
        nsenter --target "${end% *}" --net ip link set link0 up
    done
    [ -z "$rate" ] || limit "$rate"
    trap - EXIT INT TERM
    describe
}

describe() {
    echo "lab $id $lab"
    echo "node alpha $(init_of alpha) $alpha_address /decamp-lab-$id/alpha"
    echo "node beta $(init_of beta) $beta_address /decamp-lab-$id/beta"
}

limit() {
    for node in alpha beta; do
        if [ "$1" = none ]; then
            nsenter --target "$(init_of $node)" --net tc qdisc del dev link0 root 2>/dev/null || true
        else
            nsenter --target "$(init_of $node)" --net \
                tc qdisc replace dev link0 root tbf rate "$1" burst 256kb latency 50ms
        fi
    done
}

link() {
    case $1 in
        up | down) nsenter --target "$(init_of alpha)" --net ip link set link0 "$1" ;;
        rate) limit "${2:?a rate, or none}" ;;
        *) stop "link knows up, down and rate, not '$1'" ;;
    esac
}

# The relay is small; compiled once per content.
relay_program() {
    program=$labs/.relay-$(sha256sum "$here/relay.c" | cut -c 1-16)
    if [ ! -x "$program" ]; then
        command -v gcc >/dev/null || stop "needs gcc to compile its relay"
        gcc -std=gnu11 -O2 -Wall -pthread -o "$program.$$" "$here/relay.c"
        mv "$program.$$" "$program"
    fi
    echo "$program"
}

# relay NAME LISTEN_NETNS LISTEN_PORT CONNECT_NETNS CONNECT_PORT: prints the port it listens on
relay() {
    name=$1
    shift
    program=$(relay_program)
    rm -f "$lab/relay-$name"
    setsid "$program" "$@" </dev/null >"$lab/relay-$name" 2>&1 &
    relay_pid=$!
    remember "$relay_pid" >>"$lab/relays"
    wait_for test -s "$lab/relay-$name" || failed "relay $name did not start"
    port=$(cat "$lab/relay-$name")
    case $port in *[!0-9]*) failed "relay $name: $port" ;; esac
    echo "$port"
}

publish() {
    for node in alpha beta; do
        relay "publish-$node-$1" "/proc/$(init_of $node)/ns/net" "$1" - "$1" >/dev/null
    done
}

reach() {
    init=$(init_of "$1")
    if [ "$2" = - ]; then netns=/proc/$init/ns/net; else netns=/proc/$init/root$2; fi
    [ -e "$netns" ] || failed "there is no network namespace $2 in node $1"
    relay "reach-$1-$3-$(echo "$2" | tr -c 'A-Za-z0-9\n' '_')" - 0 "$netns" "$3"
}

# all processes below $1, however deep
descendants() {
    for task in /proc/"$1"/task/*; do
        tr ' ' '\n' <"$task/children" 2>/dev/null | while read -r child; do
            [ -z "$child" ] || { echo "$child"; descendants "$child"; }
        done
    done
}

# directories of this machine's cgroup hierarchies
hierarchies() {
    if [ -e /sys/fs/cgroup/cgroup.controllers ]; then
        echo /sys/fs/cgroup
    else
        find /sys/fs/cgroup -mindepth 1 -maxdepth 1 -type d
    fi
}

# A frozen task does not die of SIGKILL before it is thawed.
thaw() {
    for directory in "$@"; do
        if [ -e "$directory/freezer.state" ]; then
            echo THAWED >"$directory/freezer.state" 2>/dev/null || true
        elif [ -e "$directory/cgroup.freeze" ]; then
            echo 0 >"$directory/cgroup.freeze" 2>/dev/null || true
        fi
    done
}

lab_cgroups() {
    hierarchies | while read -r hierarchy; do
        find "$hierarchy/decamp-lab-$id" -depth -type d 2>/dev/null || true
    done
}

# freezer cgroups, apart from the root, of the processes $@
freezers_of() {
    for pid in "$@"; do
        sed -n 's|^[0-9]*:freezer:\(/..*\)|/sys/fs/cgroup/freezer\1|p; s|^0::\(/..*\)|/sys/fs/cgroup/unified\1\n/sys/fs/cgroup\1|p' \
            "/proc/$pid/cgroup" 2>/dev/null || true
    done | sort -u
}

all_dead() {
    # shellcheck disable=SC2046,SC2086
    thaw $(lab_cgroups) $frozen
    for pid in $inits; do
        [ ! -e "/proc/$pid" ] || return 1
    done
}

down() {
    # half of it removed is worse than a slow end
    trap '' INT TERM
    trap - EXIT
    [ -d "$lab" ] || { remove_cgroups; return 0; }
    [ "$(id -u)" = 0 ] || stop "namespaces need root"
    inits="$(remembered "$lab/alpha/init") $(remembered "$lab/beta/init")"
    frozen=
    for pid in $inits; do
        # shellcheck disable=SC2046
        frozen="$frozen $(freezers_of $(descendants "$pid"))"
    done
    for pid in $(remembered "$lab/relays") $inits; do
        kill -9 "$pid" 2>/dev/null || true
    done
    wait_for all_dead || failed "processes of lab $id do not end: $inits"
    remove_cgroups
    awk -v under="$lab/" 'index($5, under) == 1 { print $5 }' /proc/self/mountinfo | sort -r | while read -r mount; do
        umount "$mount"
    done
    rm -rf --one-file-system "$lab"
}

cgroups_gone() {
    lab_cgroups | while read -r directory; do rmdir "$directory" 2>/dev/null || true; done
    [ -z "$(lab_cgroups)" ]
}

# a task leaves its cgroup a moment after it is gone from /proc
remove_cgroups() {
    wait_for cgroups_gone || failed "cgroups are left: $(lab_cgroups | tr '\n' ' ')"
}

[ $# -ge 1 ] || stop "see the head of $0"
command=$1
shift
if [ "$command" = list ]; then
    [ ! -d "$labs" ] || ls "$labs"
    exit 0
fi
id=${1:?the id of a lab}
case $id in *[!a-z0-9-]* | -*) stop "an id has lower-case letters, digits and hyphens, not '$id'" ;; esac
lab=$labs/$id
shift
case $command in
    up | down) "$command" "$@" ;;
    link | publish | reach)
        [ -d "$lab" ] || failed "there is no lab $id"
        "$command" "$@" ;;
    exec)
        init=$(init_of "${1:?a node}")
        shift
        exec nsenter --target "$init" --net --mount --pid --uts -- "$@" ;;
    *) stop "unknown command '$command'; see the head of $0" ;;
esac
