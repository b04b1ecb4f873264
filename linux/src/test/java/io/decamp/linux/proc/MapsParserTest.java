package io.decamp.linux.proc;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class MapsParserTest {
    private static final String MAPS = """
            55d0c0a00000-55d0c0a02000 r--p 00000000 fd:01 1310 /usr/bin/a b (deleted)
            55d0c1e2f000-55d0c1e50000 rw-p 00000000 00:00 0                          [heap]
            7f1c2c000000-7f1c2c021000 rw-p 00000000 00:00 0\s
            7f1c2c021000-7f1c30000000 ---p 00000000 00:00 0
            7f1c34000000-7f1c34001000 rw-s 00001000 00:01 2049                       /memfd:x
            7f1c35000000-7f1c35001000 rw-p 00000000 00:00 0                          [anon:glibc: malloc]
            7ffd1b5a6000-7ffd1b5c7000 rw-p 00000000 00:00 0                          [stack]
            7ffd1b5f6000-7ffd1b5fa000 r--p 00000000 00:00 0                          [vvar]
            7ffd1b5fc000-7ffd1b5fe000 r-xp 00000000 00:00 0                          [vdso]
            ffffffffff600000-ffffffffff601000 --xp 00000000 00:00 0                  [vsyscall]
            """;

    @Test
    void shouldTellWhatEachMappingIs() {
        List<Vma> vmas = MapsParser.parse(MAPS);

        assertEquals(
                List.of(
                        Vma.Kind.FILE_PRIVATE,
                        Vma.Kind.HEAP,
                        Vma.Kind.ANONYMOUS_PRIVATE,
                        Vma.Kind.ANONYMOUS_PRIVATE,
                        Vma.Kind.SHARED,
                        Vma.Kind.ANONYMOUS_PRIVATE,
                        Vma.Kind.STACK,
                        Vma.Kind.KERNEL,
                        Vma.Kind.KERNEL,
                        Vma.Kind.KERNEL),
                vmas.stream().map(Vma::kind).toList());
    }

    @Test
    void shouldKeepEachField() {
        Vma vma = MapsParser.parse(MAPS).getFirst();

        assertEquals(
                new Vma(0x55d0c0a00000L, 0x55d0c0a02000L, true, false, false, false, 0, "fd:01", 1310, "/usr/bin/a b (deleted)"),
                vma);
        assertEquals("r--p", vma.permissions());
        assertEquals(0x2000, vma.bytes());
    }

    @Test
    void shouldCompareHighAddressesUnsigned() {
        Vma vsyscall = MapsParser.parse(MAPS).getLast();

        assertTrue(vsyscall.contains(0xffffffffff600800L));
        assertFalse(vsyscall.contains(0x7fff00000000L));
    }

    @ParameterizedTest
    @ValueSource(strings = {
        "55d0c0a00000-55d0c0a02000 r--p 00000000 fd:01 1310 /usr/bin/a",
        "55d0c0a00000 r--p 00000000 fd:01 1310\n",
        "55d0c0a00000-55d0c0a02000 r--p\n",
        "55d0c0a00000-55d0c0a02000 r-- 00000000 fd:01 1310\n",
        "55d0c0a00000-x r--p 00000000 fd:01 1310\n",
        "\n"
    })
    void shouldRefuseWhatIsNoMapping(String maps) {
        assertThrows(IllegalArgumentException.class, () -> MapsParser.parse(maps));
    }

    @Test
    void shouldFindOurOwnStack() {
        int us = (int) ProcessHandle.current().pid();

        List<Vma> vmas = MapsParser.ofProcess(us).orElseThrow();

        assertEquals(1, vmas.stream().filter(vma -> vma.kind() == Vma.Kind.STACK).count());
    }
}
