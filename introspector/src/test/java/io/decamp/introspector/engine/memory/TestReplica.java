package io.decamp.introspector.engine.memory;

import io.decamp.contracts.id.WorkloadId;
import io.decamp.contracts.page.AddressSpace;
import io.decamp.contracts.page.PageRuns;
import io.decamp.contracts.page.PageSource;
import io.decamp.contracts.port.MemorySource;
import io.decamp.contracts.port.Segment;
import io.decamp.testkit.Procs;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.function.Supplier;

/**
 * What a destination would hold, kept as plain arrays: runs are applied in the order in which they are reported, and
 * nothing is known but what they say.
 */
public final class TestReplica {
    private static final int PAGE = PageRuns.PAGE_BYTES;

    private final Map<Long, Map<Long, byte[]>> spaces = new HashMap<>();
    private PageRuns open = new PageRuns();
    private long deferredPages;
    private long sameAsPages;
    private long zeroPages;
    private long bytePages;

    /** Scans, reads, applies and seals one epoch. */
    public MemorySource.Scan epoch(MemorySource source, WorkloadId workload, long epoch, MemorySource.Tasks tasks) {
        MemorySource.Scan scan = source.scan(workload, epoch, tasks);
        apply(source, workload, epoch, scan);
        source.sealed(workload, epoch);
        return scan;
    }

    /**
     * An epoch that leaves some runs open and does not bring all that it reported.
     *
     * @param beforeSeal what happens when everything was deferred and nothing is sealed; the service that seals it, null when the epoch is lost
     */
    void partialEpoch(
            MemorySource source, WorkloadId workload, long epoch, Random random, Supplier<MemorySource> beforeSeal) {
        MemorySource.Scan scan = source.scan(workload, epoch, MemorySource.Tasks.RUNNING, open);
        PageRuns deferred = new PageRuns();
        PageRuns brought = new PageRuns();
        for (int i = 0; i < scan.written().size(); i++) {
            // the content of SAME_AS is that of this point of the stream
            boolean later = scan.written().source(i) != PageSource.SAME_AS && random.nextInt(3) == 0;
            (later ? deferred : brought).addFrom(scan.written(), i);
        }
        apply(source, workload, epoch, scan, brought);
        source.defer(workload, epoch, deferred);
        open = deferred;
        deferredPages += deferred.totalPages();
        MemorySource sealing = beforeSeal.get();
        if (sealing != null) {
            sealing.sealed(workload, epoch);
        }
    }

    /** Pages that were reported and left for a later epoch. */
    long deferredPages() {
        return deferredPages;
    }

    public void apply(MemorySource source, WorkloadId workload, long epoch, MemorySource.Scan scan) {
        apply(source, workload, epoch, scan, scan.written());
    }

    private void apply(MemorySource source, WorkloadId workload, long epoch, MemorySource.Scan scan, PageRuns all) {
        PageRuns chunk = new PageRuns();
        long payload = 0;
        for (int i = 0; i < all.size(); i++) {
            if (all.source(i) != PageSource.BYTES) {
                chunk.addFrom(all, i);
                continue;
            }
            for (int done = 0; done < all.pages(i); ) {
                int n = (int) Math.min(all.pages(i) - done, (MemorySource.MAX_READ_BYTES - payload) / PAGE);
                if (n == 0) {
                    ship(source, workload, epoch, chunk);
                    chunk.clear();
                    payload = 0;
                    continue;
                }
                chunk.add(all.space(i), all.address(i) + (long) done * PAGE, n, PageSource.BYTES);
                payload += (long) n * PAGE;
                done += n;
            }
        }
        ship(source, workload, epoch, chunk);
        spaces.keySet().retainAll(scan.spaces().stream().map(AddressSpace::id).toList());
    }

