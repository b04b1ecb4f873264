package io.decamp.introspector.engine.memory;

import io.decamp.contracts.page.PageRuns;
import io.decamp.linux.memory.IoBatch;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.TreeMap;
import java.util.function.Predicate;

/** A process's memory as the kernel keeps it, for one mapping at a time or a few, in plain maps. */
final class FakeKernel implements SpaceKernel {
    static final int PAGE = PageRuns.PAGE_BYTES;

    private static final long PRESENT = 1L << 63;

    /** A populated page. */
    static final class Page {
        boolean written = true;
        boolean zero;
        long frame;

        Page(long frame) {
            this.frame = frame;
        }
    }

    final List<Range> mappings = new ArrayList<>();
    final List<Range> registered = new ArrayList<>();
    final TreeMap<Long, Page> pages = new TreeMap<>();
    /** Called before a scan answers, when it has done its work: the place for a crash or a race. */
    Runnable beforeAnswer = () -> {};

    boolean released;
    /** First writes to pages that were protected. */
    int faults;

    private long nextFrame = 1000;
    private List<Long> entries = List.of();

    FakeKernel map(long from, int count) {
        mappings.add(new Range(from, from + (long) count * PAGE));
        mappings.sort(Comparator.comparingLong(Range::from));
        return this;
    }

    void unmap(long from) {
        Range gone = mappings.stream()
                .filter(each -> each.from() == from)
                .findFirst()
                .orElseThrow();
        mappings.remove(gone);
        registered.remove(gone);
        drop(gone.from(), (int) ((gone.to() - gone.from()) / PAGE));
    }

    FakeKernel write(long from, int count) {
        for (long at = from; at < from + (long) count * PAGE; at += PAGE) {
            Page page = pages.computeIfAbsent(at, key -> new Page(nextFrame++));
            faults += page.written ? 0 : 1;
            page.written = true;
            page.zero = false;
        }
        return this;
    }

    void drop(long from, int count) {
        pages.subMap(from, from + (long) count * PAGE).clear();
    }

    /** Shares every page with {@code parent}, as a fork does. */
    void inherit(FakeKernel parent) {
        mappings.addAll(parent.mappings);
        parent.pages.forEach((at, page) -> pages.put(at, new Page(page.frame)));
    }

    @Override
    public List<Range> mappings() {
        return List.copyOf(mappings);
    }

    @Override
    public boolean register(long from, long to) {
        registered.add(new Range(from, to));
        return true;
    }

    @Override
    public Outcome scan(Query query, boolean protect, long from, long to, Regions regions) {
        boolean needed = protect || query == Query.WRITTEN || query == Query.CLEAN;
        if (needed && registered.stream().noneMatch(each -> each.from() <= from && to <= each.to())) {
            return Outcome.NOT_REGISTERED;
        }
        List<long[]> found = new ArrayList<>();
        for (long at = from; at < to; at += PAGE) {
            Page page = pages.get(at);
            if (matches(query).test(page)) {
                long zero = page != null && page.zero ? 1 : 0;
                long[] last = found.isEmpty() ? new long[] {0, 0, 0} : found.getLast();
                if (last[1] == at && last[2] == zero) {
                    last[1] = at + PAGE;
                } else {
                    found.add(new long[] {at, at + PAGE, zero});
                }
                if (protect) {
                    page.written = false;
                }
            }
        }
        beforeAnswer.run();
        found.forEach(each -> regions.region(each[0], each[1], each[2] == 1));
        return Outcome.COMPLETE;
    }

    private static Predicate<Page> matches(Query query) {
        return switch (query) {
            case WRITTEN -> page -> page != null && page.written;
            case POPULATED -> page -> page != null;
            case HOLES -> page -> page == null;
            case CLEAN -> page -> page != null && !page.written;
        };
    }

    @Override
    public void readEntries(long address, int count) {
        List<Long> read = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            Page page = pages.get(address + (long) i * PAGE);
            read.add(page == null ? 0 : PRESENT | page.frame);
        }
        entries = read;
    }

    @Override
    public long entry(int i) {
        return entries.get(i);
    }

    @Override
    public boolean read(IoBatch batch) {
        throw new UnsupportedOperationException("no content here");
    }

    @Override
    public void close() {}

    @Override
    public void release() {
        released = true;
    }
}
