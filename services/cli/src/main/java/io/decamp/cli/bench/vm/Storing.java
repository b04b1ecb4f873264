package io.decamp.cli.bench.vm;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.decamp.cli.bench.Median;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicBoolean;

/**
 * How long a client in the guest takes to store a fixed number of items in memcached there, while another process of
 * the guest is saved again and again, and while none is.
 */
final class Storing {
    private static final int PORT = 11_211;
    private static final int VALUE_BYTES = 1024;
    /** With as many threads of the server as the guest has processors: none of these is idle. */
    private static final int CONNECTIONS = 4;

    /** Enough to find the rate; the first ones are slower, as the server has no memory yet. */
    private static final int TRIAL_ITEMS = 2000;

    /** What happens meanwhile. */
    enum While {
        ALONE("alone"),
        IN_GUEST("while criu in the guest saves"),
        OUTSIDE("while it is saved out of band");

        private final String label;

        While(String label) {
            this.label = label;
        }

        String label() {
            return label;
        }
    }

    /** One measurement. @param saves of the other process that were completed or begun in that time */
    record Sample(While condition, double storedMillis, int saves) {}

    /** All measurements. @param mib of the process that was saved meanwhile */
    record Result(int items, int mib, List<Sample> samples) {
        double median(While condition) {
            return Median.of(of(condition).stream().mapToDouble(Sample::storedMillis));
        }

        /** How many times longer than alone. */
        double slower(While condition) {
            return median(condition) / median(While.ALONE);
        }

        /** How much longer it took for each save, so that who saves more often is not blamed for it. */
        double millisPerSave(While condition) {
            double alone = median(While.ALONE);
            return Median.of(of(condition).stream()
                    .mapToDouble(s -> (s.storedMillis() - alone) / Math.max(1, s.saves())));
        }

        double saves(While condition) {
            return Median.of(of(condition).stream().mapToDouble(Sample::saves));
        }

        private List<Sample> of(While condition) {
            return samples.stream().filter(s -> s.condition() == condition).toList();
        }

        void addTo(ObjectNode o) {
            o.put("items", items).put("connections", CONNECTIONS).put("valueBytes", VALUE_BYTES).put("savedMib", mib);
            samples.forEach(s -> o.withArray("runs")
                    .addObject()
                    .put("condition", s.condition().label())
                    .put("storedMillis", Saving.rounded(s.storedMillis()))
                    .put("saves", s.saves()));
            ObjectNode median = o.putObject("median");
            for (While condition : While.values()) {
                median.putObject(condition.label())
                        .put("storedMillis", Saving.rounded(median(condition)))
                        .put("slower", Saving.rounded(slower(condition)))
                        .put("saves", saves(condition))
                        .put("millisPerSave", Saving.rounded(condition == While.ALONE ? 0 : millisPerSave(condition)));
            }
        }

        @Override
        public String toString() {
            StringBuilder text = new StringBuilder(String.format(
                    Locale.ROOT,
                    "  memcached in the guest: time to store %,d items of %,d bytes%n",
                    items,
                    VALUE_BYTES));
            for (While condition : While.values()) {
                text.append(String.format(
                        Locale.ROOT, "    %-30s %8.0f ms", condition.label(), median(condition)));
                if (condition != While.ALONE) {
                    text.append(String.format(
                            Locale.ROOT,
                            "  %.2f times as long; %.0f saves of %d MiB meanwhile, %.0f ms for each",
                            slower(condition),
                            saves(condition),
                            mib,
                            millisPerSave(condition)));
                }
                text.append(System.lineSeparator());
            }
            return text.toString();
        }
    }

    private final Holder holder;
    private final OutsideSaver outside;

    Storing(Holder holder, OutsideSaver outside) {
        this.holder = holder;
        this.outside = outside;
    }

    /** @param seconds that storing is to take alone, about */
    Result run(int rounds, double seconds) {
        BenchGuest guest = holder.guest();
        String server = guest.run(
                "memcached -u root -l 127.0.0.1 -p " + PORT + " -m 64 -t 2 >/dev/null 2>&1 & echo $!");
        guest.awaitInGuest("-n \"$(netstat -ltn | grep 127.0.0.1:" + PORT + ")\"");
        try {
            stored(TRIAL_ITEMS);
            int items = (int) Math.max(TRIAL_ITEMS, TRIAL_ITEMS * seconds * 1e3 / stored(TRIAL_ITEMS));
            // the server's memory and QEMU's translations are there from now on
            stored(items);
            List<Sample> samples = new ArrayList<>();
            for (int round = 0; round < rounds; round++) {
                for (int i = 0; i < While.values().length; i++) {
                    samples.add(measure(While.values()[(round + i) % While.values().length], items));
                }
            }
            return new Result(items, holder.mib(), samples);
        } finally {
            guest.run("kill " + server);
            guest.awaitInGuest("! -e /proc/" + server);
        }
    }

    /** By the host's clock: the guest's stands still while its VM is paused. */
    private double stored(int items) {
        String words = String.join(" ", List.of("" + PORT, "" + CONNECTIONS, "" + items, "" + VALUE_BYTES));
        long begin = System.nanoTime();
        holder.guest().run("gueststore " + words);
        return (System.nanoTime() - begin) / 1e6;
    }

    private Sample measure(While condition, int items) {
        return switch (condition) {
            case ALONE -> new Sample(condition, stored(items), 0);
            case IN_GUEST -> {
                GuestCriu.Loop loop = GuestCriu.loop(holder);
                double millis = stored(items);
                yield new Sample(condition, millis, loop.end());
            }
            case OUTSIDE -> {
                AtomicBoolean goOn = new AtomicBoolean(true);
                CompletableFuture<Integer> saves = CompletableFuture.supplyAsync(() -> {
                    int n = 0;
                    for (; goOn.get(); n++) {
                        outside.save(holder.pid());
                    }
                    return n;
                });
                double millis;
                try {
                    millis = stored(items);
                } finally {
                    goOn.set(false);
                }
                yield new Sample(condition, millis, saves.join());
            }
        };
    }
}