    private void ship(MemorySource source, WorkloadId workload, long epoch, PageRuns chunk) {
        try (Segment segment = source.read(workload, epoch, chunk);
                RandomAccessFile file = new RandomAccessFile(segment.file().toFile(), "r")) {
            file.seek(segment.offset());
            long payload = 0;
            PageRuns runs = segment.runs();
            for (int i = 0; i < runs.size(); i++) {
                Map<Long, byte[]> space = spaces.computeIfAbsent(runs.space(i), id -> new HashMap<>());
                for (int p = 0; p < Math.min(runs.pages(i), 1 << 24); p++) {
                    long address = runs.address(i) + (long) p * PAGE;
                    switch (runs.source(i)) {
                        case BYTES -> {
                            byte[] content = new byte[PAGE];
                            file.readFully(content);
                            payload += PAGE;
                            bytePages++;
                            space.put(address, content);
                        }
                        case ZERO -> {
                            zeroPages++;
                            space.remove(address);
                        }
                        case SAME_AS -> {
                            sameAsPages++;
                            byte[] content = spaces.getOrDefault(runs.sameAs(i), Map.of())
                                    .get(address);
                            if (content == null) {
                                space.remove(address);
                            } else {
                                space.put(address, content.clone());
                            }
                        }
                    }
                }
            }
            if (payload != segment.length()) {
                throw new AssertionError("segment says " + segment.length() + " bytes, its runs say " + payload);
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    public long sameAsPages() {
        return sameAsPages;
    }

    public long zeroPages() {
        return zeroPages;
    }

    public long bytePages() {
        return bytePages;
    }

    /** What it holds of a space, by address; a page that is not there is zero. */
    public Map<Long, byte[]> contents(long space) {
        return spaces.getOrDefault(space, Map.of());
    }

    /** Pages the replica holds of a space, zero or not. */
    int pages(long space) {
        return spaces.getOrDefault(space, Map.of()).size();
    }

    /** Space ids that were ever written to and not dropped since. */
    Set<Long> spaceIds() {
        return new HashSet<>(spaces.keySet());
    }

    /**
     * Compares with the memory of the stopped processes, read by other means than those under test.
     *
     * @return what is not equal, one line a page
     */
    List<String> mismatches(List<Long> pids, MemorySource.Scan last) {
        List<String> wrong = new ArrayList<>();
        Map<Integer, AddressSpace> byPid = new HashMap<>();
        last.spaces().forEach(each -> byPid.put(each.containerPid(), each));
        for (long pid : pids) {
            List<Long> names = Procs.namespacePids(pid);
            AddressSpace space = byPid.remove(names.getLast().intValue());
            if (space == null) {
                wrong.add("process " + pid + " has no address space");
                continue;
            }
            compare(pid, new HashMap<>(spaces.getOrDefault(space.id(), Map.of())), wrong);
        }
        byPid.values().forEach(each -> wrong.add("no process for " + each));
        return wrong;
    }

    private static void compare(long pid, Map<Long, byte[]> replica, List<String> wrong) {
        try (FileChannel memory = FileChannel.open(Path.of("/proc/" + pid + "/mem"));
                FileChannel pagemap = FileChannel.open(Path.of("/proc/" + pid + "/pagemap"))) {
            for (String line : Files.readAllLines(Path.of("/proc/" + pid + "/maps"))) {
                String[] field = line.split("\\s+", 6);
                boolean special = field.length > 5 && field[5].startsWith("[v");
                if (!field[1].endsWith("p") || !field[4].equals("0") || special) {
                    continue;
                }
                long from = Long.parseUnsignedLong(field[0].split("-")[0], 16);
                long to = Long.parseUnsignedLong(field[0].split("-")[1], 16);
                for (long at = from; at < to; at += PAGE) {
                    byte[] expected = replica.remove(at);
                    if (to - from > 1L << 32) {
                        continue;
                    }
                    byte[] actual = page(memory, pagemap, at);
                    if (!Arrays.equals(expected == null ? new byte[PAGE] : expected, actual)) {
                        wrong.add("process " + pid + " page 0x" + Long.toHexString(at)
                                + (expected == null ? " is a hole in the replica" : " differs") + " in " + line);
                    }
                }
            }
            replica.forEach((at, content) -> {
                if (!Arrays.equals(content, new byte[PAGE])) {
                    wrong.add(
                            "process " + pid + " has no page 0x" + Long.toHexString(at) + " any more, the replica has");
                }
            });
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static byte[] page(FileChannel memory, FileChannel pagemap, long at) throws IOException {
        ByteBuffer entry = ByteBuffer.allocate(8).order(ByteOrder.nativeOrder());
        pagemap.read(entry, at / PAGE * 8);
        long bits = entry.getLong(0);
        boolean populated = (bits >>> 62) != 0 && (bits & 1L << 58) == 0;
        ByteBuffer content = ByteBuffer.allocate(PAGE);
        if (populated && memory.read(content, at) != PAGE) {
            throw new IOException("short read at " + Long.toHexString(at));
        }
        return content.array();
    }
}
