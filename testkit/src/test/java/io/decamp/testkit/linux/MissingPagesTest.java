package io.decamp.testkit.linux;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.decamp.linux.abi.UffdAbi;
import io.decamp.linux.libc.Errno;
import io.decamp.linux.probe.KernelFeature;
import io.decamp.linux.ptrace.UserFaultFdInjector;
import io.decamp.linux.spawn.Keeper;
import io.decamp.linux.uffd.UffdCopy;
import io.decamp.linux.uffd.UffdEvent;
import io.decamp.linux.uffd.UserFaultFd;
import io.decamp.testkit.Kernel;
import io.decamp.testkit.Victim;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Serving the missing pages of another process. */
@Timeout(60)
class MissingPagesTest {
    private static final long PAGE = 4096;
    private static final long SIZE = 16 * PAGE;
    private static final int EVENT_MILLIS_MAX = 10_000;

    private final Arena arena = Arena.ofAuto();
    private final MemorySegment pages = arena.allocate(SIZE, PAGE).fill((byte) 77);
    private final MemorySegment messages = arena.allocate(64L * UffdAbi.MESSAGE_BYTES, 8);

    @BeforeEach
    void requireTheKernel() {
        Kernel.require(KernelFeature.PTRACE_ANY, KernelFeature.USERFAULTFD_USER_MODE);
    }

    @Test
    void shouldServeTheFaultOfAReader() {
        try (Victim victim = Victim.commander();
                UserFaultFd uffd = missing(victim);
                UffdCopy copier = uffd.copier()) {
            long at = registered(victim, uffd);
            victim.send("read " + hex(at + 3 * PAGE + 9));

            UffdEvent event = next(uffd);
            boolean copied = copier.copy(at + 3 * PAGE, pages.address(), PAGE, 0);

            UffdEvent.Pagefault fault = assertInstanceOf(UffdEvent.Pagefault.class, event);
            assertEquals(at + 3 * PAGE, fault.address() & -PAGE);
            assertFalse(fault.isWriteProtect());
            assertTrue(copied);
            assertEquals(PAGE, copier.copiedBytes());
            assertEquals("77", victim.answer());
        }
    }

    @Test
    void shouldSayHowFarItCameBeforeAPageThatIsThere() {
        try (Victim victim = Victim.commander();
                UserFaultFd uffd = missing(victim);
                UffdCopy copier = uffd.copier()) {
            long at = registered(victim, uffd);
            assertTrue(copier.copy(at + 5 * PAGE, pages.address(), PAGE, 0));

            boolean copied = copier.copy(at, pages.address(), SIZE, 0);

            assertFalse(copied);
            assertEquals(5 * PAGE, copier.copiedBytes());
            boolean again = copier.copy(at + 5 * PAGE, pages.address(), SIZE - 5 * PAGE, 0);
            assertFalse(again);
            assertEquals(0, copier.copiedBytes());
            assertEquals(Errno.EEXIST, copier.errno());
        }
    }

    @Test
    void shouldFillWithZeros() {
        try (Victim victim = Victim.commander();
                UserFaultFd uffd = missing(victim);
                UffdCopy copier = uffd.copier()) {
            long at = registered(victim, uffd);

            assertTrue(copier.zero(at, SIZE));

            assertEquals(0, victim.number("read " + hex(at + SIZE - 1)));
        }
    }

    @Test
    void shouldSayThatTheRangeIsNotRegistered() {
        try (Victim victim = Victim.commander();
                UserFaultFd uffd = missing(victim);
                UffdCopy copier = uffd.copier()) {
            long at = victim.address("map " + SIZE);

            boolean copied = copier.copy(at, pages.address(), PAGE, 0);

            assertFalse(copied);
            assertEquals(Errno.ENOENT, copier.errno());
        }
    }

