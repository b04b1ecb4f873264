package io.decamp.introspector.engine.memory;

import static io.decamp.introspector.engine.memory.TrackedVictim.ID;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.decamp.contracts.page.AddressSpace;
import io.decamp.contracts.page.PageSource;
import io.decamp.contracts.port.MemorySource;
import io.decamp.contracts.port.MemorySource.Tasks;
import io.decamp.linux.probe.KernelFeature;
import io.decamp.testkit.Await;
import io.decamp.testkit.Kernel;
import io.decamp.testkit.Procs;
import java.time.Duration;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** One test for each thing that may happen to a tracked process's memory, each against a live one. */
class MemoryEventsTest {
    private static final int PAGE = 4096;
    private static final Duration LIMIT = Duration.ofSeconds(10);

    private TrackedVictim tracked;
    private Shapeshifter victim;

    @BeforeEach
    void start() {
        Kernel.require(KernelFeature.UFFD_WRITE_PROTECT_ASYNC, KernelFeature.PAGEMAP_SCAN, KernelFeature.PIDFD_GETFD);
        tracked = new TrackedVictim();
        victim = tracked.victim;
    }

    @AfterEach
    void end() {
        tracked.close();
    }

    @Test
    void shouldReportOnlyWhatWasWrittenSince() {
        long at = victim.tell("map %d", 64 * PAGE);
        victim.tell("write %x %d 1", at, 64 * PAGE);
        tracked.track().round();
        victim.tell("write %x %d 2", at + 5 * PAGE, 3 * PAGE);
        MemorySource.Scan scan = tracked.round();
        assertEquals(3, pagesWithin(scan, at, 64 * PAGE, PageSource.BYTES));
        assertEquals(0, pagesWithin(tracked.round(), at, 64 * PAGE, PageSource.BYTES));
        tracked.verify();
    }

    @Test
    void shouldSeeWhatTheKernelWritesForTheProcess() {
        long at = victim.tell("map %d", 16 * PAGE);
        victim.tell("write %x %d 1", at, 16 * PAGE);
        tracked.track().round();
        victim.tell("pull %x %d", at + PAGE, 2 * PAGE);
        assertEquals(2, pagesWithin(tracked.round(), at, 16 * PAGE, PageSource.BYTES));
        tracked.verify();
    }

    @Test
    void shouldFollowNewMappings() {
        tracked.track().round();
        long at = victim.tell("map %d", 300 * PAGE);
        victim.tell("write %x %d 3", at, 300 * PAGE);
        assertEquals(300, pagesWithin(tracked.round(), at, 300 * PAGE, PageSource.BYTES));
        tracked.verify();
    }

    @Test
    void shouldFollowAMappingThatReplacesAnother() {
        long at = victim.tell("map %d", 32 * PAGE);
        victim.tell("write %x %d 4", at, 32 * PAGE);
        tracked.track().round();
        victim.tell("mapat %x %d", at + 8 * PAGE, 8 * PAGE);
        victim.tell("write %x %d 5", at + 10 * PAGE, PAGE);
        MemorySource.Scan scan = tracked.round();
        assertEquals(1, pagesWithin(scan, at, 32 * PAGE, PageSource.BYTES));
        assertEquals(7, pagesWithin(scan, at, 32 * PAGE, PageSource.ZERO));
        tracked.verify();
    }

    @Test
    void shouldFollowTheHeapAsItGrowsAndShrinks() {
        victim.tell("brk %d 6", 64 * PAGE);
        tracked.track().round();
        victim.tell("brk %d 7", 64 * PAGE);
        tracked.round();
        tracked.verify();
        victim.tell("shrink %x", 100 * PAGE);
        tracked.round();
        tracked.verify();
    }

    @Test
    void shouldFollowAMappingThatGrowsInPlace() {
        long at = victim.tell("map %d", 64 * PAGE);
        victim.tell("unmap %x %d", at + 32 * PAGE, 32 * PAGE);
        victim.tell("write %x %d 8", at, 32 * PAGE);
        tracked.track().round();
        assertEquals(at, victim.tell("remap %x %d %d", at, 32 * PAGE, 64 * PAGE));
        victim.tell("write %x %d 9", at + 40 * PAGE, 2 * PAGE);
        assertEquals(2, pagesWithin(tracked.round(), at, 64 * PAGE, PageSource.BYTES));
        tracked.verify();
    }

