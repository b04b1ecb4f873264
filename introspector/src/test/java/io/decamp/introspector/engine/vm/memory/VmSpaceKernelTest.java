package io.decamp.introspector.engine.vm.memory;

import static io.decamp.introspector.engine.vm.memory.FakeGuest.FIRST_FREE;
import static io.decamp.introspector.engine.vm.memory.FakeGuest.PAGE;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.decamp.contracts.error.DecampException;
import io.decamp.introspector.engine.memory.SpaceGoneException;
import io.decamp.introspector.engine.memory.SpaceKernel.Query;
import io.decamp.introspector.engine.memory.SpaceKernel.Range;
import io.decamp.introspector.engine.vm.guest.RecordedGuest;
import io.decamp.linux.memory.IoBatch;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.function.Supplier;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What counts as written, over page tables and memory made by hand. */
class VmSpaceKernelTest {
    private static final long AT = 0x7f00_0000_0000L;
    private static final int MAPPED = 2048;

    @TempDir
    Path directory;

    private FakeGuest guest;
    private FakeGuest.Process process;
    private VmSpaceKernel kernel;

    @BeforeEach
    void start() {
        guest = new FakeGuest(directory.resolve("ram"));
        process = new FakeGuest.Process(guest);
        process.ranges.add(new Range(AT, AT + MAPPED * PAGE));
        for (int i = 0; i < 8; i++) {
            guest.map(page(i), FIRST_FREE + i);
        }
        kernel = kernel("one");
    }

    @AfterEach
    void end() {
        kernel.close();
        guest.close();
    }

    private VmSpaceKernel kernel(String name) {
        return kernel(name, () -> null);
    }

    private VmSpaceKernel kernel(String name, Supplier<SteadyGuest> steady) {
        PageFrames frames = PageFrames.open(directory.resolve(name).resolve("frames"), 64, process.identity());
        return new VmSpaceKernel(
                process, guest.ram, guest.tables, guest, frames, guest, guest::number, steady);
    }

    private static long page(int i) {
        return AT + (long) i * PAGE;
    }

    private static TreeSet<Integer> query(VmSpaceKernel kernel, Query query, boolean protect, int from, int to) {
        TreeSet<Integer> found = new TreeSet<>();
        kernel.scan(query, protect, page(from), page(to), (a, b, zero) -> {
            for (long at = a; at < b; at += PAGE) {
                assertTrue(found.add((int) ((at - AT) / PAGE)), "reported twice");
            }
        });
        return found;
    }

    /** As a tracker scans: refresh, mappings, then the walk. */
    private TreeSet<Integer> scan(VmSpaceKernel of, boolean protect) {
        guest.refresh();
        of.mappings();
        return query(of, Query.WRITTEN, protect, 0, MAPPED);
    }

    private TreeSet<Integer> scan() {
        return scan(kernel, true);
    }

    private static TreeSet<Integer> pages(Integer... pages) {
        return new TreeSet<>(List.of(pages));
    }

    @Test
    void shouldReportEachPageOnceUntilItIsWritten() {
        assertEquals(pages(0, 1, 2, 3, 4, 5, 6, 7), scan());
        assertEquals(pages(), scan());
        guest.write(FIRST_FREE + 3, 1);
        assertEquals(pages(3), scan());
        assertEquals(pages(), scan());
    }

    @Test
    void shouldReportAPageThatIsInAnotherFrame() {
        scan();
        guest.map(page(2), FIRST_FREE + 100);
        assertEquals(pages(2), scan());
        guest.map(page(2), FIRST_FREE + 2);
        assertEquals(pages(2), scan());
        assertEquals(pages(), scan());
    }

    @Test
    void shouldReportAPageThatWasUnmappedAndIsBackInItsFrame() {
        scan();
        guest.unmap(page(2));
        assertEquals(pages(), scan());
        assertTrue(query(kernel, Query.HOLES, false, 0, 8).contains(2));
        guest.map(page(2), FIRST_FREE + 2);
        assertEquals(pages(2), scan());
    }

    @Test
    void shouldForgetWhatItsMappingTookWithIt() {
        scan();
        Range all = process.ranges.removeFirst();
        assertEquals(pages(), scan());
        process.ranges.add(all);
        assertEquals(pages(0, 1, 2, 3, 4, 5, 6, 7), scan());
    }

    @Test
    void shouldReportWhatIsLeftOpenUntilItIsProtected() {
        scan();
        guest.write(FIRST_FREE + 1, 1);
        guest.map(page(5), FIRST_FREE + 200);
        assertEquals(pages(1, 5), scan(kernel, false));
        assertEquals(pages(1, 5), scan(kernel, false));
        assertEquals(pages(1, 5), scan());
        assertEquals(pages(), scan());
    }

