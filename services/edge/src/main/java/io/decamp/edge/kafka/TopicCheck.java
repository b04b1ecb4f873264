package io.decamp.edge.kafka;

import io.decamp.contracts.event.TopicSettings;
import io.decamp.contracts.v1.Finding;
import io.decamp.contracts.v1.Severity;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** What is too weak about a topic as it is. Pure. */
final class TopicCheck {
    /**
     * @param replicas the fewest of any partition
     * @param config in effect, defaults included
     */
    record Facts(int partitions, int replicas, Map<String, String> config) {
        String get(String setting) {
            return config.getOrDefault(setting, "");
        }
    }

    private final TopicSettings wanted;
    private final Facts facts;
    private final List<Finding> findings = new ArrayList<>();

    private TopicCheck(TopicSettings wanted, Facts facts) {
        this.wanted = wanted;
        this.facts = facts;
    }

    /** @param cluster there are brokers enough for replicas */
    static List<Finding> check(TopicSettings wanted, Facts facts, boolean cluster) {
        TopicCheck check = new TopicCheck(wanted, facts);
        check.partitions();
        check.cleanup();
        check.replicas(cluster);
        return check.findings;
    }

    private void partitions() {
        if (wanted.ordered() && facts.partitions() != wanted.partitions()) {
            add(
                    Severity.NOTE,
                    "topic-partitions",
                    "has " + facts.partitions() + " partitions; only partition 0 orders anything",
                    "Leave it; nothing is written to the others");
        }
    }

    private void cleanup() {
        boolean compacts = facts.get(TopicSettings.CLEANUP_POLICY).contains("compact");
        if (wanted.isRegister()) {
            require(!compacts, "handoff-compacted", TopicSettings.CLEANUP_POLICY, "delete");
            forever(TopicSettings.RETENTION_MS);
            forever(TopicSettings.RETENTION_BYTES);
            require(
                    facts.get(TopicSettings.UNCLEAN_ELECTION).equals("false"),
                    "handoff-unclean",
                    TopicSettings.UNCLEAN_ELECTION,
                    "false");
        } else if (!compacts
                && wanted.config().get(TopicSettings.CLEANUP_POLICY).equals("compact")) {
            add(
                    Severity.WARNING,
                    "topic-not-compacted",
                    "is not compacted: what is protected is forgotten when its records expire",
                    "Set " + TopicSettings.CLEANUP_POLICY + "=compact");
        }
    }

    private void forever(String setting) {
        require(facts.get(setting).equals(TopicSettings.FOREVER), "handoff-expires", setting, TopicSettings.FOREVER);
    }

    private void require(boolean holds, String code, String setting, String value) {
        if (!holds) {
            add(
                    Severity.BLOCKER,
                    code,
                    "has " + setting + "=" + facts.get(setting) + "; a lost record is a lost workload, or two of one",
                    "Set " + setting + "=" + value + " before any workload is protected");
        }
    }

    private void replicas(boolean cluster) {
        Severity severity = wanted.isRegister() ? Severity.BLOCKER : Severity.WARNING;
        if (cluster && facts.replicas() < TopicSettings.CLUSTER_REPLICATION) {
            add(
                    severity,
                    "topic-too-few-replicas",
                    "has " + facts.replicas() + " replicas where the cluster could keep "
                            + TopicSettings.CLUSTER_REPLICATION,
                    "Reassign its partitions with kafka-reassign-partitions");
        }
        int minInsync = parse(facts.get(TopicSettings.MIN_INSYNC));
        if (cluster && minInsync < TopicSettings.CLUSTER_MIN_INSYNC) {
            add(
                    severity,
                    "topic-acknowledged-by-one",
                    "has " + TopicSettings.MIN_INSYNC + "=" + minInsync + ": one broker's loss can undo what was read",
                    "Set " + TopicSettings.MIN_INSYNC + "=" + TopicSettings.CLUSTER_MIN_INSYNC);
        }
        if (!cluster && wanted.isRegister()) {
            add(
                    Severity.NOTE,
                    "handoff-one-copy",
                    "is on one broker: while that is away, a frozen workload stays frozen",
                    "Run a cluster of three brokers for workloads that matter");
        }
    }

    private static int parse(String number) {
        return number.matches("[0-9]{1,9}") ? Integer.parseInt(number) : 0;
    }

    private void add(Severity severity, String code, String what, String advice) {
        findings.add(Finding.newBuilder()
                .setSeverity(severity)
                .setCode(code)
                .setWhat("Topic " + wanted.topic() + " " + what)
                .setAdvice(advice)
                .build());
    }
}