    @Test
    void shouldSayThatTheProcessIsGone() {
        Victim victim = Victim.commander();
        try (UserFaultFd uffd = missing(victim);
                UffdCopy copier = uffd.copier()) {
            long at = registered(victim, uffd);
            victim.close();

            boolean copied = copier.copy(at, pages.address(), PAGE, 0);

            assertFalse(copied);
            assertEquals(Errno.ESRCH, copier.errno());
        } finally {
            victim.close();
        }
    }

    @Test
    void shouldTellOfDiscardedAndUnmappedMemory() {
        try (Victim victim = Victim.commander();
                UserFaultFd uffd = missing(victim)) {
            long at = registered(victim, uffd);
            victim.send("dontneed " + hex(at) + " " + 2 * PAGE);
            UffdEvent discarded = next(uffd);
            assertEquals("0", victim.answer());
            victim.send("unmap " + hex(at) + " " + PAGE);

            UffdEvent unmapped = next(uffd);

            assertEquals(new UffdEvent.Remove(at, at + 2 * PAGE), discarded);
            assertEquals(new UffdEvent.Unmap(at, at + PAGE), unmapped);
            assertEquals("0", victim.answer());
        }
    }

    @Test
    void shouldTellWhereAMappingWasMoved() {
        try (Victim victim = Victim.commander();
                UserFaultFd uffd = missing(victim)) {
            long at = registered(victim, uffd);
            victim.send("move " + hex(at) + " " + SIZE);

            UffdEvent event = next(uffd);

            // The unmapping of the old place may be told as well, and the victim waits until it was read.
            drain(uffd);
            long to = Long.parseUnsignedLong(victim.answer(), 16);
            assertEquals(new UffdEvent.Remap(at, to, SIZE), event);
        }
    }

    /** The promise that a page server may die: whoever waits goes on waiting, and the next one serves it. */
    @Test
    void shouldServeThroughAKeeperAfterItsServerHasClosed() {
        try (Victim victim = Victim.commander()) {
            UserFaultFd first = missing(victim);
            long at = registered(victim, first);
            Keeper keeper = Keeper.start(Map.of(7, first.descriptor()));
            try {
                victim.send("read " + hex(at));
                assertTrue(first.await(EVENT_MILLIS_MAX));
                Keeper.Record written = keeper.record();
                first.close();
                keeper.close();

                try (Keeper found = Keeper.find(written).orElseThrow();
                        UserFaultFd second = new UserFaultFd(found.fetch(7));
                        UffdCopy copier = second.copier()) {
                    assertInstanceOf(UffdEvent.Pagefault.class, next(second));
                    assertTrue(copier.copy(at, pages.address(), PAGE, 0));
                    assertEquals("77", victim.answer());
                }
            } finally {
                Keeper.find(keeper.record()).ifPresent(running -> {
                    running.stop();
                    running.close();
                });
            }
        }
    }

    private static UserFaultFd missing(Victim victim) {
        UserFaultFd uffd = UserFaultFdInjector.inject(victim.pid()).userFaultFd();
        uffd.api(UffdAbi.UFFD_FEATURE_EVENT_REMAP
                | UffdAbi.UFFD_FEATURE_EVENT_REMOVE
                | UffdAbi.UFFD_FEATURE_EVENT_UNMAP);
        return uffd;
    }

    private static long registered(Victim victim, UserFaultFd uffd) {
        long at = victim.address("map " + SIZE);
        assertEquals(0, uffd.register(at, at + SIZE, UffdAbi.UFFDIO_REGISTER_MODE_MISSING));
        return at;
    }

    private UffdEvent next(UserFaultFd uffd) {
        assertTrue(uffd.await(EVENT_MILLIS_MAX), "no event");
        assertEquals(UffdAbi.MESSAGE_BYTES, uffd.read(messages.address(), UffdAbi.MESSAGE_BYTES));
        return UffdEvent.decode(messages, 0);
    }

    private void drain(UserFaultFd uffd) {
        while (uffd.await(200)) {
            assertTrue(uffd.read(messages.address(), messages.byteSize()) > 0);
        }
    }

    private static String hex(long address) {
        return Long.toHexString(address);
    }
}