    @Test
    void shouldTellEverySpaceOfAFrameThatTheyShare() {
        VmSpaceKernel other = kernel("two");
        scan();
        scan(other, true);
        guest.write(FIRST_FREE + 4, 1);
        assertEquals(pages(4), scan());
        guest.write(FIRST_FREE + 6, 1);
        assertEquals(pages(6), scan());
        assertEquals(pages(4, 6), scan(other, true));
        assertEquals(pages(), scan(other, true));
        other.close();
    }

    @Test
    void shouldTakeHolesAndPagesOfZerosForHoles() {
        guest.map(page(1), FakeGuest.ZERO_FRAME);
        guest.unmap(page(6));
        assertEquals(pages(0, 2, 3, 4, 5, 7), scan());
        assertEquals(pages(1, 6, 8, 9), query(kernel, Query.HOLES, false, 0, 10));
        assertEquals(MAPPED - 6, query(kernel, Query.HOLES, false, 0, MAPPED).size());
    }

    @Test
    void shouldReportAllPagesOfAHugeOne() {
        guest.mapHuge(AT + (2L << 21), 2048);
        assertEquals(8 + 512, scan().size());
        guest.write(2048 + 77, 1);
        assertEquals(pages(1024 + 77), scan());
    }

    @Test
    void shouldReportAPageThatIsBeingMovedUntilItHasArrived() {
        scan();
        guest.entry(page(3), FakeGuest.MOVING);
        assertEquals(pages(3), scan());
        assertFalse(query(kernel, Query.HOLES, false, 0, 8).contains(3), "a page in transit is no hole");
        assertEquals(pages(3), scan());
        guest.map(page(3), FIRST_FREE + 300);
        assertEquals(pages(3), scan());
        assertEquals(pages(), scan());
    }

    @Test
    void shouldReportWhatAWalkHadSeenWhenItMetATableUnderChange() {
        scan();
        guest.write(FIRST_FREE + 2, 1);
        guest.write(FIRST_FREE + 3, 1);
        guest.write(FIRST_FREE + 6, 1);
        guest.broken = FIRST_FREE + 5;
        assertEquals(pages(2, 3, 6), scan());
        assertEquals(pages(), scan());
    }

    @Test
    void shouldWaitForAChangeThatAGuestWithoutAProcessorCantEnd() {
        long end = System.nanoTime() + Duration.ofMillis(200).toNanos();
        process.changing = () -> System.nanoTime() - end < 0;
        assertEquals(pages(0, 1, 2, 3, 4, 5, 6, 7), scan());
    }

    @Test
    void shouldNameWhatIsDamagedForGood() {
        process.changing = () -> true;
        assertEquals("guest-memory-bound", assertThrows(DecampException.class, kernel::mappings).code());
    }

    @Test
    void shouldLetAPausedGuestEndItsChange() {
        List<Boolean> pauses = new ArrayList<>();
        Supplier<VmAccess.Paused> pause = () -> {
            int number = pauses.size();
            pauses.add(true);
            return () -> pauses.set(number, false);
        };
        process.changing = () -> pauses.size() < 2;
        try (SteadyGuest steady = new SteadyGuest(RecordedGuest.load("guest-6.1").attach(), pause);
                VmSpaceKernel exact = kernel("exact", () -> steady)) {
            assertEquals(1, exact.mappings().size());
            assertEquals(List.of(false, true), pauses, "what comes next must find what this has found");
        }
        assertEquals(List.of(false, false), pauses);
    }

    @Test
    void shouldCallCleanOnlyWhatWasNotWrittenUntilNow() {
        scan();
        guest.write(FIRST_FREE + 2, 9);
        assertEquals(pages(0, 1, 3, 4, 5, 6, 7), query(kernel, Query.CLEAN, false, 0, MAPPED));
        assertEquals(pages(2), scan());
    }

    /** A child that was forked after its parent's scan has the parent's page of now, the replica that of the scan. */
    @Test
    void shouldGiveAPageNoEntryThatHasMovedSinceTheScan() {
        scan();
        guest.map(page(2), FIRST_FREE + 100);
        guest.map(page(9), FIRST_FREE + 101);

        kernel.readEntries(page(0), 10);

        assertTrue(kernel.entry(1) != 0);
        assertEquals(0, kernel.entry(2));
        assertEquals(0, kernel.entry(9));
        scan();
        kernel.readEntries(page(0), 10);
        assertTrue(kernel.entry(2) != 0 && kernel.entry(2) != kernel.entry(1));
    }

