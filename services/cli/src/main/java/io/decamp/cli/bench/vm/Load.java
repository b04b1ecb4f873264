package io.decamp.cli.bench.vm;

import java.util.List;
import java.util.Locale;

/** What else the guest does while a process of it is saved. */
enum Load {
    IDLE(""),
    /** Each of its two processors computes all the time. */
    CPU("--cpu 2"),
    /** Two pairs of processes pass data through pipes: system calls and context switches all the time. */
    PIPE("--pipe 2");

    /** Processes that compute or that write to pipes; {@link #PIPE}'s readers are not counted. */
    private static final int WORKERS = 2;

    private final String stressors;

    Load(String stressors) {
        this.stressors = stressors;
    }

    String label() {
        return name().toLowerCase(Locale.ROOT);
    }

    /** Returns once all of its processes are there. @return closing it ends it, and returns when they are gone */
    Running start(BenchGuest guest) {
        if (this == IDLE) {
            return () -> {};
        }
        String pid = guest.run("stress-ng " + stressors + " --timeout 0 >/dev/null 2>&1 & echo $!");
        guest.awaitInGuest("$(wc -w </proc/" + pid + "/task/" + pid + "/children) -ge " + WORKERS);
        return () -> {
            guest.run("kill " + pid);
            guest.awaitInGuest("! -e /proc/" + pid);
        };
    }

    static List<Load> named(List<String> labels) {
        return labels.stream().map(l -> valueOf(l.toUpperCase(Locale.ROOT))).toList();
    }

    /** A load that goes on until it is closed. */
    @FunctionalInterface
    interface Running extends AutoCloseable {
        @Override
        void close();
    }
}
