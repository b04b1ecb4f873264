package io.decamp.introspector.engine.vm.guest;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.decamp.contracts.error.DecampException;
import io.decamp.introspector.engine.vm.guest.GuestFault.Reason;
import java.lang.management.ManagementFactory;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * A guest that lies: recorded memory with damage in it. Each reading ends soon, with little memory, in an answer or in
 * a named error; never in an exception of the JVM's, a loop, or a heap that is full.
 */
class HostileGuestTest {
    /** More by {@code -Ddecamp.fuzz.rounds}; seeds go on where these end. */
    private static final int ROUNDS = Integer.getInteger("decamp.fuzz.rounds", 1000);

    private static final int ROUNDS_OF_TABLES = ROUNDS / 15;
    /** Of processor time; a reading takes some milliseconds. */
    private static final long LIMIT_NANOS = 5_000_000_000L;
    /** The recorded guest has 8 MiB; attaching copies its tables. */
    private static final long LIMIT_BYTES = 256L << 20;

    private static final long[] NASTY = {
        0, 1, -1, 0xfff, Long.MIN_VALUE, Long.MAX_VALUE, 0xffff_ffff_8000_0000L, 0xffff_8880_0000_0000L, 1L << 46
    };

    private static final com.sun.management.ThreadMXBean THREADS =
            (com.sun.management.ThreadMXBean) ManagementFactory.getThreadMXBean();

    static java.util.List<String> names() {
        return RecordedGuest.NAMES;
    }

    @BeforeAll
    static void warmUp() {
        names().forEach(name -> readAll(RecordedGuest.load(name)));
    }

    private static Map<String, String> readAll(RecordedGuest guest) {
        return GuestReadings.of(guest.attach(), guest.init());
    }

    /** Damage where the readers look after attaching: objects, lists, trees, page tables. */
    @ParameterizedTest
    @MethodSource("names")
    void shouldSurviveDamagedObjects(String name) {
        RecordedGuest guest = RecordedGuest.load(name);
        RecordedGuest.Image image = guest.image();
        GuestKernel kernel = image.attach();
        byte[] whole = image.memory().clone();
        int[] outcomes = new int[2];
        for (int round = 0; round < ROUNDS; round++) {
            long seed = seed(name, round);
            damage(new Random(seed), 1 << round % 9, image.memory());
            outcomes[bounded(seed, () -> GuestReadings.of(kernel, guest.init())) ? 0 : 1]++;
            System.arraycopy(whole, 0, image.memory(), 0, whole.length);
        }
        System.out.println(name + ": " + outcomes[0] + " answers, " + outcomes[1] + " errors");
        assertTrue(outcomes[0] > ROUNDS / 20 && outcomes[1] > ROUNDS / 20, "damage that is all the same");
        assertEquals("", GuestFacts.differences(guest.facts(), GuestReadings.of(kernel, guest.init())));
    }

    /** Damage in the tables that attaching takes over: kallsyms, BTF, page tables of the kernel. */
    @ParameterizedTest
    @MethodSource("names")
    void shouldSurviveDamagedTables(String name) {
        RecordedGuest guest = RecordedGuest.load(name);
        GuestKernel kernel = guest.attach();
        long types = kernel.symbol("__start_BTF");
        long[] tables = {
            types, types + 4096, types + 65536, types + 500_000,
            guest.info().symbol("kallsyms_names"), guest.info().symbol("kallsyms_token_table"),
            guest.info().symbol("kallsyms_token_index"), guest.info().symbol("kallsyms_offsets"),
            guest.info().symbol("kallsyms_num_syms"), guest.info().symbol("kallsyms_relative_base"),
            kernel.symbol("nr_cpu_ids"), kernel.symbol("page_offset_base")
        };
        for (int round = 0; round < ROUNDS_OF_TABLES; round++) {
            RecordedGuest.Image image = guest.image();
            long seed = seed(name, -1 - round);
            Random random = new Random(seed);
            int at = (int) image.ram().fileOffset(kernel.physical(tables[round % tables.length]));
            for (int i = 0; i < 4; i++) {
                int word = at + (random.nextBoolean() ? random.nextInt(8) : random.nextInt(2048) & -4);
                image.memory()[Math.min(word, image.memory().length - 1)] = (byte) random.nextInt();
            }
            bounded(seed, () -> GuestReadings.of(image.attach(), guest.init()));
        }
    }

    private static long seed(String name, int round) {
        return name.hashCode() * 31L + round;
    }

    /**
     * In the pages that are objects or page tables, not in those of symbols and types: bytes, pointers, whole pages.
     */
    private static void damage(Random random, int count, byte[] memory) {
        ByteBuffer words = ByteBuffer.wrap(memory).order(ByteOrder.LITTLE_ENDIAN);
        int pages = memory.length / GuestRam.PAGE_BYTES;
        for (int left = count; left > 0; left--) {
            int page = random.nextInt(pages) * GuestRam.PAGE_BYTES;
            int word = page + random.nextInt(GuestRam.PAGE_BYTES / 8) * 8;
            long old = words.getLong(word);
            switch (random.nextInt(5)) {
                case 0 -> words.putLong(word, NASTY[random.nextInt(NASTY.length)]);
                case 1 -> words.putLong(word, old ^ 1L << random.nextInt(64));
                // a pointer to somewhere else in the recording: circles and objects of the wrong type
                case 2 -> words.putLong(word, words.getLong(random.nextInt(memory.length / 8) * 8));
                case 3 -> words.putLong(word, old + 8L * random.nextInt(512));
                default -> {
                    int other = random.nextInt(pages) * GuestRam.PAGE_BYTES;
                    System.arraycopy(memory, other, memory, page, GuestRam.PAGE_BYTES);
                }
            }
        }
    }