    @Test
    void shouldReportAgainWhatWasCopiedFromAnotherFrame() {
        guest.write(FIRST_FREE + 1, 11);
        guest.write(FIRST_FREE + 500, 500);
        scan();
        guest.map(page(1), FIRST_FREE + 500);
        assertEquals(500, read(1));
        guest.map(page(1), FIRST_FREE + 1);
        assertEquals(pages(1), scan(), "the copy came from a frame that the page is not in any more");
        assertEquals(11, read(1));
        assertEquals(pages(), scan());
    }

    @Test
    void shouldStopReadingAtAPageThatIsNotThere() {
        scan();
        guest.unmap(page(2));
        try (IoBatch batch = new IoBatch();
                Arena arena = Arena.ofConfined()) {
            MemorySegment to = arena.allocate(4L * PAGE);
            batch.clear();
            batch.add(page(0), to.address(), 4L * PAGE);
            assertFalse(kernel.read(batch));
            assertEquals(page(2), batch.remoteAddress());
        }
    }

    @Test
    void shouldGiveUpOnAPageThatNeverArrives() {
        scan();
        guest.entry(page(2), FakeGuest.MOVING);
        assertEquals("vm-page-moving", assertThrows(DecampException.class, () -> read(2)).code());
    }

    @Test
    void shouldGoOnWhereAKilledServiceStopped() {
        scan();
        guest.write(FIRST_FREE + 3, 1);
        guest.map(page(5), FIRST_FREE + 400);
        kernel = kernel("one");
        assertEquals(pages(3, 5), scan());
    }

    @Test
    void shouldEndWithItsProcess() {
        scan();
        process.alive = false;
        assertThrows(SpaceGoneException.class, kernel::mappings);
        assertThrows(SpaceGoneException.class, () -> read(1));
    }

    /** A model replica is fed with what is reported; the guest writes, maps and unmaps at random between the steps. */
    @Test
    void shouldKeepAReplicaEqualToMemoryThatChangesAtRandom() {
        long seed = System.nanoTime();
        System.out.println("seed " + seed);
        Random random = new Random(seed);
        TreeMap<Integer, Integer> mapped = new TreeMap<>();
        for (int i = 0; i < 8; i++) {
            mapped.put(i, FIRST_FREE + i);
        }
        TreeMap<Integer, Long> replica = new TreeMap<>();
        long[] content = new long[FakeGuest.FRAMES];
        for (int step = 0; step < 3000; step++) {
            disturb(random, mapped, content, random.nextInt(12));
            TreeSet<Integer> reported = scan();
            TreeSet<Integer> holes = query(kernel, Query.HOLES, false, 0, MAPPED);
            replica.keySet().removeAll(holes);
            disturb(random, mapped, content, random.nextInt(3));
            for (int page : reported) {
                Long value = tryRead(page);
                if (value == null) {
                    replica.remove(page);
                } else {
                    replica.put(page, value);
                }
                disturb(random, mapped, content, random.nextInt(2));
            }
        }
        TreeSet<Integer> last = scan();
        replica.keySet().removeAll(query(kernel, Query.HOLES, false, 0, MAPPED));
        last.forEach(page -> replica.put(page, read(page)));
        TreeMap<Integer, Long> expected = new TreeMap<>();
        mapped.forEach((page, frame) -> expected.put(page, content[frame]));
        assertEquals(expected, replica);
    }

    private void disturb(Random random, TreeMap<Integer, Integer> mapped, long[] content, int times) {
        for (int i = 0; i < times; i++) {
            int page = random.nextInt(40) * 29;
            int frame = FIRST_FREE + random.nextInt(200);
            switch (random.nextInt(4)) {
                case 0 -> {
                    guest.map(page(page), frame);
                    mapped.put(page, frame);
                }
                case 1 -> {
                    guest.unmap(page(page));
                    mapped.remove(page);
                }
                default -> {
                    content[frame] = random.nextLong();
                    guest.write(frame, content[frame]);
                }
            }
        }
    }

    private long read(int page) {
        Long value = tryRead(page);
        assertTrue(value != null, "page " + page + " is not there");
        return value;
    }

    private Long tryRead(int page) {
        try (IoBatch batch = new IoBatch();
                Arena arena = Arena.ofConfined()) {
            MemorySegment to = arena.allocate(PAGE);
            batch.clear();
            batch.add(page(page), to.address(), PAGE);
            return kernel.read(batch) ? to.get(ValueLayout.JAVA_LONG, 0) : null;
        }
    }
}
