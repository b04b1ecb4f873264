#!/bin/sh
# Topics and access rules of Decamp for a Kafka cluster, made with Kafka's own tools.
#
#   topics.sh --print                                           what would be made, one topic per line
#   topics.sh create BOOTSTRAP [--command-config FILE]          makes the topics that are missing
#   topics.sh acls BOOTSTRAP [--command-config FILE] --node PRINCIPAL... [--requester PRINCIPAL...]
#
# kafka-topics and kafka-acls are looked for on PATH, with and without .sh. Nodes make missing topics by themselves where
# they may; a cluster that gives them no such right is prepared with this script. Settings must agree with
# io.decamp.contracts.event.TopicSettings; a test compares them.
#
# Why so: `handoff` decides which of two copies lives. It has one partition, because its order is its meaning; it is never
# compacted, because compaction keeps the last claim and the first one counts; it never expires, because then nobody would
# own anything. Its records are on two of three brokers before they are acknowledged, and a broker that missed some never
# becomes leader. Only nodes may write it.
set -eu

day=86400000
report="cleanup.policy=delete,retention.bytes=268435456,unclean.leader.election.enable=false,min.insync.replicas=2"
compacted="cleanup.policy=compact,unclean.leader.election.enable=false,min.insync.replicas=2"

# name partitions settings
topics() {
    cat <<END
migration-requested 4 $report,retention.ms=$((7 * day))
pages-dirty 4 $report,retention.ms=$day
snapshot-ready 4 $report,retention.ms=$((7 * day))
restored 4 $report,retention.ms=$((35 * day))
migration-failed 4 $report,retention.ms=$((35 * day))
handoff 1 cleanup.policy=delete,retention.ms=-1,retention.bytes=-1,unclean.leader.election.enable=false,min.insync.replicas=2
workloads 1 $compacted
nodes 1 $compacted,segment.ms=600000
migration-progress 4 $report,retention.ms=$day
evictions 4 $report,retention.ms=$((35 * day))
evacuations 1 $compacted,segment.ms=600000
decamp-dead-letter 1 $report,retention.ms=$((35 * day))
END
}

stop() {
    printf 'topics: %s\n' "$*" >&2
    exit 2
}

tool() {
    command -v "$1" || command -v "$1.sh" || stop "$1 is not on PATH: it is in the bin directory of Kafka"
}

create() {
    kafka_topics=$(tool kafka-topics)
    topics | while read -r name partitions settings; do
        set -- --bootstrap-server "$bootstrap" --create --if-not-exists --topic "$name" \
            --partitions "$partitions" --replication-factor 3
        [ -z "$command_config" ] || set -- "$@" --command-config "$command_config"
        for setting in $(echo "$settings" | tr ',' ' '); do
            set -- "$@" --config "$setting"
        done
        "$kafka_topics" "$@" </dev/null
    done
}

# allow PRINCIPAL WORDS...
allow() {
    principal=$1
    shift
    [ -z "$command_config" ] || set -- "$@" --command-config "$command_config"
    "$kafka_acls" --bootstrap-server "$bootstrap" --add --allow-principal "$principal" "$@" </dev/null
}

# Nodes read and write everything of Decamp's. Requesters (monitoring, re-balancers, operators) write requests and wishes and
# read what became of them; `handoff` they may read, so that ./decamp status works, and never write.
acls() {
    kafka_acls=$(tool kafka-acls)
    for principal in $nodes; do
        for name in $(topics | cut -d ' ' -f 1); do
            allow "$principal" --operation Read --operation Write --operation Describe --operation DescribeConfigs \
                --topic "$name"
        done
        allow "$principal" --operation Read --resource-pattern-type prefixed --group decamp
        allow "$principal" --operation IdempotentWrite --cluster
    done
    for principal in $requesters; do
        for name in migration-requested workloads; do
            allow "$principal" --operation Read --operation Write --operation Describe --topic "$name"
        done
        for name in pages-dirty snapshot-ready restored migration-failed handoff nodes migration-progress evictions \
            evacuations; do
            allow "$principal" --operation Read --operation Describe --topic "$name"
        done
        allow "$principal" --operation IdempotentWrite --cluster
    done
}

[ $# -gt 0 ] || stop "see the head of $0"
action=$1
shift
case $action in
    --print) topics; exit 0 ;;
    create | acls) ;;
    *) stop "unknown action '$action'; see the head of $0" ;;
esac
bootstrap=${1:?HOST:PORT of a broker}
shift
command_config='' nodes='' requesters=''
while [ $# -gt 0 ]; do
    case $1 in
        --command-config) command_config=${2:?a file} ;;
        --node) nodes="$nodes ${2:?a principal, such as User:CN=alpha}" ;;
        --requester) requesters="$requesters ${2:?a principal}" ;;
        *) stop "unknown option $1" ;;
    esac
    shift 2
done
[ "$action" = create ] || [ -n "$nodes" ] || stop "acls needs at least one --node PRINCIPAL"
"$action"
