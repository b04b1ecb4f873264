package io.decamp.cli.bench;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.List;
import java.util.Locale;

/**
 * A figure that must hold.
 *
 * @param atLeast true: the value must not be below the bound; false: not above
 * @param unit of value and bound, for people
 * @param note what else there is to say of it, such as what no method can do better; may be empty
 */
public record Target(String what, double value, boolean atLeast, double bound, String unit, String note) {
    public static Target atMost(String what, double value, double bound, String unit, String note) {
        return new Target(what, value, false, bound, unit, note);
    }

    public static Target atLeast(String what, double value, double bound, String unit, String note) {
        return new Target(what, value, true, bound, unit, note);
    }

    public static void print(List<Target> targets, boolean quick) {
        System.out.println(quick ? "  Too small and too short to prove anything:" : "  What must hold:");
        targets.forEach(System.out::println);
    }

    /** What was not measured is not met. */
    public boolean met() {
        return atLeast ? value >= bound : value <= bound;
    }

    public void addTo(ObjectNode o) {
        o.put("what", what).put("must", (atLeast ? ">= " : "<= ") + number(bound) + unit);
        if (Double.isNaN(value)) {
            o.putNull("value");
        } else {
            o.put("value", Math.round(value * 1e4) / 1e4);
        }
        o.put("met", met());
        if (!note.isEmpty()) {
            o.put("note", note);
        }
    }

    private static String number(double value) {
        return String.format(Locale.ROOT, value == Math.rint(value) ? "%.0f" : Math.abs(value) < 10 ? "%.2f" : "%.1f", value);
    }

    @Override
    public String toString() {
        return String.format(
                Locale.ROOT,
                "  %-6s %s: %s%s, must be %s %s%s%s",
                met() ? "met" : "MISSED",
                what,
                number(value),
                unit,
                atLeast ? "at least" : "at most",
                number(bound),
                unit,
                note.isEmpty() ? "" : " (" + note + ")");
    }
}
