package io.decamp.introspector.engine.vm.guest;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.decamp.introspector.engine.vm.guest.GuestFault.Reason;
import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.OptionalLong;
import java.util.Random;
import org.junit.jupiter.api.Test;

/**
 * A symbol table as {@code scripts/kallsyms.c} writes it, of tokens that are single characters and a few that are
 * longer.
 */
class KallsymsTest {
    private static final long IMAGE = 0xffff_ffff_8000_0000L;
    private static final long BASE = IMAGE + 0x10_0000;
    private static final int NAMES = 0x1000;
    private static final int TOKENS = 0x8000;
    private static final int INDEX = 0x9000;
    private static final int OFFSETS = 0xa000;
    private static final int COUNT = 0xf000;
    private static final int RELATIVE_BASE = 0xf100;

    private final ByteBuffer memory = ByteBuffer.allocate(0x10000).order(ByteOrder.LITTLE_ENDIAN);
    private final ByteArrayOutputStream names = new ByteArrayOutputStream();
    private int count;

    KallsymsTest() {
        int at = 0;
        for (int i = 0; i < 256; i++) {
            byte[] token = (i == 200 ? "init_" : i == 201 ? "task" : String.valueOf((char) Math.max(1, i % 128)))
                    .getBytes(StandardCharsets.ISO_8859_1);
            memory.position(INDEX + 2 * i).putShort((short) at);
            memory.position(TOKENS + at).put(token).put((byte) 0);
            at += token.length + 1;
        }
        memory.putLong(RELATIVE_BASE, BASE);
    }

    private void symbol(String packed, int offset) {
        byte[] tokens = packed.getBytes(StandardCharsets.ISO_8859_1);
        if (tokens.length > 127) {
            names.write(tokens.length & 0x7f | 0x80);
            names.write(tokens.length >> 7);
        } else {
            names.write(tokens.length);
        }
        names.writeBytes(tokens);
        memory.putInt(OFFSETS + 4 * count++, offset);
    }

    /** Not per-cpu, as kernels before 6.15 store it. */
    private static int negative(long address) {
        return (int) (BASE - 1 - address);
    }

    private Kallsyms read() {
        memory.position(NAMES).put(names.toByteArray());
        memory.putInt(COUNT, count);
        VmcoreInfo info = VmcoreInfo.parse("OSRELEASE=test\nNUMBER(phys_base)=0\n" + line("swapper_pg_dir", 0)
                + line("kallsyms_num_syms", COUNT) + line("kallsyms_names", NAMES)
                + line("kallsyms_token_table", TOKENS) + line("kallsyms_token_index", INDEX)
                + line("kallsyms_offsets", OFFSETS) + line("kallsyms_relative_base", RELATIVE_BASE)
                + line("known", 0x10_1000));
        return Kallsyms.read(
                (va, length) -> {
                    long at = va - IMAGE;
                    if (at < 0 || at + length > memory.capacity()) {
                        throw GuestFault.unmapped(va, "a test");
                    }
                    byte[] bytes = new byte[length];
                    memory.get((int) at, bytes);
                    return bytes;
                },
                info,
                "known");
    }

    private static String line(String symbol, long offset) {
        return "SYMBOL(" + symbol + ")=" + Long.toHexString(IMAGE + offset) + "\n";
    }

    @Test
    void shouldFindSymbolsOfTokens() {
        symbol("Dknown", negative(IMAGE + 0x10_1000));
        symbol("D\u00c8\u00c9", negative(IMAGE + 0x10_2000));
        symbol("A\u00c9", 0x1f000);
        Kallsyms symbols = read();

        assertEquals(OptionalLong.of(IMAGE + 0x10_2000), symbols.find("init_task"));
        assertEquals(OptionalLong.of(0x1f000), symbols.find("task"));
        assertEquals(OptionalLong.empty(), symbols.find("init_"));
        assertEquals(OptionalLong.empty(), symbols.find("init_task2"));
        assertEquals(3, symbols.count());
    }

    @Test
    void shouldTakeOffsetsAsKernelsSince615StoreThem() {
        symbol("Dknown", 0x1000);
        symbol("Dfar", 0x9000_0000);
        Kallsyms symbols = read();

        assertEquals(OptionalLong.of(BASE + 0x9000_0000L), symbols.find("far"));
    }

    @Test
    void shouldTakeTheFirstOfSeveralAndLongNames() {
        String longName = "x".repeat(300);
        symbol("d" + longName, negative(BASE));
        symbol("dtwice", negative(BASE + 1));
        symbol("Dknown", negative(IMAGE + 0x10_1000));
        symbol("dtwice", negative(BASE + 2));
        Kallsyms symbols = read();

        assertEquals(OptionalLong.of(BASE), symbols.find(longName));
        assertEquals(OptionalLong.of(BASE + 1), symbols.find("twice"));
    }

    @Test
    void shouldRefuseATableThatContradictsVmcoreInfo() {
        symbol("Dknown", negative(IMAGE + 0x10_1008));
        refuse();
    }

    @Test
    void shouldRefuseATableWithoutTheKnownSymbol() {
        symbol("Dother", negative(IMAGE + 0x10_1000));
        refuse();
    }

    @Test
    void shouldRefuseTokensAndNamesWithoutEnd() {
        symbol("Dknown", negative(IMAGE + 0x10_1000));
        memory.putShort(INDEX + 2 * 'k', (short) -1);
        refuse();
        memory.position(TOKENS).put(new byte[0x800]);
        memory.position(TOKENS).put("y".repeat(0x800).getBytes(StandardCharsets.US_ASCII));
        refuse();
    }

    private void refuse() {
        assertEquals(Reason.FORMAT, assertThrows(GuestFault.class, this::read).reason());
    }

    @Test
    void shouldEitherRefuseDamageOrAnswer() {
        symbol("Dknown", negative(IMAGE + 0x10_1000));
        for (int i = 0; i < 50; i++) {
            symbol("d\u00c8" + i, negative(BASE + i));
        }
        read();
        byte[] whole = memory.array().clone();
        byte[] packed = names.toByteArray();
        int refused = 0;
        for (int seed = 0; seed < 3000; seed++) {
            Random random = new Random(seed);
            System.arraycopy(whole, 0, memory.array(), 0, whole.length);
            names.reset();
            byte[] damaged = packed.clone();
            damaged[random.nextInt(damaged.length)] = (byte) random.nextInt();
            names.writeBytes(damaged);
            memory.put(INDEX + random.nextInt(512), (byte) random.nextInt());
            memory.putInt(OFFSETS + random.nextInt(200), random.nextInt());
            try {
                read().find("init_3");
            } catch (GuestFault e) {
                refused++;
            } catch (RuntimeException e) {
                throw new AssertionError("seed " + seed, e);
            }
        }
        assertTrue(refused > 0 && refused < 3000, "refused " + refused);
    }
}