    @Test
    void shouldFollowAMappingThatMovesAndGrows() {
        long at = victim.tell("map %d", 32 * PAGE);
        victim.tell("write %x %d 10", at, 32 * PAGE);
        tracked.track().round();
        long moved = victim.tell("move %x %d %d", at, 32 * PAGE, 48 * PAGE);
        assertNotEquals(at, moved);
        MemorySource.Scan scan = tracked.round();
        assertEquals(32, pagesWithin(scan, at, 32 * PAGE, PageSource.ZERO));
        assertEquals(32, pagesWithin(scan, moved, 48 * PAGE, PageSource.BYTES));
        tracked.verify();
    }

    @Test
    void shouldFollowAMoveThatNoScanSawBeforeTheFreeze() {
        long at = victim.tell("map %d", 32 * PAGE);
        victim.tell("write %x %d 11", at, 32 * PAGE);
        tracked.track().round();
        victim.tell("move %x %d %d", at, 32 * PAGE, 32 * PAGE);
        tracked.verify();
    }

    @Test
    void shouldGiveMemoryBackThatWasUnmapped() {
        long at = victim.tell("map %d", 128 * PAGE);
        victim.tell("write %x %d 12", at, 128 * PAGE);
        MemorySource.Scan first = tracked.track().round();
        int before = tracked.replica.pages(space(first));
        victim.tell("unmap %x %d", at + PAGE, 100 * PAGE);
        assertEquals(100, pagesWithin(tracked.round(), at, 128 * PAGE, PageSource.ZERO));
        assertTrue(tracked.replica.pages(space(first)) <= before - 100);
        tracked.verify();
    }

    @Test
    void shouldReportDroppedPagesAsZero() {
        long at = victim.tell("map %d", 32 * PAGE);
        victim.tell("write %x %d 13", at, 32 * PAGE);
        tracked.track().round();
        victim.tell("drop %x %d", at + 4 * PAGE, 6 * PAGE);
        victim.tell("touch %x %d", at + 4 * PAGE, 2 * PAGE);
        MemorySource.Scan dropped = tracked.round();
        assertEquals(6 - frames(2), pagesWithin(dropped, at, 32 * PAGE, PageSource.ZERO));
        assertEquals(frames(2), pagesWithin(dropped, at, 32 * PAGE, PageSource.BYTES));
        victim.tell("touch %x %d", at + 4 * PAGE, 6 * PAGE);
        assertEquals(frames(4), pagesWithin(tracked.round(), at, 32 * PAGE, null));
        assertTrue(
                tracked.replica.contents(space(dropped)).keySet().stream()
                        .noneMatch(page -> page >= at + 4 * PAGE && page < at + 10 * PAGE),
                "found to be zero when they were read");
        tracked.verify();
    }

    @Test
    void shouldNeverShipPagesOfZeros() {
        long at = victim.tell("map %d", 32 * PAGE);
        victim.tell("touch %x %d", at, 16 * PAGE);
        victim.tell("zero %x %d", at + 16 * PAGE, 16 * PAGE);
        MemorySource.Scan first = tracked.track().round();
        assertEquals(frames(16), pagesWithin(first, at, 16 * PAGE, null), "mapped to the zero page");
        assertEquals(16, pagesWithin(first, at + 16 * PAGE, 16 * PAGE, PageSource.BYTES));
        assertTrue(tracked.replica.zeroPages() >= 16 + frames(16), "found to be zero when they were read");
        tracked.verify();
    }

    /** How many of so many pages that were only read have a frame of their own. */
    private int frames(int pages) {
        return victim.zeroPageIsShared() ? 0 : pages;
    }

    @Test
    void shouldReadWhatTheProcessItselfMayNot() {
        long at = victim.tell("map %d", 32 * PAGE);
        victim.tell("write %x %d 14", at, 32 * PAGE);
        tracked.track();
        victim.tell("protect %x %d 0", at + 3 * PAGE, 5 * PAGE);
        victim.tell("protect %x %d 1", at + 20 * PAGE, 5 * PAGE);
        tracked.round();
        victim.tell("protect %x %d 3", at, 32 * PAGE);
        assertEquals(0, pagesWithin(tracked.round(), at, 32 * PAGE, PageSource.BYTES), "mprotect keeps the tracking");
        tracked.verify();
    }

