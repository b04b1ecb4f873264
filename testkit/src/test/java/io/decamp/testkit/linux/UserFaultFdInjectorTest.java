package io.decamp.testkit.linux;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.decamp.linux.abi.UffdAbi;
import io.decamp.linux.pagemap.PageMapScanner;
import io.decamp.linux.pagemap.PageMapScanner.Outcome;
import io.decamp.linux.pagemap.ScanRequest;
import io.decamp.linux.ptrace.UserFaultFdInjector;
import io.decamp.linux.ptrace.UserFaultFdInjector.Injected;
import io.decamp.testkit.Victim;
import org.junit.jupiter.api.Test;

class UserFaultFdInjectorTest {
    private static final long FEATURES = UffdAbi.UFFD_FEATURE_WP_ASYNC
            | UffdAbi.UFFD_FEATURE_WP_UNPOPULATED
            | UffdAbi.UFFD_FEATURE_PAGEFAULT_FLAG_WP;

    @Test
    void shouldSeeExactlyThePagesThatWereWritten() {
        try (Victim victim = Victim.commander()) {
            long address = victim.address("map 1048576");
            victim.tell("fill " + Long.toHexString(address) + " 1048576 1");
            try (Injected injected = UserFaultFdInjector.inject(victim.pid());
                    PageMapScanner scanner = PageMapScanner.open(victim.pid())) {
                injected.userFaultFd().api(FEATURES);
                long end = address + 1048576;
                assertEquals(0, injected.userFaultFd().register(address, end, UffdAbi.UFFDIO_REGISTER_MODE_WP));
                long[] pages = new long[1];
                Outcome first = scanner.scan(ScanRequest.WRITTEN_AND_PROTECT, address, end, (s, e, c) -> pages[0] += (e - s) >> 12);
                assertEquals(Outcome.COMPLETE, first);
                assertEquals(256, pages[0]);
                victim.tell("write " + Long.toHexString(address + 8192) + " 5");
                pages[0] = 0;
                scanner.scan(ScanRequest.WRITTEN_AND_PROTECT, address, end, (s, e, c) -> pages[0] += (e - s) >> 12);
                assertEquals(1, pages[0]);
            }
        }
    }
}
