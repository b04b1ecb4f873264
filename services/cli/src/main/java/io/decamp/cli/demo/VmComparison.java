package io.decamp.cli.demo;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.decamp.cli.Format;
import io.decamp.contracts.v1.EvictionTimes;
import io.decamp.contracts.v1.Phase;
import io.decamp.contracts.v1.Restored;
import io.decamp.testkit.vm.Accelerator;
import io.decamp.testkit.vm.InGuestCriu;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;

/** The same move from outside and by criu inside of the loaded guest, for people and for programs. */
record VmComparison(Accelerator accelerator, EvictionTimes times, Restored restored, InGuestCriu.Move criu) {
    private static final String ROW = "  %-50s %14s %16s%n";

    @Override
    public String toString() {
        StringBuilder text = new StringBuilder(row("", "from outside", "criu in guest"));
        text.append(row("last rounds, while it runs", micros(times.getRoundsMicros()), "-"));
        text.append(row("freezing it, while most of the rest is sent", micros(times.getFreezeMicros()), "in its dump"));
        text.append(row(
                "final delta, and its processes' state",
                micros(times.getFinalDeltaMicros()),
                millis(criu.dumpMillis())));
        for (Phase phase : restored.getPhasesList()) {
            boolean restore = phase.getName().equals("prepare");
            text.append(row(
                    (restore ? "restoring it" : "hand-off") + " (" + phase.getName() + ")",
                    micros(phase.getDurationMicros()),
                    restore ? millis(criu.restoreMillis()) : "-"));
        }
        text.append(row("it stood still", micros(restored.getFreezeMicros()), millis(criuMillis()) + " + copy"));
        text.append(row(
                "from the event to a free guest (eviction)",
                micros(times.getTotalMicros()),
                millis(criu.dumpMillis()) + " + copy"));
        text.append(row("shipped before the event", Format.bytes(restored.getBytesBefore()), Format.bytes(0)));
        text.append(row(
                "shipped after the event", Format.bytes(restored.getBytesAfter()), Format.bytes(criu.imageBytes())));
        return text.toString();
    }

    private double criuMillis() {
        return criu.dumpMillis() + criu.restoreMillis();
    }

    private static String micros(long micros) {
        return Format.micros(micros);
    }

    private static String millis(double millis) {
        return Format.micros(Math.round(millis * 1e3));
    }

    private static String row(String what, String outside, String inside) {
        return String.format(Locale.ROOT, ROW, what, outside, inside);
    }

    void write(Path file, List<Checks.Check> checks) throws IOException {
        ObjectNode root = new ObjectMapper().createObjectNode();
        root.put("scenario", "demo-vm").put("accelerator", accelerator.name());
        ObjectNode outside = root.putObject("outside");
        outside.put("roundsMicros", times.getRoundsMicros())
                .put("freezeMicros", times.getFreezeMicros())
                .put("finalDeltaMicros", times.getFinalDeltaMicros())
                .put("handOffMicros", times.getHandOffMicros())
                .put("downtimeMicros", restored.getFreezeMicros())
                .put("totalMicros", times.getTotalMicros())
                .put("bytesBefore", restored.getBytesBefore())
                .put("bytesAfter", restored.getBytesAfter());
        ObjectNode phases = outside.putObject("destinationPhasesMicros");
        restored.getPhasesList().forEach(p -> phases.put(p.getName(), p.getDurationMicros()));
        root.putObject("criuInGuest")
                .put("dumpMicros", Math.round(criu.dumpMillis() * 1e3))
                .put("restoreMicros", Math.round(criu.restoreMillis() * 1e3))
                .put("imageBytes", criu.imageBytes());
        ArrayNode list = root.putArray("checks");
        checks.forEach(c ->
                list.addObject().put("what", c.what()).put("held", c.held()).put("found", c.found()));
        Files.writeString(file, root.toPrettyString() + "\n");
    }
}
