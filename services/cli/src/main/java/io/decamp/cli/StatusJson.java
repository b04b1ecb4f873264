package io.decamp.cli;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.MessageOrBuilder;
import com.google.protobuf.util.JsonFormat;
import io.decamp.contracts.handoff.HandoffState;
import io.decamp.contracts.v1.NodeAnnounced;
import io.decamp.contracts.v1.PagesDirty;
import java.util.Collection;
import java.util.Map;

/** {@code status --json}. Fields of messages have the names of their protobuf JSON form. */
final class StatusJson {
    private static final ObjectMapper MAPPER = new ObjectMapper();

    private StatusJson() {}

    /** @param whole adds the last epoch with all that was learned, which is long */
    static String of(Map<String, NodeAnnounced> nodes, Collection<StatusRow> rows, boolean whole) {
        ObjectNode root = MAPPER.createObjectNode();
        ArrayNode nodeList = root.putArray("nodes");
        nodes.forEach((name, n) -> nodeList
                .addObject()
                .put("node", name)
                .put("dataAddress", n.getDataAddress())
                .put("freeBytes", n.getFreeBytes()));
        ArrayNode list = root.putArray("workloads");
        rows.forEach(row -> add(row, list.addObject(), whole));
        return root.toPrettyString();
    }

    private static void add(StatusRow row, ObjectNode o, boolean whole) {
        o.put("workload", row.id().value()).put("state", row.state()).put("term", row.owner().term());
        switch (row.owner()) {
            case HandoffState.Unowned s -> o.putNull("node");
            case HandoffState.Owned s -> o.put("node", s.node().value());
            case HandoffState.Offered s -> o.put("node", s.from().value()).put("offeredTo", s.to().value());
            case HandoffState.Taken s -> o.put("node", s.to().value()).put("takenFrom", s.from().value());
        }
        PagesDirty epoch = row.epoch();
        if (epoch != null) {
            o.put("standby", epoch.getStandby())
                    .put("epoch", epoch.getEpoch())
                    .put("trackedBytes", epoch.getTrackedBytes())
                    .put("pagesPerSecond", epoch.getPagesPerSecond())
                    .put("intervalMicros", epoch.getIntervalMicros())
                    .put("predictedEvictionMicros", epoch.getPredictedEvictionMicros());
            o.set("objective", tree(epoch.getObjective()));
            if (whole) {
                o.set("lastEpoch", tree(epoch));
            }
        }
        if (row.errors().count() > 0) {
            o.putObject("prediction")
                    .put("evictions", row.errors().count())
                    .put("medianError", row.errors().median());
        }
        if (row.move() != null) {
            o.set("move", tree(row.move()));
        }
        if (row.failure() != null) {
            o.putObject("failure")
                    .put("code", row.failure().getCode())
                    .put("step", row.failure().getStep())
                    .put("reason", row.failure().getReason())
                    .put("advice", row.failure().getAdvice())
                    .put("waitingFor", row.failure().getWaitingFor());
        }
    }

    private static JsonNode tree(MessageOrBuilder message) {
        try {
            return MAPPER.readTree(JsonFormat.printer().alwaysPrintFieldsWithNoPresence().print(message));
        } catch (InvalidProtocolBufferException | JsonProcessingException e) {
            throw new IllegalStateException("A message that was read can be printed", e);
        }
    }
}
