package io.decamp.cli.demo;

import java.io.PrintStream;
import java.util.ArrayList;
import java.util.List;

/** What must be true, each said with what was found. One that does not hold does not stop the others. */
final class Checks {
    private final PrintStream out;
    private final List<Check> all = new ArrayList<>();

    /** @param found the evidence, whether it held or not */
    record Check(String what, boolean held, String found) {
        @Override
        public String toString() {
            return (held ? "  [ ok ] " : "  [FAIL] ") + what + ": " + found;
        }
    }

    Checks(PrintStream out) {
        this.out = out;
    }

    void expect(String what, boolean held, String found) {
        Check check = new Check(what, held, found);
        all.add(check);
        out.println(check);
    }

    List<Check> all() {
        return List.copyOf(all);
    }

    private List<Check> broken() {
        return all.stream().filter(c -> !c.held()).toList();
    }

    /** Says at the end whether all held. */
    boolean verdict() {
        List<Check> broken = broken();
        out.println();
        if (broken.isEmpty()) {
            out.println("Every check held: " + all.size() + " of " + all.size() + ".");
            return true;
        }
        out.println(broken.size() + " of " + all.size() + " checks did not hold:");
        broken.forEach(out::println);
        return false;
    }
}
