package io.decamp.testkit.linux;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.decamp.linux.memory.IoBatch;
import io.decamp.linux.memory.ProcessMemory;
import io.decamp.linux.memory.ProcessMemory.Outcome;
import io.decamp.linux.probe.KernelFeature;
import io.decamp.testkit.Kernel;
import io.decamp.testkit.Victim;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class ProcessMemoryTest {
    private static final long PAGE = 4096;
    private static final int PAGES = 2000;
    private static final long SIZE = PAGES * PAGE;

    private final Arena arena = Arena.ofAuto();
    private final MemorySegment here = arena.allocate(SIZE, PAGE);
    private final IoBatch batch = new IoBatch();

    @BeforeEach
    void requireTheKernel() {
        Kernel.require(KernelFeature.PTRACE_ANY, KernelFeature.PROCESS_VM_READV);
    }

    @Test
    void shouldCopyScatteredPagesToWhereTheyBelong() {
        try (Victim victim = Victim.commander();
                ProcessMemory memory = ProcessMemory.open(victim.pid())) {
            long at = filled(victim);
            for (int page = PAGES - 1; page >= PAGES - IoBatch.CAPACITY; page--) {
                batch.add(at + page * PAGE, here.address() + page * PAGE, PAGE);
            }

            Outcome outcome = memory.read(batch);

            assertEquals(Outcome.COMPLETE, outcome);
            assertEquals(0, batch.leftBytes());
            assertPattern(at, PAGES - IoBatch.CAPACITY, PAGES);
        }
    }

    @Test
    void shouldStopExactlyWhereNothingIsMappedAndGoOnBehind() {
        try (Victim victim = Victim.commander();
                ProcessMemory memory = ProcessMemory.open(victim.pid())) {
            long at = filled(victim);
            victim.tell("unmap " + hex(at + 10 * PAGE) + " " + 3 * PAGE);
            batch.add(at, here.address(), 7 * PAGE);
            batch.add(at + 7 * PAGE, here.address() + 7 * PAGE, SIZE - 7 * PAGE);

            Outcome first = memory.read(batch);
            long stoppedAt = batch.remoteAddress();
            batch.advance(3 * PAGE);
            Outcome second = memory.read(batch);

            assertEquals(Outcome.UNMAPPED, first);
            assertEquals(at + 10 * PAGE, stoppedAt);
            assertEquals(Outcome.COMPLETE, second);
            assertPattern(at, 0, 10);
            assertPattern(at, 13, PAGES);
        }
    }

    @Test
    void shouldReadWhatTheProcessItselfMayNot() {
        try (Victim victim = Victim.commander();
                ProcessMemory memory = ProcessMemory.open(victim.pid())) {
            long at = filled(victim);
            victim.tell("protect " + hex(at + 5 * PAGE) + " " + 5 * PAGE + " 0");
            batch.add(at, here.address(), SIZE);

            Outcome outcome = memory.read(batch);

            assertEquals(Outcome.COMPLETE, outcome);
            assertPattern(at, 0, PAGES);
        }
    }

    @Test
    void shouldWriteIntoTheProcess() {
        try (Victim victim = Victim.commander();
                ProcessMemory memory = ProcessMemory.open(victim.pid())) {
            long at = victim.address("map " + SIZE);
            for (long i = 0; i < SIZE; i++) {
                here.set(ValueLayout.JAVA_BYTE, i, pattern(at + i, 1));
            }
            batch.add(at, here.address(), SIZE);

            Outcome outcome = memory.write(batch);

            assertEquals(Outcome.COMPLETE, outcome);
            assertEquals(0, victim.number("check " + hex(at) + " " + SIZE + " 1"));
        }
    }

    @Test
    void shouldNotTakeTheMemoryOfASuccessorForThatOfTheProcess() {
        try (Victim victim = Victim.commander();
                ProcessMemory memory = ProcessMemory.open(victim.pid())) {
            long at = filled(victim);
            assertTrue(victim.tell("exec").startsWith("ready"));
            batch.add(at, here.address(), PAGE);

            Outcome outcome = memory.read(batch);

            assertEquals(Outcome.GONE, outcome);
            assertFalse(memory.isAlive());
        }
    }

    @Test
    void shouldSayThatTheProcessIsGone() {
        Victim victim = Victim.commander();
        try (ProcessMemory memory = ProcessMemory.open(victim.pid())) {
            long at = filled(victim);
            victim.close();
            batch.add(at, here.address(), PAGE);

            Outcome outcome = memory.read(batch);

            assertEquals(Outcome.GONE, outcome);
        } finally {
            victim.close();
        }
    }

    private void assertPattern(long at, int fromPage, int toPage) {
        for (long i = fromPage * PAGE; i < toPage * PAGE; i++) {
            if (here.get(ValueLayout.JAVA_BYTE, i) != pattern(at + i, 1)) {
                assertEquals(pattern(at + i, 1), here.get(ValueLayout.JAVA_BYTE, i), "byte " + i);
            }
        }
    }

    private static byte pattern(long address, int seed) {
        return (byte) ((address >> 12) * 31 + address * 7 + seed);
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
