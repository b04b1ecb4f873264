package io.decamp.cli;

import io.decamp.contracts.handoff.HandoffState;
import io.decamp.contracts.id.WorkloadId;
import io.decamp.contracts.page.PageRuns;
import io.decamp.contracts.v1.MigrationFailed;
import io.decamp.contracts.v1.MigrationProgress;
import io.decamp.contracts.v1.Objective;
import io.decamp.contracts.v1.PagesDirty;
import java.util.Collection;
import java.util.Locale;

/**
 * One workload in {@code status}. {@code epoch} is null when none was reported lately, so are {@code failure} and
 * {@code move}.
 */
record StatusRow(
        WorkloadId id,
        HandoffState owner,
        PagesDirty epoch,
        MigrationFailed failure,
        MigrationProgress move,
        PredictionErrors errors) {
    private static final String FORMAT = "%-28s %-10s %-22s %-10s %8s %10s %11s %9s  %-32s %s%n";

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
                "EVICTION NOW",
                "OFF SO FAR"));
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
            return String.format(Locale.ROOT, FORMAT, id, node, state(), "-", "-", "-", "-", "-", "-", errors)
                    + moving()
                    + problem();
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
                        prediction(),
                        errors)
                + unattainable()
                + moving()
                + problem();
    }

    private String prediction() {
        String about = "about " + Format.micros(epoch.getPredictedEvictionMicros());
        String within = Format.micros(epoch.getObjective().getEvictWithinMicros());
        return switch (epoch.getObjective().getState()) {
            case ATTAINED -> about + ", within " + within;
            case NOT_ATTAINABLE -> about + ", NOT within " + within;
            case LEARNING -> about + ", learning";
            default -> about;
        };
    }

    private String unattainable() {
        return epoch.getObjective().getState() == Objective.State.NOT_ATTAINABLE
                ? "    " + epoch.getObjective().getReason() + System.lineSeparator()
                : "";
    }

    private String moving() {
        return move == null
                ? ""
                : String.format(
                        Locale.ROOT,
                        "    moving to %s: %s, %.0f %%, %s/s, %s to go (migration %s)%n",
                        move.getDestination(),
                        move.getStep(),
                        100 * move.getShare(),
                        Format.bytes(move.getBytesPerSecond()),
                        Format.micros(move.getEtaMicros()),
                        move.getMigration());
    }

    String state() {
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
}
