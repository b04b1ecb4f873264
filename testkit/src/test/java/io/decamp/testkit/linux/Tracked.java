package io.decamp.testkit.linux;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.decamp.linux.abi.UffdAbi;
import io.decamp.linux.pagemap.PageMapScanner;
import io.decamp.linux.pagemap.PageMapScanner.Outcome;
import io.decamp.linux.pagemap.ScanRequest;
import io.decamp.linux.ptrace.UserFaultFdInjector;
import io.decamp.linux.uffd.UserFaultFd;
import io.decamp.testkit.Victim;
import java.util.ArrayList;
import java.util.List;

/** A victim whose writes are tracked. */
final class Tracked implements AutoCloseable {
    static final long FEATURES = UffdAbi.UFFD_FEATURE_WP_ASYNC
            | UffdAbi.UFFD_FEATURE_WP_UNPOPULATED
            | UffdAbi.UFFD_FEATURE_PAGEFAULT_FLAG_WP;

    private final UserFaultFd uffd;
    private final PageMapScanner scanner;

    Tracked(Victim victim) {
        uffd = UserFaultFdInjector.inject(victim.pid()).userFaultFd();
        uffd.api(FEATURES);
        scanner = PageMapScanner.open(victim.pid());
    }

    /** From now on only what is written later is reported. */
    void begin(long start, long bytes) {
        register(start, bytes);
        assertEquals(Outcome.COMPLETE, scan(start, bytes, new ArrayList<>()));
    }

    void register(long start, long bytes) {
        assertEquals(0, uffd.register(start, start + bytes, UffdAbi.UFFDIO_REGISTER_MODE_WP));
    }

    /** Protects again; adds {address, page count, categories} per region. */
    Outcome scan(long start, long bytes, List<long[]> found) {
        return scanner.scan(
                ScanRequest.WRITTEN_AND_PROTECT,
                start,
                start + bytes,
                (from, to, categories) -> found.add(new long[] {from, (to - from) / 4096, categories}));
    }

    long writtenPages(long start, long bytes) {
        List<long[]> found = new ArrayList<>();
        assertEquals(Outcome.COMPLETE, scan(start, bytes, found));
        return found.stream().mapToLong(region -> region[1]).sum();
    }

    PageMapScanner scanner() {
        return scanner;
    }

    UserFaultFd uffd() {
        return uffd;
    }

    @Override
    public void close() {
        scanner.close();
        uffd.close();
    }
}
