package io.decamp.snapshotter.engine.model;

import io.decamp.contracts.page.AddressSpace;
import io.decamp.contracts.page.PageRuns;
import io.decamp.contracts.page.PageSource;
import java.util.BitSet;
import java.util.Comparator;
import java.util.List;
import java.util.SplittableRandom;

/**
 * A workload of one process that writes by a known pattern, with write protection as the kernel does it: a clean page
 * that is written costs one fault; a page left open costs none and is reported by each scan. Time is virtual.
 */
public final class SyntheticWriter {
    public static final long SPACE = 7;
    /** Not at the start of a chunk, as in real processes. */
    static final long BASE = 0x7f12_3456_0000L - 0x7f12_3456_0000L % (1 << 16) + (5 << 16);

    private final WritePattern pattern;
    private final SplittableRandom random;
    private final BitSet exists = new BitSet();
    private BitSet dirty = new BitSet();
    private BitSet open = new BitSet();
    private double now;
    private long faults;

    public SyntheticWriter(int pages, WritePattern pattern, long seed) {
        this.pattern = pattern;
        this.random = new SplittableRandom(seed);
        exists.set(0, pages);
        dirty.set(0, pages);
    }

    /** The workload runs. */
    public void run(double seconds) {
        BitSet written = new BitSet();
        pattern.write(now, now + seconds, random, written);
        now += seconds;
        BitSet first = (BitSet) written.clone();
        first.andNot(dirty);
        first.and(exists);
        faults += first.cardinality();
        exists.or(written);
        dirty.or(written);
    }

    /** What is written since it was last protected. All but {@code leaveOpen} is protected again. */
    public PageRuns scan(PageRuns leaveOpen) {
        PageRuns found = runs(dirty);
        open = bits(leaveOpen);
        dirty = (BitSet) open.clone();
        dirty.and(exists);
        return found;
    }

    /** Pages written in {@code seconds} from now, on average over some trials that change nothing here. */
    public double truth(double seconds) {
        int trials = 3;
        double n = 0;
        for (int i = 0; i < trials; i++) {
            BitSet written = new BitSet();
            pattern.write(now, now + seconds, random.split(), written);
            n += written.cardinality();
        }
        return n / trials;
    }

    /** One that goes on from here by itself and leaves this one as it is. */
    public SyntheticWriter fork() {
        SyntheticWriter other = new SyntheticWriter(0, pattern, random.split().nextLong());
        other.exists.or(exists);
        other.dirty.or(dirty);
        other.open.or(open);
        other.now = now;
        return other;
    }

    /** Pages written since they were protected, or never protected. */
    public int owed() {
        return dirty.cardinality();
    }

    /** Some of what is owed is protected and sent, coldest first. */
    public void send(int pages, WriteRates rates) {
        int[] coldestFirst = dirty.stream()
                .boxed()
                .sorted(Comparator.comparingDouble(p -> rates.ratePerPage(SPACE, address(p))))
                .mapToInt(Integer::intValue)
                .toArray();
        for (int i = 0; i < Math.min(pages, coldestFirst.length); i++) {
            dirty.clear(coldestFirst[i]);
        }
    }

    /** Write faults so far. */
    public long faults() {
        return faults;
    }

    public double now() {
        return now;
    }

    public int pages() {
        return exists.cardinality();
    }

    public static long address(int page) {
        return BASE + (long) page * PageRuns.PAGE_BYTES;
    }

    public static List<AddressSpace> spaces() {
        return List.of(new AddressSpace(SPACE, 1));
    }

    private static PageRuns runs(BitSet bits) {
        PageRuns runs = new PageRuns();
        for (int from = bits.nextSetBit(0); from >= 0; ) {
            int to = bits.nextClearBit(from);
            runs.add(SPACE, address(from), to - from, PageSource.BYTES);
            from = bits.nextSetBit(to);
        }
        return runs;
    }

    static BitSet bits(PageRuns runs) {
        BitSet bits = new BitSet();
        for (int i = 0; i < runs.size(); i++) {
            int page = (int) ((runs.address(i) - BASE) / PageRuns.PAGE_BYTES);
            bits.set(page, page + runs.pages(i));
        }
        return bits;
    }
}
