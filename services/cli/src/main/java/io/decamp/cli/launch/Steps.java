package io.decamp.cli.launch;

import java.io.PrintStream;
import java.util.Locale;

/** One line of progress per step, with the time it took. */
public final class Steps {
    private final PrintStream out;
    private long startNanos;

    public Steps(PrintStream out) {
        this.out = out;
    }

    public void start(String what) {
        startNanos = System.nanoTime();
        out.print("  " + what + " ... ");
        out.flush();
    }

    public void done(String result) {
        long millis = (System.nanoTime() - startNanos) / 1_000_000;
        out.println(result + (millis >= 1000 ? String.format(Locale.ROOT, " (%.1f s)", millis / 1e3) : ""));
    }
}
