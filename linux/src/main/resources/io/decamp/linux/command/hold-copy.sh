#!/bin/sh
# Action script of a criu restore (criu(8), --action-script): the copy is frozen when all of it is there and none of it has
# run, and needs no helper from then on.
#   DECAMP_RUN      directory that gets the files "cgroup", with the path of the copy's cgroup, and "held", with the PID of
#                   its init
#   DECAMP_HOME     cgroup directory of the service, where criu and this script go before the copy's is frozen
#   DECAMP_CGROUP   cgroup directory that the copy is to be made in; not set where a runtime has put it somewhere
#   DECAMP_FREEZER  root directory of the hierarchy
#   DECAMP_VERSION  V1 (freezer.state) or V2 (cgroup.freeze)

# sets $path to the cgroup of the copy's init, and $cgroup to its directory
find_cgroup() {
    while IFS=: read -r id controllers path; do
        case $DECAMP_VERSION:,$controllers, in
        V1:*,freezer,* | V2:,,) cgroup=$DECAMP_FREEZER$path; [ "$path" != / ]; return ;;
        esac
    done < "/proc/$CRTOOLS_INIT_PID/cgroup"
    return 1
}

freeze_v1() {
    echo FROZEN > "$cgroup/freezer.state" || return 1
    while read -r state < "$cgroup/freezer.state"; do
        [ "$state" = FROZEN ] && return 0
    done
    return 1
}

freeze_v2() {
    echo 1 > "$cgroup/cgroup.freeze" || return 1
    while [ -e "$cgroup/cgroup.events" ]; do
        while read -r key value; do
            [ "$key$value" = frozen1 ] && return 0
        done < "$cgroup/cgroup.events"
    done
    return 1
}

hold() {
    find_cgroup || return 1
    echo "$PPID" > "$DECAMP_HOME/cgroup.procs" || return 1
    echo $$ > "$DECAMP_HOME/cgroup.procs" || return 1
    case $DECAMP_VERSION in
    V1) freeze_v1 ;;
    V2) freeze_v2 ;;
    *) return 1 ;;
    esac || return 1
    echo "$CRTOOLS_INIT_PID" > "$DECAMP_RUN/held"
}

case $CRTOOLS_SCRIPT_ACTION in
pre-restore)
    [ -z "$DECAMP_CGROUP" ] || echo "$PPID" > "$DECAMP_CGROUP/cgroup.procs"
    exit ;;
setup-namespaces)
    find_cgroup && echo "$path" > "$DECAMP_RUN/cgroup"
    exit ;;
pre-resume)
    # criu ignores a failure at this stage and would let the copy run
    hold || kill -9 "$CRTOOLS_INIT_PID" ;;
esac
exit 0
