package io.decamp.introspector.engine.vm.files;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.decamp.introspector.engine.vm.guest.GuestFault;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class PipeRingTest {
    @ParameterizedTest
    @CsvSource({"0,0,16,0", "16,0,16,16", "3,1,16,2", "5,4294967290,16,11", "4294967295,4294967295,1,0"})
    void shouldCountBuffersWhereCountersWrap(long head, long tail, int size, int used) {
        assertEquals(used, PipeRing.used(head, tail, size));
    }

    @ParameterizedTest
    @CsvSource({"17,0,16", "0,1,16", "0,0,0", "0,0,-16", "0,0,12", "0,0,131072"})
    void shouldRefuseCountersOfNoRing(long head, long tail, int size) {
        assertThrows(GuestFault.class, () -> PipeRing.used(head, tail, size));
    }

    @Test
    void shouldPackTheCharactersOfATerminalAsCriuDoes() {
        byte[] characters = new byte[19];
        for (int i = 0; i < characters.length; i++) {
            characters[i] = (byte) (0xf0 + i);
        }

        var words = Terminals.packed(characters);

        assertEquals(19, words.size());
        assertEquals(0xf3f2f1f0, words.get(0));
        assertEquals(0x00020100, words.get(4));
        assertEquals(0, words.get(5));
    }

    @Test
    void shouldTellDeviceNumbersAsStatDoes() {
        assertEquals(0x502, Inode.encoded(5L << 20 | 2));
        assertEquals(34816, Inode.encoded(136L << 20));
        assertEquals(0x10000801, Inode.encoded(8L << 20 | 0x10001));
    }
}