    @Test
    void shouldTakeGuardPagesForZero() {
        long at = victim.tell("map %d", 32 * PAGE);
        victim.tell("write %x %d 15", at, 32 * PAGE);
        tracked.track().round();
        Assumptions.assumeTrue(victim.tell("guard %x %d", at + 3 * PAGE, 2 * PAGE) == 0, "no MADV_GUARD_INSTALL here");
        tracked.round();
        tracked.verify();
    }

    @Test
    void shouldFollowAStackThatGrows() {
        victim.tell("deep 5 1");
        tracked.track().round();
        victim.tell("deep 400 2");
        tracked.round();
        tracked.verify();
        victim.tell("deep 800 3");
        tracked.verify();
    }

    @Test
    void shouldFollowTheStacksOfNewThreads() {
        tracked.track().round();
        victim.tell("thread 200");
        victim.tell("thread 300");
        tracked.round();
        tracked.verify();
    }

    @Test
    void shouldFollowAForkedChild() {
        long at = victim.tell("map %d", 64 * PAGE);
        victim.tell("write %x %d 16", at, 64 * PAGE);
        tracked.track().round();
        victim.tell("fork");
        victim.tell("child 0 write %x %d 17", at + PAGE, 4 * PAGE);
        victim.tell("write %x %d 18", at + 2 * PAGE, 4 * PAGE);
        assertEquals(2, tracked.round().spaces().size());
        victim.tell("child 0 write %x %d 19", at + 9 * PAGE, PAGE);
        tracked.verify();
        assertTrue(tracked.replica.sameAsPages() >= 50, "shared pages: " + tracked.replica.sameAsPages());
    }

    @Test
    void shouldFollowAChildThatAppearedUnderTheFreeze() {
        long at = victim.tell("map %d", 64 * PAGE);
        victim.tell("write %x %d 20", at, 64 * PAGE);
        tracked.track().round();
        victim.tell("fork");
        victim.tell("child 0 write %x %d 21", at, 2 * PAGE);
        long observed = tracked.verify().spaces().getLast().id();
        victim.tell("child 0 write %x %d 22", at + 30 * PAGE, 2 * PAGE);
        assertNotEquals(observed, tracked.round().spaces().getLast().id(), "tracked once it runs again");
        tracked.verify();
    }

    @Test
    void shouldFollowGrandchildren() {
        long at = victim.tell("map %d", 64 * PAGE);
        victim.tell("write %x %d 23", at, 64 * PAGE);
        tracked.track().round();
        victim.tell("fork");
        victim.tell("child 0 fork");
        victim.tell("child 0 child 0 write %x %d 24", at + 7 * PAGE, PAGE);
        assertEquals(3, tracked.round().spaces().size());
        tracked.verify();
        assertTrue(tracked.replica.sameAsPages() >= 100, "shared pages: " + tracked.replica.sameAsPages());
    }

    @Test
    void shouldDropAProcessThatEnds() {
        victim.tell("fork");
        MemorySource.Scan before = tracked.track().round();
        assertEquals(2, before.spaces().size());
        victim.tell("reap 0");
        assertEquals(1, tracked.round().spaces().size());
        tracked.verify();
    }

    @Test
    void shouldMakeANewSpaceOfAnExec() {
        long at = victim.tell("map %d", 64 * PAGE);
        victim.tell("write %x %d 25", at, 64 * PAGE);
        long before = space(tracked.track().round());
        victim.tell("exec");
        MemorySource.Scan after = tracked.round();
        assertEquals(1, after.spaces().size());
        assertTrue(space(after) > before);
        tracked.verify();
        assertEquals(1, tracked.replica.spaceIds().size());
    }

    @Test
    void shouldGiveZerosForAProgramThatWasReplacedBetweenScanAndRead() {
        long at = victim.tell("map %d", 64 * PAGE);
        victim.tell("write %x %d 26", at, 64 * PAGE);
        MemorySource.Scan scan = tracked.track().source.scan(ID, ++tracked.epoch, Tasks.RUNNING);
        victim.tell("exec");
        tracked.replica.apply(tracked.source, ID, tracked.epoch, scan);
        assertEquals(0, tracked.replica.bytePages(), "nothing of the new program under the old id");
        tracked.round();
        tracked.verify();
    }

