package io.decamp.introspector.engine.memory;

import static io.decamp.introspector.engine.memory.FakeKernel.PAGE;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.decamp.contracts.port.MemorySource.Tasks;
import io.decamp.contracts.page.AddressSpace;
import io.decamp.contracts.page.PageRuns;
import io.decamp.contracts.page.PageSource;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class SpaceTrackerTest {
    private static final long AT = 0x7f00_0000_0000L;

    /** What a kill of the service looks like from inside. */
    private static final class Killed extends Error {
        private static final long serialVersionUID = 1;
    }

    @TempDir
    Path directory;

    private final FakeKernel kernel = new FakeKernel();
    private long epoch;

    @Test
    void shouldReportPopulatedPagesThenOnlyWrittenOnes() {
        kernel.map(AT, 10).write(AT + 2 * PAGE, 3);
        SpaceTracker space = tracker(true);
        assertEquals("2+3 BYTES", scan(space));
        space.sealed(epoch);
        kernel.write(AT + 3 * PAGE, 1);
        assertEquals("3+1 BYTES", scan(space));
    }

    @Test
    void shouldLoseNothingWhenKilledBetweenClearingAndReporting() {
        kernel.map(AT, 10).write(AT, 4);
        SpaceTracker space = tracker(true);
        scan(space);
        space.sealed(epoch);
        kernel.write(AT + PAGE, 2);
        kernel.beforeAnswer = () -> {
            throw new Killed();
        };
        assertThrows(Killed.class, () -> scan(space));
        kernel.beforeAnswer = () -> {};
        assertEquals("0+4 BYTES", scan(tracker(false)), "the whole range is suspect");
    }

    @Test
    void shouldLoseNothingWhenAScanFailsInTheMiddle() {
        kernel.map(AT, 10).write(AT, 4).map(AT + 100L * PAGE, 10).write(AT + 100L * PAGE, 2);
        SpaceTracker space = tracker(true);
        scan(space);
        space.sealed(epoch);
        kernel.write(AT, 1).write(AT + 100L * PAGE, 1);
        int[] calls = {0};
        kernel.beforeAnswer = () -> {
            if (++calls[0] == 3) {
                throw new IllegalStateException("the second mapping");
            }
        };
        assertThrows(IllegalStateException.class, () -> scan(space));
        kernel.beforeAnswer = () -> {};
        assertEquals("0+1 BYTES, 100+2 BYTES", scan(space));
        space.sealed(epoch);
        assertEquals("", scan(space));
    }

    @Test
    void shouldGoOnAfterAKillBetweenScanAndSeal() {
        kernel.map(AT, 10).write(AT, 4);
        scan(tracker(true));
        assertEquals("0+4 BYTES", scan(tracker(false)));
    }

    @Test
    void shouldForgetADebtThatWasSealedBeforeTheKill() {
        kernel.map(AT, 10).write(AT, 4);
        SpaceTracker killed = tracker(true);
        scan(killed);
        killed.sealed(epoch);
        kernel.write(AT + 3 * PAGE, 1);
        assertEquals("3+1 BYTES", scan(tracker(false)));
    }

    @Test
    void shouldReportAHoleOnce() {
        kernel.map(AT, 10).write(AT, 4);
        SpaceTracker space = tracker(true);
        scan(space);
        space.sealed(epoch);
        kernel.drop(AT + PAGE, 2);
        assertEquals("1+2 ZERO", scan(space));
        space.sealed(epoch);
        assertEquals("", scan(space));
    }

    @Test
    void shouldReportAHoleAgainWhenItsEpochBroke() {
        kernel.map(AT, 10).write(AT, 4);
        SpaceTracker space = tracker(true);
        scan(space);
        space.sealed(epoch);
        kernel.unmap(AT);
        assertEquals("0+4 ZERO", scan(space));
        space.broken();
        assertEquals("0+4 ZERO", scan(space));
    }

    @Test
    void shouldReportAsZeroWhatWentBetweenTheTwoWalks() {
        kernel.map(AT, 10).write(AT, 4);
        SpaceTracker space = tracker(true);
        boolean[] dropped = {false};
        kernel.beforeAnswer = () -> {
            if (!dropped[0]) {
                dropped[0] = true;
                kernel.drop(AT + PAGE, 1);
            }
        };
        assertEquals("1+1 ZERO, 0+1 BYTES, 2+2 BYTES", scan(space));
    }

    @Test
    void shouldReportWhatIsPopulatedWhereAMappingWasReplaced() {
        kernel.map(AT, 10).write(AT, 4);
        SpaceTracker space = tracker(true);
        scan(space);
        space.sealed(epoch);
        kernel.unmap(AT);
        kernel.map(AT, 10).write(AT + PAGE, 1);
        kernel.pages.get(AT + PAGE).written = false;
        assertEquals("0+1 ZERO, 2+2 ZERO, 1+1 BYTES", scan(space), "stale protection must not make it look clean");
    }

    @Test
    void shouldNotProtectUnderTheFreeze() {
        kernel.map(AT, 10).write(AT, 2);
        SpaceTracker space = tracker(true);
        scan(space);
        space.sealed(epoch);
        kernel.write(AT, 1);
        kernel.map(AT + 50L * PAGE, 5).write(AT + 50L * PAGE, 1);
        assertEquals("0+1 BYTES, 50+1 BYTES", frozenScan(space));
        assertEquals("0+1 BYTES, 50+1 BYTES", frozenScan(space));
    }

    @Test
    void shouldReportEverythingToANewReplica() {
        kernel.map(AT, 10).write(AT, 4);
        SpaceTracker space = tracker(true);
        scan(space);
        space.sealed(epoch);
        kernel.drop(AT, 1);
        space.restart();
        assertEquals("1+3 BYTES", scan(space), "and no zeros, which an empty replica has");
    }

    @Test
    void shouldLeaveOpenRunsUnprotectedAndReportThemEachTime() {
        kernel.map(AT, 100).write(AT, 100);
        SpaceTracker space = tracker(true);
        scan(space);
        space.sealed(epoch);
        PageRuns open = runs(10, 16);
        kernel.write(AT + 10 * PAGE, 16).write(AT + 50 * PAGE, 1);
        assertEquals("10+16 BYTES, 50+1 BYTES", scan(space, open));
        space.sealed(epoch);
        int before = kernel.faults;
        kernel.write(AT + 10 * PAGE, 16).write(AT + 50 * PAGE, 1);
        assertEquals(1, kernel.faults - before, "only the page that is not open");
        assertEquals("10+16 BYTES, 50+1 BYTES", scan(space, open));
        space.sealed(epoch);
        assertEquals("10+16 BYTES", scan(space), "nobody can tell yet that it is written no more");
        space.sealed(epoch);
        assertEquals("", scan(space), "but when it was protected again");
    }

    @Test
    void shouldProtectOpenRunsTooWhileTheTasksAreStopped() {
        kernel.map(AT, 20).write(AT, 20);
        SpaceTracker space = tracker(true);
        scan(space);
        space.sealed(epoch);
        kernel.write(AT, 2);
        PageRuns reported = new PageRuns();
        space.scan(++epoch, Tasks.STOPPED, OpenRuns.of(runs(0, 2)), null, reported);
        space.sealed(epoch);
        assertEquals("0+2 BYTES", text(reported));
        assertEquals("", frozenScan(space));
    }

    @Test
    void shouldIgnoreOpenRunsOfASpaceThatIsNotThere() {
        kernel.map(AT, 20).write(AT, 20);
        SpaceTracker space = tracker(true);
        scan(space);
        space.sealed(epoch);
        kernel.write(AT, 2);
        PageRuns open = new PageRuns();
        open.add(7, AT, 20, PageSource.BYTES);
        assertEquals("0+2 BYTES", scan(space, open));
        space.sealed(epoch);
        assertEquals("", scan(space));
    }

    @Test
    void shouldReportADeferredPageAgainAlthoughItsEpochWasSealedAndNobodyWroteIt() {
        kernel.map(AT, 20).write(AT, 20);
        SpaceTracker space = tracker(true);
        scan(space);
        space.defer(epoch, page(5), page(8));
        space.sealed(epoch);
        assertEquals("5+3 BYTES", scan(space));
        space.defer(epoch, page(6), page(7));
        space.defer(epoch, page(7), page(8));
        space.sealed(epoch);
        assertEquals("6+2 BYTES", scan(space));
        space.sealed(epoch);
        assertEquals("", scan(space));
    }

    @Test
    void shouldLoseNoDeferredPageWhenKilledBeforeOrAfterTheSeal() {
        kernel.map(AT, 20).write(AT, 20);
        SpaceTracker killed = tracker(true);
        scan(killed);
        killed.defer(epoch, page(5), page(8));
        SpaceTracker second = tracker(false);
        second.sealed(epoch);
        SpaceTracker third = tracker(false);
        assertEquals("5+3 BYTES", scan(third));
    }

    @Test
    void shouldDeferWhatWasScannedByAServiceThatDied() {
        kernel.map(AT, 20).write(AT, 20);
        scan(tracker(true));
        SpaceTracker second = tracker(false);
        second.defer(epoch, page(5), page(8));
        second.sealed(epoch);
        assertEquals("5+3 BYTES", scan(second));
    }

    @Test
    void shouldDeferHolesToo() {
        kernel.map(AT, 10).write(AT, 4);
        SpaceTracker space = tracker(true);
        scan(space);
        space.sealed(epoch);
        kernel.drop(AT + PAGE, 2);
        assertEquals("1+2 ZERO", scan(space));
        space.defer(epoch, page(1), page(3));
        space.sealed(epoch);
        assertEquals("1+2 ZERO", scan(space));
        space.sealed(epoch);
        assertEquals("", scan(space));
    }

    @Test
    void shouldDeferNothingThatTheEpochHasNotReported() {
        kernel.map(AT, 20).write(AT, 20);
        SpaceTracker space = tracker(true);
        scan(space);
        space.sealed(epoch);
        kernel.write(AT, 1);
        scan(space);
        space.defer(epoch, page(1), PageBitmap.LIMIT_PAGES);
        space.sealed(epoch);
        assertEquals("", scan(space));
    }

    @Test
    void shouldKeepADeferredPageOwedWhenTheNextScanFails() {
        kernel.map(AT, 4).write(AT, 4).map(AT + 100L * PAGE, 10).write(AT + 100L * PAGE, 10);
        SpaceTracker space = tracker(true);
        scan(space);
        space.defer(epoch, page(105), page(108));
        space.sealed(epoch);
        kernel.beforeAnswer = () -> {
            throw new IllegalStateException("in the first mapping");
        };
        assertThrows(IllegalStateException.class, () -> scan(space));
        kernel.beforeAnswer = () -> {};
        space.sealed(epoch);
        assertEquals("105+3 BYTES", scan(space), "and that the failed scan was sealed ends no debt but its own");
    }

    @Test
    void shouldMergeOpenRunsAndGiveUpTheShortestAboveTheLimit() {
        PageRuns many = runs(0, 64);
        for (int i = 0; i < OpenRuns.RUNS_LIMIT; i++) {
            many.add(1, AT + (100L + 2 * i) * PAGE, 1, PageSource.BYTES);
        }
        many.add(1, AT + 64 * PAGE, 4, PageSource.BYTES);
        StringBuilder spans = new StringBuilder();

        OpenRuns.of(many).walk(1, AT + PAGE, AT + 100 * PAGE, (protect, from, to) -> {
            spans.append(protect).append((from - AT) / PAGE).append('-').append((to - AT) / PAGE).append(' ');
            return SpaceKernel.Outcome.COMPLETE;
        });

        assertEquals("false1-68 true68-100 ", spans.toString());
    }

    @Test
    void shouldTakeAChildsCleanSharedPagesFromItsParent() {
        kernel.map(AT, 10).write(AT, 6);
        SpaceTracker parent = tracker(true);
        scan(parent);
        parent.sealed(epoch);
        FakeKernel childKernel = new FakeKernel();
        childKernel.inherit(kernel);
        kernel.write(AT + PAGE, 1);
        childKernel.pages.get(AT + 2 * PAGE).frame = 77;
        scan(parent);
        kernel.write(AT + 4 * PAGE, 1);
        SpaceTracker child = new SpaceTracker(new AddressSpace(2, 2), childKernel, directory.resolve("child"), true);
        PageRuns runs = new PageRuns();
        child.scan(++epoch, Tasks.RUNNING, OpenRuns.NONE, new ForkSharing(parent), runs);
        assertEquals(
                "0+1 SAME_AS, 1+2 BYTES, 3+1 SAME_AS, 4+1 BYTES, 5+1 SAME_AS",
                text(runs),
                "1 is in the parent's debt, 2 has a frame of its own, 4 was written after the parent's scan");
    }

    private SpaceTracker tracker(boolean everything) {
        return new SpaceTracker(new AddressSpace(1, 1), kernel, directory.resolve("space"), everything);
    }

    private String scan(SpaceTracker space) {
        return scan(space, new PageRuns());
    }

    private String scan(SpaceTracker space, PageRuns open) {
        PageRuns runs = new PageRuns();
        space.scan(++epoch, Tasks.RUNNING, OpenRuns.of(open), null, runs);
        return text(runs);
    }

    private static PageRuns runs(int firstPage, int pages) {
        PageRuns runs = new PageRuns();
        runs.add(1, AT + (long) firstPage * PAGE, pages, PageSource.BYTES);
        return runs;
    }

    private static long page(int index) {
        return PageBitmap.page(AT) + index;
    }

    private String frozenScan(SpaceTracker space) {
        PageRuns runs = new PageRuns();
        space.scan(++epoch, Tasks.HELD, OpenRuns.NONE, null, runs);
        space.sealed(epoch);
        return text(runs);
    }

    private static String text(PageRuns runs) {
        StringBuilder text = new StringBuilder();
        for (int i = 0; i < runs.size(); i++) {
            text.append(i == 0 ? "" : ", ")
                    .append((runs.address(i) - AT) / PAGE)
                    .append('+')
                    .append(runs.pages(i));
            text.append(' ').append(runs.source(i));
        }
        return text.toString();
    }
}