    /** @return whether there was an answer */
    private static boolean bounded(long seed, Runnable reading) {
        long thread = Thread.currentThread().threadId();
        long bytes = THREADS.getThreadAllocatedBytes(thread);
        long begin = THREADS.getCurrentThreadCpuTime();
        boolean answered = true;
        try {
            reading.run();
        } catch (GuestFault | DecampException | java.util.NoSuchElementException e) {
            answered = false;
        } catch (RuntimeException | Error e) {
            throw new AssertionError("seed " + seed + " ends in " + e, e);
        }
        assertTrue(THREADS.getCurrentThreadCpuTime() - begin < LIMIT_NANOS, "seed " + seed + " took too long");
        long allocated = THREADS.getThreadAllocatedBytes(thread) - bytes;
        assertTrue(allocated < LIMIT_BYTES, "seed " + seed + " took " + allocated + " bytes");
        return answered;
    }

    private static RecordedGuest.Image poke(RecordedGuest guest, GuestKernel kernel, Map<Long, Long> words) {
        RecordedGuest.Image image = guest.image();
        words.forEach((va, value) -> ByteBuffer.wrap(image.memory())
                .order(ByteOrder.LITTLE_ENDIAN)
                .putLong((int) image.ram().fileOffset(kernel.physical(va)), value));
        return image;
    }

    @Test
    void shouldSeeAListThatRunsInACircle() {
        RecordedGuest guest = RecordedGuest.load("guest-6.1");
        GuestKernel kernel = guest.attach();
        KernelObject task = new GuestTasks(kernel).find(guest.init()).orElseThrow();
        // the list never comes back to its head
        long link = task.addressOf("tasks");
        GuestKernel lying = poke(guest, kernel, Map.of(link, link)).attach();

        GuestFault fault = assertThrows(GuestFault.class, () -> new GuestTasks(lying).all());

        assertEquals(Reason.BOUND, fault.reason());
    }

    @Test
    void shouldRefuseMoreDescriptorsThanATableHas() {
        RecordedGuest guest = RecordedGuest.load("guest-6.1");
        GuestKernel kernel = guest.attach();
        KernelObject table = new GuestTasks(kernel).find(guest.init()).orElseThrow().follow("files").follow("fdt");

        GuestFault fault = assertThrows(GuestFault.class, () -> table.numbers("open_fds", Integer.MAX_VALUE));

        assertEquals(Reason.BOUND, fault.reason());
    }

    @Test
    void shouldRefuseAMapleTreeThatContainsItself() {
        RecordedGuest guest = RecordedGuest.load("guest-6.1");
        GuestKernel kernel = guest.attach();
        KernelObject mm = new GuestTasks(kernel).find(guest.init()).orElseThrow().follow("mm");
        long root = mm.number("mm_mt.ma_root");
        Map<Long, Long> slots = new TreeMap<>();
        long node = root & ~0xff;
        for (int i = 1; i < 16; i++) {
            slots.put(node + i * 8, (long) i);
        }
        // an inner node whose children all are itself
        long inner = node | 2 << 3 | 2;
        for (int i = 16; i < 32; i++) {
            slots.put(node + i * 8, inner);
        }
        slots.put(mm.addressOf("mm_mt.ma_root"), inner);
        GuestKernel lying = poke(guest, kernel, slots).attach();

        GuestFault fault = assertThrows(
                GuestFault.class, () -> new GuestVmas(lying).of(lying.object("mm_struct", mm.address())));

        assertEquals(Reason.BOUND, fault.reason());
    }

    @Test
    void shouldRefuseDirectoriesThatContainEachOther() {
        RecordedGuest guest = RecordedGuest.load("guest-6.1");
        GuestKernel kernel = guest.attach();
        KernelObject pwd = new GuestTasks(kernel).find(guest.init()).orElseThrow().follow("fs").at("pwd");
        KernelObject dentry = pwd.follow("dentry");
        KernelObject parent = dentry.follow("d_parent");
        KernelObject mount = pwd.follow("mnt");
        GuestKernel lying = poke(
                        guest,
                        kernel,
                        Map.of(
                                parent.addressOf("d_parent"), dentry.address(),
                                mount.addressOf("mnt_root"), 0xffff_8880_1234_5000L))
                .attach();

        GuestFault fault =
                assertThrows(GuestFault.class, () -> new GuestPaths(lying).path(lying.object("path", pwd.address())));

        assertEquals(Reason.BOUND, fault.reason());
    }

    @Test
    void shouldRefuseASymbolTableWithoutEnd() {
        RecordedGuest guest = RecordedGuest.load("guest-6.12");
        GuestKernel kernel = guest.attach();
        for (long count : new long[] {0, -1, Integer.MIN_VALUE & 0xffff_ffffL, Kallsyms.MAX_SYMBOLS + 1L, 1_000_000}) {
            RecordedGuest.Image image = poke(guest, kernel, Map.of(guest.info().symbol("kallsyms_num_syms"), count));

            assertThrows(GuestFault.class, image::attach, "count " + count);
        }
    }
}
