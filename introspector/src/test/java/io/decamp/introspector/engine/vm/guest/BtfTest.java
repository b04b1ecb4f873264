package io.decamp.introspector.engine.vm.guest;

import static io.decamp.introspector.engine.vm.guest.BtfBuilder.bits;
import static io.decamp.introspector.engine.vm.guest.BtfBuilder.field;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.decamp.introspector.engine.vm.guest.GuestFault.Reason;
import java.util.Arrays;
import java.util.OptionalLong;
import java.util.Random;
import org.junit.jupiter.api.Test;

class BtfTest {
    private final BtfBuilder builder = new BtfBuilder();
    private final int number = builder.integer("int", 4, true);
    private final int word = builder.integer("unsigned long", 8, false);

    @Test
    void shouldLookThroughMembersWithoutAName() {
        int inner = builder.compound(BtfBlob.UNION, "", 8, field("a", number, 0), field("b", word, 0));
        int middle = builder.struct("", 16, field("x", number, 0), field("", inner, 8));
        builder.struct("outer", 24, field("first", word, 0), field("", middle, 8));
        Btf types = builder.parse();

        assertEquals(8, types.offsetOf("outer", "x"));
        assertEquals(16, types.offsetOf("outer", "b"));
        assertEquals(8, types.sizeOf("outer", "b"));
        assertFalse(types.has("outer", "c"));
        assertFalse(types.has("none", "c"));
    }

    @Test
    void shouldGoThroughTypedefsArraysAndStructsOfOneNumber() {
        int counter = builder.struct("", 4, field("counter", number, 0));
        int constant = builder.type("", BtfBlob.CONST, 0, false, counter);
        int atomic = builder.type("atomic_t", BtfBlob.TYPEDEF, 0, false, constant);
        int wrapped = builder.struct("refcount_struct", 4, field("refs", atomic, 0));
        int many = builder.array(builder.array(wrapped, 3), 2);
        builder.struct("holder", 32, field("many", many, 8));
        Btf types = builder.parse();

        Member member = types.view("holder").member("many[1][2]");

        assertEquals(8 + 5 * 4, member.offset());
        assertEquals(32, member.bitSize());
        assertTrue(member.signed());
        assertEquals(24, types.sizeOf("holder", "many"));
        assertThrows(GuestFault.class, () -> types.offsetOf("holder", "many[2][0]"));
        assertThrows(GuestFault.class, () -> types.offsetOf("holder", "[0]"));
        assertEquals(4, types.sizeOf("atomic_t"));
    }

    @Test
    void shouldKnowBitfieldsAndEnumerations() {
        int mode = builder.type("mode", BtfBlob.ENUM, 2, true, 4, builder.name("OFF"), -1, builder.name("ON"), 5);
        builder.type("wide", BtfBlob.ENUM64, 1, false, 8, builder.name("HIGH"), 1, 2);
        builder.struct("flags", 8, bits("a", number, 0, 3), bits("b", number, 3, 9), field("m", mode, 4));
        Btf types = builder.parse();

        Member b = types.view("flags").member("b");
        assertTrue(b.bitfield());
        assertEquals(3, b.bitOffset());
        assertEquals(9, b.bitSize());
        Member m = types.view("flags").member("m");
        assertTrue(m.signed() && !m.bitfield());
        assertEquals(OptionalLong.of(-1), types.enumerator("OFF"));
        assertEquals(OptionalLong.of(2L << 32 | 1), types.enumerator("HIGH"));
        assertEquals(OptionalLong.empty(), types.enumerator("NONE"));
    }

    @Test
    void shouldPreferStructsToOtherTypesOfTheirName() {
        builder.type("both", BtfBlob.TYPEDEF, 0, false, number);
        builder.struct("both", 8, field("x", word, 0));
        Btf types = builder.parse();

        assertEquals(8, types.sizeOf("both"));
    }

    @Test
    void shouldFollowPointersToTypesThatAreOnlyDeclared() {
        int declared = builder.type("later", BtfBlob.FWD, 0, false, 0);
        int known = builder.pointer(declared);
        int nowhere = builder.pointer(builder.type("nowhere", BtfBlob.FWD, 0, false, 0));
        int untyped = builder.pointer(0);
        builder.struct("later", 4, field("x", number, 0));
        Btf types = builder.parse();

        assertEquals("later", types.pointed(known, "p").name());
        assertThrows(GuestFault.class, () -> types.pointed(nowhere, "p"));
        assertThrows(GuestFault.class, () -> types.pointed(untyped, "p"));
        assertThrows(GuestFault.class, () -> types.pointed(number, "p"));
    }

    @Test
    void shouldRefuseTypesThatContainThemselves() {
        int self = word + 1;
        assertEquals(self, builder.type("loop", BtfBlob.TYPEDEF, 0, false, self));
        int a = builder.struct("a", 8, field("", self + 1, 0), field("", self + 1, 0));
        int array = builder.array(a + 1, 1 << 20);
        assertEquals(a + 1, array);
        int two = builder.struct("two", 8, field("", array + 2, 0), field("", array + 2, 0));
        builder.struct("back", 8, field("", two, 0), field("", two, 0));
        builder.struct("wide", 8, field("x", array, 0), field("far", 999_999, 0));
        Btf types = builder.parse();

        refuse(() -> types.sizeOf("loop"));
        refuse(() -> types.has("a", "x"));
        refuse(() -> types.has("two", "x"));
        refuse(() -> types.has("wide", "x"));
        refuse(() -> types.has("wide", "far"));
    }

    private static void refuse(Runnable use) {
        assertEquals(Reason.FORMAT, assertThrows(GuestFault.class, use::run).reason());
    }

    @Test
    void shouldRefuseSectionsThatEndTooSoon() {
        builder.struct("s", 8, field("x", number, 0));
        byte[] whole = builder.bytes();

        for (int length = 0; length < whole.length; length++) {
            byte[] part = Arrays.copyOf(whole, length);
            refuse(() -> Btf.parse(part).view("s").member("x"));
        }
    }

    @Test
    void shouldEitherRefuseDamageOrAnswer() {
        int inner = builder.compound(BtfBlob.UNION, "", 8, field("a", number, 0), field("b", word, 0));
        int array = builder.array(inner, 4);
        builder.struct("outer", 48, field("first", word, 0), field("", inner, 8), field("more", array, 16));
        byte[] whole = builder.bytes();
        int refused = 0;
        for (int seed = 0; seed < 20_000; seed++) {
            Random random = new Random(seed);
            byte[] damaged = whole.clone();
            for (int i = random.nextInt(4); i >= 0; i--) {
                damaged[random.nextInt(damaged.length)] = (byte) random.nextInt();
            }
            try {
                Btf types = Btf.parse(damaged);
                types.has("outer", "a");
                types.has("outer", "more[3].b");
                types.enumerator("X");
            } catch (GuestFault e) {
                refused++;
            } catch (RuntimeException e) {
                throw new AssertionError("seed " + seed, e);
            }
        }
        assertTrue(refused > 1000 && refused < 19_000, "refused " + refused);
    }
}
