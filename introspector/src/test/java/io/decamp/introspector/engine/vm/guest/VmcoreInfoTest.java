package io.decamp.introspector.engine.vm.guest;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.decamp.introspector.engine.vm.guest.GuestFault.Reason;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.Test;

class VmcoreInfoTest {
    private static final String TEXT = "OSRELEASE=6.1.0-test\nBUILD-ID=1\nNUMBER(phys_base)=-4096\n"
            + "SYMBOL(swapper_pg_dir)=ffffffff94410000\nSYMBOL(kallsyms_num_syms)=ffffffff93b75588\n"
            + "NUMBER(pgtable_l5_enabled)=1\nKERNELOFFSET=11a00000\nNUMBER(KERNEL_IMAGE_SIZE)=1073741824\n";

    /** An ELF file with a note of QEMU's before the one that is looked for. */
    private static byte[] dump(String name, String text) {
        ByteBuffer elf = ByteBuffer.allocate(4096).order(ByteOrder.LITTLE_ENDIAN);
        elf.put(new byte[] {0x7f, 'E', 'L', 'F', 2, 1, 1});
        elf.putLong(32, 64).putShort(56, (short) 2);
        elf.putInt(64, 1);
        elf.putInt(120, 4);
        elf.position(200);
        note(elf, "QEMU", "x".repeat(13));
        note(elf, name, text);
        elf.putLong(120 + 8, 200).putLong(120 + 32, elf.position() - 200);
        return Arrays.copyOf(elf.array(), elf.position());
    }

    private static void note(ByteBuffer elf, String name, String text) {
        elf.putInt(name.length() + 1).putInt(text.length()).putInt(0);
        for (String part : new String[] {name + "\0", text}) {
            elf.put(part.getBytes(StandardCharsets.US_ASCII));
            while (elf.position() % 4 != 0) {
                elf.put((byte) 0);
            }
        }
    }

    @Test
    void shouldReadTheNoteOfADump() {
        VmcoreInfo info = VmcoreInfo.ofDump(dump("VMCOREINFO", TEXT));

        assertEquals("6.1.0-test", info.release());
        assertEquals(-4096, info.physBase());
        assertEquals(0x11a0_0000, info.kernelOffset());
        assertEquals(0xffff_ffff_9441_0000L, info.symbol("swapper_pg_dir"));
        assertTrue(info.fiveLevels());
        assertEquals(1 << 30, info.imageBytes());
        assertFalse(info.hasSymbol("none"));
        assertEquals(VmcoreInfo.parse(info.toString()).toString(), info.toString());
    }

    @Test
    void shouldSayHowToGetAMissingNote() {
        GuestFault fault = assertThrows(GuestFault.class, () -> VmcoreInfo.ofDump(dump("OTHER", TEXT)));

        assertTrue(fault.getMessage().contains("-device vmcoreinfo"), fault.getMessage());
    }

    @Test
    void shouldRefuseTextThatLacksOrSpoilsWhatIsNeeded() {
        for (String key : new String[] {"OSRELEASE", "NUMBER(phys_base)", "SYMBOL(swapper_pg_dir)"}) {
            refuse(() -> VmcoreInfo.parse(TEXT.replace(key, "OTHER")));
        }
        refuse(() -> VmcoreInfo.parse(TEXT.replace("-4096", "4O96")));
        refuse(() -> VmcoreInfo.parse(TEXT.replace("=1073741824", "=-1")).imageBytes());
        refuse(() -> VmcoreInfo.parse(TEXT).symbol("none"));
        refuse(() -> VmcoreInfo.ofDump(new byte[10]));
        refuse(() -> VmcoreInfo.ofDump(new byte[100]));
    }

    private static void refuse(Runnable read) {
        assertEquals(Reason.FORMAT, assertThrows(GuestFault.class, read::run).reason());
    }

    @Test
    void shouldEitherRefuseDamageOrAnswer() {
        byte[] whole = dump("VMCOREINFO", TEXT);
        int refused = 0;
        for (int seed = 0; seed < 20_000; seed++) {
            Random random = new Random(seed);
            byte[] damaged = Arrays.copyOf(whole, whole.length - (seed % 3 == 0 ? random.nextInt(whole.length) : 0));
            for (int i = 0; i < 3 && damaged.length > 0; i++) {
                damaged[random.nextInt(Math.min(damaged.length, seed % 2 == 0 ? 240 : 4096))] = (byte) random.nextInt();
            }
            try {
                VmcoreInfo.ofDump(damaged);
            } catch (GuestFault e) {
                refused++;
            } catch (RuntimeException e) {
                throw new AssertionError("seed " + seed, e);
            }
        }
        assertTrue(refused > 1000 && refused < 20_000, "refused " + refused);
    }
}
