package io.decamp.cli;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.decamp.contracts.handoff.HandoffState;
import io.decamp.contracts.id.WorkloadId;
import io.decamp.contracts.page.PageRuns;
import io.decamp.contracts.v1.MigrationFailed;
import io.decamp.contracts.v1.NodeAnnounced;
import io.decamp.contracts.v1.PagesDirty;
import java.util.Collection;
import java.util.Locale;
import java.util.Map;

/** One workload in {@code status}. {@code epoch} is null when none was reported lately, so is {@code failure}. */
record StatusRow(WorkloadId id, HandoffState owner, PagesDirty epoch, MigrationFailed failure) {
    private static final String FORMAT = "%-28s %-10s %-22s %-10s %8s %10s %11s %9s  %s%n";

    static String toTable(Collection<StatusRow> rows) {
        if (rows.isEmpty()) {
            return "Nothing is protected.";
        }
        StringBuilder out = new StringBuilder(String.format(
                Locale.ROOT,
                FORMAT,
                "WORKLOAD",
                "NODE",
                "STATE",
                "STANDBY",
                "EPOCH",
                "TRACKED",
                "WRITTEN/s",
                "INTERVAL",
                "EVICTION NOW"));
        rows.forEach(r -> out.append(r.line()));
        return out.toString().stripTrailing();
    }

    private String line() {
        String node =
                switch (owner) {
                    case HandoffState.Unowned s -> "-";
                    case HandoffState.Owned s -> s.node().value();
                    case HandoffState.Offered s -> s.from().value();
                    case HandoffState.Taken s -> s.to().value();
                };
        if (epoch == null) {
            return String.format(Locale.ROOT, FORMAT, id, node, state(), "-", "-", "-", "-", "-", "-") + problem();
        }
        double bytesPerSecond = epoch.getPagesPerSecond() * PageRuns.PAGE_BYTES;
        return String.format(
                        Locale.ROOT,
                        FORMAT,
                        id,
                        node,
                        state(),
                        epoch.getStandby(),
                        epoch.getEpoch(),
                        Format.bytes(epoch.getTrackedBytes()),
                        Format.bytes(Math.round(bytesPerSecond)),
                        Format.micros(epoch.getIntervalMicros()),
                        "about " + Format.micros(epoch.getPredictedEvictionMicros()))
                + problem();
    }

    private String state() {
        return switch (owner) {
            case HandoffState.Unowned s -> "not found";
            case HandoffState.Owned s -> epoch == null ? "not shipped" : "protected";
            case HandoffState.Offered s -> "frozen, offered to " + s.to();
            case HandoffState.Taken s -> "taken from " + s.from();
        };
    }

    private String problem() {
        return failure == null
                ? ""
                : String.format("    %s at %s: %s%n    %s%n", failure.getCode(), failure.getStep(), failure.getReason(),
                        failure.getAdvice());
    }

    static String toJson(Map<String, NodeAnnounced> nodes, Collection<StatusRow> rows) {
        ObjectMapper mapper = new ObjectMapper();
        ObjectNode root = mapper.createObjectNode();
        ArrayNode nodeList = root.putArray("nodes");
        nodes.forEach((name, n) -> nodeList
                .addObject()
                .put("node", name)
                .put("dataAddress", n.getDataAddress())
                .put("freeBytes", n.getFreeBytes()));
        ArrayNode list = root.putArray("workloads");
        rows.forEach(r -> r.addTo(list.addObject()));
        return root.toPrettyString();
    }

    private void addTo(ObjectNode o) {
        o.put("workload", id.value()).put("state", state()).put("term", owner.term());
        switch (owner) {
            case HandoffState.Unowned s -> o.putNull("node");
            case HandoffState.Owned s -> o.put("node", s.node().value());
            case HandoffState.Offered s -> o.put("node", s.from().value()).put("offeredTo", s.to().value());
            case HandoffState.Taken s -> o.put("node", s.to().value()).put("takenFrom", s.from().value());
        }
        if (epoch != null) {
            o.put("standby", epoch.getStandby())
                    .put("epoch", epoch.getEpoch())
                    .put("trackedBytes", epoch.getTrackedBytes())
                    .put("pagesPerSecond", epoch.getPagesPerSecond())
                    .put("intervalMicros", epoch.getIntervalMicros())
                    .put("predictedEvictionMicros", epoch.getPredictedEvictionMicros());
        }
        if (failure != null) {
            o.putObject("failure")
                    .put("code", failure.getCode())
                    .put("step", failure.getStep())
                    .put("reason", failure.getReason())
                    .put("advice", failure.getAdvice())
                    .put("waitingFor", failure.getWaitingFor());
        }
    }
}
