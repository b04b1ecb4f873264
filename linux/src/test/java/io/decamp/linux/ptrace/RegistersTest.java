package io.decamp.linux.ptrace;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import io.decamp.linux.libc.Arch;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class RegistersTest {
    @TempDir
    private Path directory;

    /** gcc lays a call out in struct user_regs_struct; ours must be the same bytes. */
    @Test
    void shouldLayACallOutAsTheHeaderDoes() throws Exception {
        Assumptions.assumeTrue(Arch.current() == Arch.X86_64, "struct user_regs_struct is x86_64's");
        byte[] expected = laidOutByC();
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment registers = arena.allocate(Registers.X86_64.bytes(), 8);
            registers.fill((byte) 0x55);

            Registers.X86_64.prepare(registers, 0x1111, 323, 0x2222);

            assertArrayEquals(expected, registers.toArray(ValueLayout.JAVA_BYTE));
            assertEquals(0x1111, Registers.X86_64.programCounter(registers));
            assertEquals(323, Registers.X86_64.result(registers));
        }
    }

    /** struct user_pt_regs: x0..x30, sp, pc, pstate. */
    @Test
    void shouldLayACallOutForArm64() {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment registers = arena.allocate(Registers.ARM64.bytes(), 8);
            registers.fill((byte) 0x55);

            Registers.ARM64.prepare(registers, 0x1111, 282, 0x2222);

            assertEquals(0x2222, registers.getAtIndex(ValueLayout.JAVA_LONG, 0));
            assertEquals(0, registers.getAtIndex(ValueLayout.JAVA_LONG, 1));
            assertEquals(282, registers.getAtIndex(ValueLayout.JAVA_LONG, 8));
            assertEquals(0x1111, registers.getAtIndex(ValueLayout.JAVA_LONG, 32));
            assertEquals(34 * Long.BYTES, Registers.ARM64.bytes());
        }
    }

    private byte[] laidOutByC() throws Exception {
        Path source = Files.writeString(directory.resolve("r.c"), """
                #include <stdio.h>
                #include <string.h>
                #include <sys/user.h>
                int main(void) {
                    struct user_regs_struct r;
                    memset(&r, 0x55, sizeof r);
                    r.rip = 0x1111; r.rax = 323; r.orig_rax = -1;
                    r.rdi = 0x2222; r.rsi = r.rdx = r.r10 = 0;
                    return fwrite(&r, sizeof r, 1, stdout) != 1;
                }
                """);
        Path program = directory.resolve("r");
        assertEquals(0, new ProcessBuilder("gcc", "-o", program.toString(), source.toString()).start().waitFor());
        return new ProcessBuilder(program.toString()).start().getInputStream().readAllBytes();
    }
}