    @Test
    void shouldGiveZerosForPagesThatVanishBetweenScanAndRead() {
        long at = victim.tell("map %d", 64 * PAGE);
        victim.tell("write %x %d 27", at, 64 * PAGE);
        MemorySource.Scan scan = tracked.track().source.scan(ID, ++tracked.epoch, Tasks.RUNNING);
        victim.tell("unmap %x %d", at + 8 * PAGE, 30 * PAGE);
        victim.tell("drop %x %d", at + 50 * PAGE, 4 * PAGE);
        tracked.replica.apply(tracked.source, ID, tracked.epoch, scan);
        assertTrue(tracked.replica.zeroPages() >= 34, "zero pages: " + tracked.replica.zeroPages());
        tracked.verify();
    }

    @Test
    void shouldTrackHugePages() {
        long at = victim.tell("huge %d 28", 8 << 20);
        tracked.track().round();
        victim.tell("write %x %d 29", at + (3 << 20), 2 * PAGE);
        assertEquals(2, pagesWithin(tracked.round(), at, 8 << 20, PageSource.BYTES), "after the first write by 4 KiB");
        tracked.verify();
    }

    @Test
    void shouldLeaveSharedMemoryToTheStateParts() {
        long at = victim.tell("shared %d", 16 * PAGE);
        victim.tell("write %x %d 30", at, 16 * PAGE);
        assertEquals(0, pagesWithin(tracked.track().round(), at, 16 * PAGE, null));
        tracked.verify();
    }

    @Test
    void shouldReportLockedMemory() {
        long at = victim.tell("map %d", 16 * PAGE);
        victim.tell("write %x %d 31", at, 16 * PAGE);
        victim.tell("lock %x %d", at, 16 * PAGE);
        assertEquals(16, pagesWithin(tracked.track().round(), at, 16 * PAGE, PageSource.BYTES));
        tracked.verify();
    }

    @Test
    void shouldNotFillPageTablesOfWhatIsOnlyReserved() {
        long before = pageTableKilobytes();
        long at = victim.tell("reserve %d", 64L << 30);
        victim.tell("protect %x %d 3", at + (32L << 30), 1 << 20);
        victim.tell("write %x %d 32", at + (32L << 30), 4 * PAGE);
        tracked.track().round();
        victim.tell("write %x %d 33", at + (32L << 30) + PAGE, PAGE);
        assertEquals(1, pagesWithin(tracked.round(), at, 64L << 30, PageSource.BYTES));
        assertTrue(
                pageTableKilobytes() - before < 1024, "page tables grew by " + (pageTableKilobytes() - before) + " kB");
        tracked.verify();
    }

    @Test
    void shouldNotTakeAVforkForASpaceOfItsOwn() {
        tracked.track().round();
        victim.tell("vfork 400");
        Await.until("the vfork", LIMIT, () -> victim.pids().size() == 2);
        assertEquals(1, tracked.round().spaces().size());
        Await.until("the end of the vfork", LIMIT, () -> victim.pids().size() == 1);
        tracked.verify();
    }

    private long pageTableKilobytes() {
        return Long.parseLong(
                Procs.statusField(victim.pid(), "VmPTE").orElseThrow().split(" ")[0]);
    }

    private static long space(MemorySource.Scan scan) {
        return scan.spaces().stream()
                .filter(each -> each.containerPid() == 1)
                .map(AddressSpace::id)
                .findFirst()
                .orElseThrow();
    }

    /** @param source null for any */
    private static long pagesWithin(MemorySource.Scan scan, long from, long bytes, PageSource source) {
        long pages = 0;
        for (int i = 0; i < scan.written().size(); i++) {
            long start = Math.max(from, scan.written().address(i));
            long end = Math.min(
                    from + bytes, scan.written().address(i) + scan.written().bytes(i));
            if (start < end && (source == null || scan.written().source(i) == source)) {
                pages += (end - start) / PAGE;
            }
        }
        return pages;
    }
}
