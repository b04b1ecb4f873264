package io.decamp.testkit.linux;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.decamp.linux.abi.FileAbi;
import io.decamp.linux.abi.PagemapAbi;
import io.decamp.linux.fd.FileDescriptor;
import io.decamp.linux.pagemap.PageMapScanner;
import io.decamp.linux.pagemap.PageMapScanner.Outcome;
import io.decamp.linux.pagemap.PageTableEntries;
import io.decamp.linux.pagemap.ScanRequest;
import io.decamp.linux.probe.KernelFeature;
import io.decamp.testkit.Kernel;
import io.decamp.testkit.Victim;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What a tracker sees of each thing that a process can do with its memory. */
@Timeout(120)
class WriteTrackingTest {
    private static final long PAGE = 4096;
    private static final long SIZE = 256 * PAGE;

    @BeforeEach
    void requireTheKernel() {
        Kernel.require(
                KernelFeature.PTRACE_ANY, KernelFeature.UFFD_WRITE_PROTECT_ASYNC, KernelFeature.PAGEMAP_SCAN);
    }

    @Test
    void shouldReportExactlyTheWrittenPages() {
        try (Victim victim = Victim.commander();
                Tracked tracked = new Tracked(victim)) {
            long at = filled(victim);
            tracked.begin(at, SIZE);
            victim.tell("write " + hex(at + 3 * PAGE) + " 1");
            victim.tell("write " + hex(at + 7 * PAGE + 5) + " 1");
            List<long[]> found = new ArrayList<>();

            Outcome outcome = tracked.scan(at, SIZE, found);

            assertEquals(Outcome.COMPLETE, outcome);
            assertEquals(List.of(at + 3 * PAGE, at + 7 * PAGE), found.stream().map(r -> r[0]).toList());
            assertEquals(0, tracked.writtenPages(at, SIZE));
        }
    }

    @Test
    void shouldReportWhatTheKernelWroteForTheProcess() {
        try (Victim victim = Victim.commander();
                Tracked tracked = new Tracked(victim)) {
            long at = filled(victim);
            tracked.begin(at, SIZE);

            assertEquals(20 * PAGE, victim.number("kernelwrite " + hex(at) + " " + 20 * PAGE));

            assertEquals(20, tracked.writtenPages(at, SIZE));
        }
    }

    @Test
    void shouldNotReportReads() {
        try (Victim victim = Victim.commander();
                Tracked tracked = new Tracked(victim)) {
            long at = filled(victim);
            tracked.begin(at, SIZE);

            assertEquals(0, victim.number("check " + hex(at) + " " + SIZE + " 1"));

            assertEquals(0, tracked.writtenPages(at, SIZE));
        }
    }

    @Test
    void shouldReportDiscardedPagesAsWrittenAndNotPresent() {
        try (Victim victim = Victim.commander();
                Tracked tracked = new Tracked(victim)) {
            long at = filled(victim);
            tracked.begin(at, SIZE);
            victim.tell("dontneed " + hex(at + PAGE) + " " + 2 * PAGE);
            List<long[]> found = new ArrayList<>();

            tracked.scan(at, SIZE, found);

            assertEquals(1, found.size());
            assertEquals(at + PAGE, found.getFirst()[0]);
            assertEquals(2, found.getFirst()[1]);
            assertEquals(0, found.getFirst()[2] & PagemapAbi.PAGE_IS_PRESENT);
            assertTrue((found.getFirst()[2] & PagemapAbi.PAGE_IS_WRITTEN) != 0);
        }
    }

    @Test
    void shouldSayThatANewMappingIsNotRegistered() {
        try (Victim victim = Victim.commander();
                Tracked tracked = new Tracked(victim)) {
            long at = filled(victim);

            assertEquals(Outcome.NOT_REGISTERED, tracked.scan(at, SIZE, new ArrayList<>()));

            tracked.register(at, SIZE);
            assertEquals(256, tracked.writtenPages(at, SIZE));
        }
    }

    @Test
    void shouldSayThatAMovedMappingIsNotRegistered() {
        try (Victim victim = Victim.commander();
                Tracked tracked = new Tracked(victim)) {
            long at = filled(victim);
            tracked.begin(at, SIZE);

            long moved = victim.address("move " + hex(at) + " " + SIZE);

            assertEquals(Outcome.NOT_REGISTERED, tracked.scan(moved, SIZE, new ArrayList<>()));
        }
    }

