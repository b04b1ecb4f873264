package io.decamp.requesters.alerts;

import io.decamp.contracts.error.DecampException;
import io.decamp.contracts.id.NodeId;
import io.decamp.contracts.id.WorkloadId;
import io.decamp.contracts.v1.MigrationRequested;
import io.decamp.contracts.v1.Reason;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Decides what an alert asks for. A firing alert is a failure prediction when it has the label {@code decamp_node},
 * or the label {@code decamp="failure-predicted"}, and then its {@code instance} says the node: no other alert moves
 * anything, however it got here. What must be there and is not, or can't be read, is refused by name.
 */
final class AlertJudge {
    static final String MARK = "decamp";
    static final String MARK_VALUE = "failure-predicted";
    static final String NODE = "decamp_node";
    static final String WORKLOAD = "decamp_workload";
    static final String LEAD_TIME = "decamp_lead_time";

    private static final Pattern PROBABILITY =
            Pattern.compile("([0-9]{1,20}(?:\\.[0-9]{1,30})?(?:[eE][+-]?[0-9]{1,3})?) ?(%)?");
    private static final int PERCENT = 100;
    /** Of a note; it is for people. */
    private static final int MAX_NOTE_CHARS = 512;

    private final AlertPolicy policy;
    private final Clock clock;

    AlertJudge(AlertPolicy policy, Clock clock) {
        this.policy = policy;
        this.clock = clock;
    }

    /**
     * @param nodes that have announced themselves
     * @throws DecampException {@code alert-malformed}, {@code unknown-node}, {@code bad-node}, {@code bad-workload}
     */
    Verdict judge(Alert alert, Set<String> nodes) {
        if (!alert.firing()) {
            return new Verdict.Nothing("is resolved");
        }
        boolean marked = MARK_VALUE.equals(alert.labels().get(MARK));
        if (!marked && alert.labels().get(NODE) == null) {
            return new Verdict.Nothing("has neither label " + NODE + " nor " + MARK + "=\"" + MARK_VALUE + "\"");
        }
        NodeId node = node(alert, nodes);
        String workload = alert.said(WORKLOAD);
        double probability = probability(alert);
        if (probability < policy.minProbability()) {
            return new Verdict.Nothing("has a probability of " + probability + ", below " + policy.minProbability());
        }
        Instant now = clock.instant();
        MigrationRequested request = MigrationRequested.newBuilder()
                .setNode(node.value())
                .setWorkload(workload == null ? "" : WorkloadId.of(workload, node).value())
                .setReason(Reason.FAILURE_PREDICTED)
                .setProbability(probability)
                .setDeadlineUnixMillis(deadline(alert, now))
                .setValidUntilUnixMillis(now.plus(policy.validFor()).toEpochMilli())
                .setNote(note(alert))
                .build();
        return new Verdict.Ask(id(alert), request);
    }

    /** One occurrence of one alert: a repetition has the same start, another occurrence has another. */
    static String id(Alert alert) {
        return "alert-" + alert.fingerprint() + "-" + alert.startsAt().toEpochMilli();
    }

    private NodeId node(Alert alert, Set<String> nodes) {
        String named = alert.labels().get(NODE);
        NodeId node = named == null ? mapped(alert, nodes) : new NodeId(named.strip());
        if (!nodes.contains(node.value())) {
            throw DecampException.refused(
                    "unknown-node",
                    alert + " is about node " + node + ", which has not announced itself",
                    "Known: " + nodes);
        }
        return node;
    }

    private NodeId mapped(Alert alert, Set<String> nodes) {
        String instance = alert.labels().get("instance");
        if (instance == null || instance.isBlank()) {
            throw malformed(alert, "names no node", "Give its rule a label " + NODE + ", or let it keep instance");
        }
        String host = host(instance);
        NodeId node = policy.nodesByInstance().getOrDefault(instance, policy.nodesByInstance().get(host));
        if (node == null && nodes.contains(host)) {
            node = new NodeId(host);
        }
        if (node == null) {
            throw DecampException.refused(
                    "unknown-node",
                    alert + " is about instance " + instance + ", which is no node's",
                    "Map it: --map " + host + "=NODE, where NODE is one of " + nodes);
        }
        return node;
    }

    /** Without a port, and without the brackets of an IPv6 address. */
    private static String host(String instance) {
        String host = instance.replaceFirst(":[0-9]+$", "");
        return host.startsWith("[") && host.endsWith("]") ? host.substring(1, host.length() - 1) : host;
    }

    private double probability(Alert alert) {
        String text = alert.said(policy.probabilityName());
        if (text == null) {
            if (policy.minProbability() > 0) {
                throw malformed(
                        alert,
                        "names no probability, and " + policy.minProbability() + " is the least that is acted on",
                        "Give its rule a label or annotation " + policy.probabilityName());
            }
            return 0;
        }
        Matcher number = PROBABILITY.matcher(text);
        double probability = number.matches() ? Double.parseDouble(number.group(1)) : Double.NaN;
        probability = number.matches() && number.group(2) != null ? probability / PERCENT : probability;
        if (!(probability >= 0 && probability <= 1)) {
            throw malformed(
                    alert,
                    "has " + policy.probabilityName() + " '" + cut(text, MAX_NOTE_CHARS / 8) + "'",
                    "Write a number from 0 to 1, or from 0% to 100%");
        }
        return probability;
    }

    /** 0 when it is not said or has passed: the node is still there, so that it is no deadline for anybody. */
    private static long deadline(Alert alert, Instant now) {
        String text = alert.said(LEAD_TIME);
        if (text == null) {
            return 0;
        }
        Duration lead = LeadTime.parse(text)
                .orElseThrow(() -> malformed(
                        alert,
                        "has " + LEAD_TIME + " '" + cut(text, MAX_NOTE_CHARS / 8) + "'",
                        "Write a duration such as 90m or 1d12h, or seconds"));
        Instant deadline = alert.startsAt().plus(lead);
        return deadline.isAfter(now) ? deadline.toEpochMilli() : 0;
    }

    private static String note(Alert alert) {
        String summary = alert.said("summary");
        String what = summary != null ? summary : alert.said("description");
        String name = alert.labels().getOrDefault("alertname", "alert");
        return cut(what == null ? name : name + ": " + what, MAX_NOTE_CHARS);
    }

    private static String cut(String text, int chars) {
        return text.length() <= chars ? text : text.substring(0, chars);
    }

    private static DecampException malformed(Alert alert, String what, String advice) {
        return DecampException.refused("alert-malformed", alert + " " + what, advice);
    }
}
