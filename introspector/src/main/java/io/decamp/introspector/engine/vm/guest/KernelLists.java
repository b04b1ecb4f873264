package io.decamp.introspector.engine.vm.guest;

import static io.decamp.introspector.engine.vm.guest.GuestFault.hex;

import java.util.ArrayDeque;
import java.util.Deque;
import java.util.Iterator;
import java.util.NoSuchElementException;

/**
 * Walks over the kernel's linked structures. Each has a limit of its own from the caller; a circle which does not
 * contain the head is seen by Brent's algorithm long before a large limit is reached. Source: {@code
 * include/linux/list.h}, {@code rbtree.h}.
 */
final class KernelLists {
    /** A red-black tree of 2^32 nodes is at most twice as deep as a full one. */
    private static final int MAX_TREE_DEPTH = 64;

    private KernelLists() {}

    static Iterable<KernelObject> circular(KernelObject head, TypeView type, String link, int limit) {
        long offset = type.member(link).offset();
        return () -> new Chain(head.kernel(), type, offset, head.address(), limit, head.kernel().u64(head.address()));
    }

    static Iterable<KernelObject> open(KernelObject head, TypeView type, String link, int limit) {
        long offset = type.member(link).offset();
        return () -> new Chain(head.kernel(), type, offset, 0, limit, head.kernel().u64(head.address()));
    }

    static Iterable<KernelObject> redBlack(KernelObject root, TypeView type, String node, int limit) {
        long offset = type.member(node).offset();
        return () -> new InOrder(root, type, offset, limit);
    }

    /** The next pointer is the first member of both kinds of links. */
    private static final class Chain implements Iterator<KernelObject> {
        private final GuestKernel kernel;
        private final TypeView type;
        private final long offset;
        private final long end;
        private final int limit;
        private long link;
        private int count;
        private long tortoise;
        private int lap = 1;
        private int steps;

        Chain(GuestKernel kernel, TypeView type, long offset, long end, int limit, long first) {
            this.kernel = kernel;
            this.type = type;
            this.offset = offset;
            this.end = end;
            this.limit = limit;
            link = first;
            if (first == 0 && end != 0) {
                throw GuestFault.unmapped(end, "a list head that was never set up");
            }
        }

        @Override
        public boolean hasNext() {
            return link != end;
        }

        @Override
        public KernelObject next() {
            if (link == end) {
                throw new NoSuchElementException();
            }
            if (++count > limit) {
                throw GuestFault.bound("A list of " + type.name() + " has more than " + limit + " elements");
            }
            if (link == tortoise) {
                throw GuestFault.bound("A list of " + type.name() + " runs in a circle at " + hex(link));
            }
            if (++steps == lap) {
                tortoise = link;
                lap *= 2;
                steps = 0;
            }
            KernelObject element = new KernelObject(kernel, type, link - offset);
            link = kernel.u64(link);
            return element;
        }
    }

    private static final class InOrder implements Iterator<KernelObject> {
        private final GuestKernel kernel;
        private final TypeView type;
        private final long offset;
        private final int limit;
        private final long left;
        private final long right;
        private final Deque<Long> path = new ArrayDeque<>();
        private int count;

        InOrder(KernelObject root, TypeView type, long offset, int limit) {
            this.type = type;
            this.offset = offset;
            this.limit = limit;
            kernel = root.kernel();
            left = kernel.types().offsetOf("rb_node", "rb_left");
            right = kernel.types().offsetOf("rb_node", "rb_right");
            descend(root.number("rb_node"));
        }

        private void descend(long from) {
            for (long node = from; node != 0; node = kernel.u64(node + left)) {
                if (path.size() == MAX_TREE_DEPTH) {
                    throw GuestFault.bound("A tree of " + type.name() + " is deeper than " + MAX_TREE_DEPTH + " at "
                            + hex(node));
                }
                path.push(node);
            }
        }

        @Override
        public boolean hasNext() {
            return !path.isEmpty();
        }

        @Override
        public KernelObject next() {
            long node = path.pop();
            if (++count > limit) {
                throw GuestFault.bound("A tree of " + type.name() + " has more than " + limit + " elements");
            }
            descend(kernel.u64(node + right));
            return new KernelObject(kernel, type, node - offset);
        }
    }
}
