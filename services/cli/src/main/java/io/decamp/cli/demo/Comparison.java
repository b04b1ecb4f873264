package io.decamp.cli.demo;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.decamp.cli.Format;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;

/** The same move by Decamp and by plain CRIU, for people and for programs. */
record Comparison(Move decamp, Move criu) {
    private static final String ROW = "  %-42s %12s %12s %12s%n";

    @Override
    public String toString() {
        return row("", "Decamp", "plain CRIU", "Decamp's is")
                + millis("the container stood still (freeze)", decamp.freezeMillis(), criu.freezeMillis())
                + millis("the client was without an answer", decamp.downtimeMillis(), criu.downtimeMillis())
                + millis("from the event to a free node (eviction)", decamp.evictionMillis(), criu.evictionMillis())
                + bytes("crossed the link before the event", decamp.bytesBefore(), criu.bytesBefore())
                + bytes("crossed the link after the event", decamp.bytesAfter(), criu.bytesAfter());
    }

    private static String millis(String what, double decamp, double criu) {
        return row(what, text(decamp), text(criu), times(decamp, criu));
    }

    private static String text(double millis) {
        return Format.micros(Math.round(millis * 1e3));
    }

    private static String bytes(String what, long decamp, long criu) {
        return row(what, Format.bytes(decamp), Format.bytes(criu), criu == 0 ? "-" : times(decamp, criu));
    }

    private static String times(double decamp, double criu) {
        boolean less = decamp <= criu;
        double ratio = less ? criu / decamp : decamp / criu;
        return String.format(Locale.ROOT, ratio >= 10 ? "%.0fx %s" : "%.1fx %s", ratio, less ? "less" : "more");
    }

    private static String row(String what, String decamp, String criu, String ratio) {
        return String.format(Locale.ROOT, ROW, what, decamp, criu, ratio);
    }

    void write(Path file, boolean separate, List<Checks.Check> checks) throws IOException {
        ObjectNode root = new ObjectMapper().createObjectNode();
        root.put("scenario", "demo").put("separate", separate).put("dataBytes", Guest.DATA_BYTES);
        decamp.addTo(root.putObject("decamp"));
        criu.addTo(root.putObject("criu"));
        ArrayNode list = root.putArray("checks");
        checks.forEach(c -> list.addObject().put("what", c.what()).put("held", c.held()).put("found", c.found()));
        Files.writeString(file, root.toPrettyString() + "\n");
    }
}