    @Test
    void shouldKeepTrackingTheParentAndNotTheChildOfAFork() {
        try (Victim victim = Victim.commander();
                Tracked tracked = new Tracked(victim)) {
            long at = filled(victim);
            tracked.begin(at, SIZE);

            int child = victim.fork();

            assertEquals(0, tracked.writtenPages(at, SIZE));
            try (PageMapScanner ofChild = PageMapScanner.open(child)) {
                assertEquals(
                        Outcome.NOT_REGISTERED,
                        ofChild.scan(ScanRequest.WRITTEN, at, at + SIZE, (from, to, categories) -> {}));
            }
        }
    }

    @Test
    void shouldSayThatTheMemoryIsGoneAfterAnExec() {
        try (Victim victim = Victim.commander();
                Tracked tracked = new Tracked(victim)) {
            long at = filled(victim);
            tracked.begin(at, SIZE);

            assertTrue(victim.tell("exec").startsWith("ready"));

            assertEquals(Outcome.GONE, tracked.scan(at, SIZE, new ArrayList<>()));
        }
    }

    @Test
    void shouldReportEveryRegionWhenTheyAreManyMoreThanOneCallHolds() {
        long large = 40_000 * 2 * PAGE;
        try (Victim victim = Victim.commander();
                Tracked tracked = new Tracked(victim)) {
            long at = victim.address("map " + large);
            tracked.begin(at, large);
            victim.tell("stride " + hex(at) + " " + large + " " + 2 * PAGE);
            List<long[]> found = new ArrayList<>();

            Outcome outcome = tracked.scan(at, large, found);

            assertEquals(Outcome.COMPLETE, outcome);
            assertEquals(40_000, found.size());
            for (int i = 0; i < found.size(); i++) {
                assertEquals(at + i * 2 * PAGE, found.get(i)[0]);
                assertEquals(1, found.get(i)[1]);
            }
            assertEquals(0, tracked.writtenPages(at, large));
        }
    }

    @Test
    void shouldReportEachRegionOnceWhenNothingIsProtected() {
        long large = 20_001 * 2 * PAGE;
        try (Victim victim = Victim.commander();
                PageMapScanner scanner = PageMapScanner.open(victim.pid())) {
            long at = victim.address("map " + large);
            victim.tell("stride " + hex(at) + " " + large + " " + 2 * PAGE);
            List<Long> starts = new ArrayList<>();

            scanner.scan(ScanRequest.RESIDENT, at, at + large, (from, to, categories) -> starts.add(from));

            assertEquals(20_001, starts.size());
            assertEquals(20_001, starts.stream().distinct().count());
        }
    }

    @Test
    void shouldTellWhichFramesTwoProcessesShare() {
        Kernel.require(KernelFeature.PAGE_FRAME_NUMBERS);
        try (Victim victim = Victim.commander()) {
            long at = filled(victim);
            int parent = victim.pid();
            int child = victim.fork();
            victim.tell("write " + hex(at + 2 * PAGE) + " 9");
            try (FileDescriptor ofParent = FileDescriptor.open("/proc/" + parent + "/pagemap", FileAbi.O_RDONLY, 0);
                    FileDescriptor ofChild = FileDescriptor.open("/proc/" + child + "/pagemap", FileAbi.O_RDONLY, 0);
                    PageTableEntries before = new PageTableEntries(ofParent, 256);
                    PageTableEntries after = new PageTableEntries(ofChild, 256)) {
                assertTrue(before.read(at, 256));
                assertTrue(after.read(at, 256));

                for (int i = 0; i < 256; i++) {
                    boolean same = PageTableEntries.frame(before.entry(i)) == PageTableEntries.frame(after.entry(i));
                    assertEquals(i != 2, same, "page " + i);
                }
            }
        }
    }

    private static long filled(Victim victim) {
        long at = victim.address("map " + SIZE);
        victim.tell("fill " + hex(at) + " " + SIZE + " 1");
        return at;
    }

    private static String hex(long address) {
        return Long.toHexString(address);
    }
}
