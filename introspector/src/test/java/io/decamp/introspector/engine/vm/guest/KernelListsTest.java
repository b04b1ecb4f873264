package io.decamp.introspector.engine.vm.guest;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.decamp.introspector.engine.vm.guest.GuestFault.Reason;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/**
 * Lists and trees written into memory of a recorded guest that is not needed once it is attached to: that of its types.
 */
class KernelListsTest {
    private static final int NODE_BYTES = 64;
    private static final int LIMIT = 100;

    private final RecordedGuest.Image image = RecordedGuest.load("guest-6.1").image();
    private final GuestKernel kernel = image.attach();
    private final long scratch = kernel.symbol("__start_BTF");

    /** Node 0 is the head. */
    private long node(int i) {
        return scratch + (long) i * NODE_BYTES;
    }

    private void write(long va, long value) {
        int at = (int) image.ram().fileOffset(kernel.physical(va));
        java.nio.ByteBuffer.wrap(image.memory())
                .order(java.nio.ByteOrder.LITTLE_ENDIAN)
                .putLong(at, value);
    }

    private List<Long> positions(Iterable<KernelObject> objects) {
        List<Long> positions = new ArrayList<>();
        objects.forEach(object -> positions.add((object.address() - scratch) / NODE_BYTES));
        return positions;
    }

    private Iterable<KernelObject> list() {
        return kernel.object("list_head", node(0)).list("", "list_head", "", LIMIT);
    }

    @Test
    void shouldWalkAListToItsHead() {
        write(node(0), node(3));
        write(node(3), node(1));
        write(node(1), node(0));

        assertEquals(List.of(3L, 1L), positions(list()));
        assertEquals(List.of(3L, 1L), positions(list()));
    }

    @Test
    void shouldTakeAHeadThatPointsToItselfForAnEmptyList() {
        write(node(0), node(0));

        assertEquals(List.of(), positions(list()));
    }

    @Test
    void shouldRefuseAHeadThatWasNeverSetUp() {
        write(node(0), 0);

        refuse(Reason.UNMAPPED, list());
    }

    @Test
    void shouldSeeACircleWithoutTheHead() {
        write(node(0), node(1));
        for (int i = 1; i < 20; i++) {
            write(node(i), node(i == 19 ? 7 : i + 1));
        }

        refuse(Reason.BOUND, list());
    }

    @Test
    void shouldRefuseMoreElementsThanTheLimit() {
        for (int i = 0; i <= LIMIT; i++) {
            write(node(i), node(i + 1));
        }
        write(node(LIMIT + 1), node(0));

        refuse(Reason.BOUND, list());
    }

    @Test
    void shouldRefuseALinkToNowhere() {
        write(node(0), node(1));
        write(node(1), 0x1234);

        refuse(Reason.UNMAPPED, list());
    }

    @Test
    void shouldWalkOpenLists() {
        write(node(0), node(2));
        write(node(2), node(4));
        write(node(4), 0);

        KernelObject head = kernel.object("hlist_head", node(0));
        assertEquals(List.of(2L, 4L), positions(head.hlist("", "list_head", "", LIMIT)));
    }

    private Iterable<KernelObject> tree() {
        return kernel.object("rb_root", node(0)).tree("", "rb_node", "", LIMIT);
    }

    private void tree(int node, int left, int right) {
        write(node(node) + kernel.types().offsetOf("rb_node", "rb_left"), left == 0 ? 0 : node(left));
        write(node(node) + kernel.types().offsetOf("rb_node", "rb_right"), right == 0 ? 0 : node(right));
    }

    @Test
    void shouldWalkATreeInOrder() {
        write(node(0), node(4));
        tree(4, 2, 6);
        tree(2, 1, 3);
        tree(6, 5, 0);
        for (int leaf : new int[] {1, 3, 5}) {
            tree(leaf, 0, 0);
        }

        assertEquals(List.of(1L, 2L, 3L, 4L, 5L, 6L), positions(tree()));
        write(node(0), 0);
        assertEquals(List.of(), positions(tree()));
    }

    @Test
    void shouldRefuseATreeThatContainsItself() {
        write(node(0), node(1));
        tree(1, 1, 0);
        refuse(Reason.BOUND, tree());

        tree(1, 0, 1);
        refuse(Reason.BOUND, tree());
    }

    private void refuse(Reason reason, Iterable<KernelObject> objects) {
        assertEquals(reason, assertThrows(GuestFault.class, () -> positions(objects)).reason());
    }
}
