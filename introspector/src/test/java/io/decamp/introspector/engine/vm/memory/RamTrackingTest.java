package io.decamp.introspector.engine.vm.memory;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.decamp.contracts.error.DecampException;
import io.decamp.linux.probe.KernelFeature;
import io.decamp.linux.qemu.Qmp;
import io.decamp.linux.qemu.QemuRam;
import io.decamp.testkit.Host;
import io.decamp.testkit.Kernel;
import io.decamp.testkit.Procs;
import io.decamp.testkit.Scratch;
import io.decamp.testkit.Trees;
import io.decamp.testkit.vm.GuestSpec;
import io.decamp.testkit.vm.GuestVm;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;
import java.util.function.Supplier;
import java.util.zip.CRC32C;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** What the stamps say of a real guest's memory, compared with its content while the VM is paused. */
class RamTrackingTest {
    private static final int PAGE = RamTracking.PAGE_BYTES;

    private static GuestVm guest;
    private static Path memory;
    private QemuRam ram;
    private RamTracking tracking;

    @BeforeAll
    static void boot() throws IOException {
        Kernel.require(KernelFeature.UFFD_WRITE_PROTECT_ASYNC, KernelFeature.PAGEMAP_SCAN, KernelFeature.PIDFD_GETFD);
        Host.requireGuests();
        guest = GuestVm.boot(GuestSpec.named("stamps").withMemoryMib(256));
        memory = Scratch.onTmpfs("decamp-stamps");
    }

    @AfterAll
    static void shutDown() {
        if (guest != null) {
            guest.close();
            Trees.delete(memory);
        }
    }

    @BeforeEach
    void track() {
        ram = withMonitor(qmp -> QemuRam.find(guest.name(), qmp));
        tracking = RamTracking.open(ram, memory.resolve("vm"));
    }

    @AfterEach
    void untrack() {
        tracking.end();
        ram.close();
    }

    @Test
    void shouldStampEveryPageThatTheGuestHasWritten() {
        guest.shell("(while :; do dd if=/dev/urandom of=/tmp/noise bs=64k count=16 2>/dev/null; done) & "
                        + "echo $! > /tmp/pid")
                .check();
        int[] number = {0};
        int[] before = paused(() -> refreshed(number));
        List<String> missed = new ArrayList<>();
        int changed = 0;
        for (int round = 0; round < 4; round++) {
            guest.shell("dd if=/dev/zero of=/tmp/file" + round + " bs=1M count=4 2>/dev/null").check();
            int last = number[0];
            int[] now = paused(() -> refreshed(number));
            for (int page = 0; page < now.length; page++) {
                if (now[page] != before[page]) {
                    changed++;
                    if (tracking.stamp(page) <= last) {
                        missed.add("round " + round + " page " + page);
                    }
                }
            }
            before = now;
        }
        guest.shell("kill $(cat /tmp/pid)").check();
        assertTrue(changed > 4000, "pages that changed: " + changed);
        assertEquals(List.of(), missed);
    }

    @Test
    void shouldLeaveMostOfAnIdleGuestUnstamped() {
        tracking.refresh();
        int seen = tracking.refresh();
        long began = System.nanoTime();
        int last = tracking.refresh();
        long micros = (System.nanoTime() - began) / 1000;
        long written = 0;
        for (long page = 0; page < tracking.pages(); page++) {
            written += tracking.stamp(page) > seen ? 1 : 0;
        }
        System.out.println("refresh of 256 MiB: " + micros + " us, " + written + " pages written");
        assertTrue(last > seen);
        assertTrue(written < tracking.pages() / 10, written + " of " + tracking.pages() + " pages");
    }

    @Test
    void shouldGoOnWhereAKilledServiceStopped() {
        long id = tracking.id();
        int seen = tracking.refresh();
        tracking.close();
        guest.shell("dd if=/dev/urandom of=/tmp/while-down bs=1M count=2 2>/dev/null").check();
        tracking = RamTracking.open(ram, memory.resolve("vm"));
        assertEquals(id, tracking.id());
        int number = tracking.refresh();
        assertTrue(number > seen);
        assertTrue(stampedWith(number) > 2 * 256, "pages found written: " + stampedWith(number));
        assertTrue(stampedWith(number) < tracking.pages() / 2, "pages found written: " + stampedWith(number));
    }

    @Test
    void shouldSuspectEveryPageWhenTheKeeperIsGone() throws IOException {
        long id = tracking.id();
        tracking.refresh();
        tracking.close();
        Procs.killAndAwait(Long.parseLong(
                Files.readAllLines(memory.resolve("vm/keeper")).getFirst().split(" ")[0]));
        tracking = RamTracking.open(ram, memory.resolve("vm"));
        assertNotEquals(id, tracking.id());
        int number = tracking.refresh();
        assertEquals(tracking.pages(), stampedWith(number));
    }

    @Test
    void shouldLeaveNothingBehindInQemu() throws IOException {
        tracking.refresh();
        tracking.end();
        String smaps = Files.readString(Path.of("/proc/" + guest.pid() + "/smaps"));
        assertFalse(smaps.contains(" uw "), "still registered");
        assertFalse(Files.exists(memory.resolve("vm")));
        assertTrue(guest.shell("echo alive").output().contains("alive"));
        tracking = RamTracking.open(ram, memory.resolve("vm"));
    }

    @Test
    void shouldNameAVmWhoseQemuHasEnded() {
        try (GuestVm other = GuestVm.boot(GuestSpec.named("ended").withMemoryMib(192))) {
            QemuRam gone;
            try (Qmp qmp = Qmp.connect(other.qmp())) {
                gone = QemuRam.find(other.name(), qmp);
            }
            RamTracking orphan = RamTracking.open(gone, memory.resolve("other"));
            other.kill();
            DecampException said = assertThrows(DecampException.class, orphan::refresh);
            assertEquals("vm-gone", said.code());
            orphan.end();
            gone.close();
        }
    }

    private int[] refreshed(int[] number) {
        number[0] = tracking.refresh();
        return checksums();
    }

    private long stampedWith(int number) {
        long count = 0;
        for (long page = 0; page < tracking.pages(); page++) {
            count += tracking.stamp(page) == number ? 1 : 0;
        }
        return count;
    }

    private static <T> T withMonitor(Function<Qmp, T> action) {
        try (Qmp qmp = Qmp.connect(guest.qmp())) {
            return action.apply(qmp);
        }
    }

    private static int[] paused(Supplier<int[]> action) {
        return withMonitor(qmp -> {
            qmp.execute("stop");
            try {
                return action.get();
            } finally {
                qmp.execute("cont");
            }
        });
    }

    private int[] checksums() {
        int[] sums = new int[(int) tracking.pages()];
        ByteBuffer page = ByteBuffer.allocateDirect(PAGE);
        CRC32C crc = new CRC32C();
        try (FileChannel file = FileChannel.open(ram.path())) {
            for (int i = 0; i < sums.length; i++) {
                page.clear();
                file.read(page, (long) i * PAGE);
                crc.reset();
                crc.update(page.flip());
                sums[i] = (int) crc.getValue();
            }
            return sums;
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }
}
