package io.decamp.introspector.engine.vm.files;

import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.management.ThreadMXBean;
import io.decamp.contracts.error.DecampException;
import io.decamp.introspector.engine.vm.guest.GuestFault;
import io.decamp.testkit.Host;
import io.decamp.testkit.vm.GuestSpec;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * A guest that lies about its files: wherever reading them looks, the memory is damaged. Each attempt ends soon, with
 * little memory, in images, findings or a named error.
 */
class HostileFilesTest {
    /** More by {@code -Ddecamp.fuzz.rounds}. */
    private static final int ROUNDS = Integer.getInteger("decamp.fuzz.rounds", 400);

    /** Generous for a loaded machine: 1 GiB of a file that is nothing but holes may have to be written. */
    private static final long LIMIT_NANOS = 20_000_000_000L;

    private static final long LIMIT_BYTES = 512L << 20;
    private static final ThreadMXBean THREADS = (ThreadMXBean) ManagementFactory.getThreadMXBean();

    @Test
    void shouldEndInImagesOrInANamedError(@TempDir Path work) throws Exception {
        Host.requireGuests();
        try (OpenFilesGuest guest = new OpenFilesGuest(GuestSpec.named("hostile").withMemoryMib(256))) {
            List<Integer> pids = guest.start("opener", "/tmp/hostile");
            try (CopiedGuest copy = guest.copy()) {
                OpenFilesReading reading = new OpenFilesReading(copy.kernel, pids);
                copy.watch(() -> reading.capture(directory(work, 0)));
                int[] outcomes = new int[3];

                for (int round = 1; round <= ROUNDS; round++) {
                    long seed = 7_000_000L + round;
                    copy.damage(new Random(seed), 1 << round % 8);
                    Path to = directory(work, round);
                    outcomes[bounded(seed, () -> {
                        if (to.getFileName().toString().endsWith("0")) {
                            reading.capture(to);
                            return 0;
                        }
                        return reading.check().isEmpty() ? 0 : 1;
                    })]++;
                    copy.repair();
                }

                System.out.println(copy.pages() + " pages: " + outcomes[0] + " whole, " + outcomes[1] + " findings, "
                        + outcomes[2] + " errors");
                assertTrue(outcomes[0] + outcomes[1] > ROUNDS / 20 && outcomes[2] > ROUNDS / 20, "all the same");
            }
        }
    }

    private interface Reading {
        int outcome();
    }

    private static Path directory(Path work, int round) {
        try {
            return Files.createDirectory(work.resolve("round" + round));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static int bounded(long seed, Reading reading) {
        long thread = Thread.currentThread().threadId();
        long bytes = THREADS.getThreadAllocatedBytes(thread);
        long begin = System.nanoTime();
        int outcome;
        try {
            outcome = reading.outcome();
        } catch (GuestFault | DecampException e) {
            outcome = 2;
        } catch (RuntimeException | Error e) {
            throw new AssertionError("seed " + seed + " ends in " + e, e);
        }
        assertTrue(System.nanoTime() - begin < LIMIT_NANOS, "seed " + seed + " took too long");
        long allocated = THREADS.getThreadAllocatedBytes(thread) - bytes;
        assertTrue(allocated < LIMIT_BYTES, "seed " + seed + " took " + allocated + " bytes");
        return outcome;
    }
}
