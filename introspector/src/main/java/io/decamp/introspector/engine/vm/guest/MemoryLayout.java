package io.decamp.introspector.engine.vm.guest;

import static io.decamp.introspector.engine.vm.guest.GuestFault.hex;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Which guest-physical addresses are RAM, and where each is in the RAM file. Made from what QEMU's monitor prints for
 * {@code info mtree -f}; immutable.
 *
 * <p>A PC has more than one range: RAM goes on above 4 GiB when it is larger than the hole for devices, and shadowed
 * ROM below 1 MiB splits the first range (these aliases are the same bytes of the file). Ranges which continue each
 * other are joined.
 */
public final class MemoryLayout {
    /**
     * Longer trees are refused: the largest machines of QEMU print some hundred lines, ranges of one block are tens.
     */
    static final int MAX_RANGES = 1 << 16;

    // 0000000000000000-00000000000bffff (prio 0, ram): ram @0000000000000000 KVM
    private static final Pattern LINE = Pattern.compile(
            "^\\s*([0-9a-f]{16})-([0-9a-f]{16}) \\(prio -?\\d+, (ram|rom)\\): (\\S+)(?: @([0-9a-f]{16}))?(?: .*)?$");

    /** {@code length} bytes of RAM from guest-physical {@code start}, which are in the file from {@code fileOffset}. */
    public record Range(long start, long length, long fileOffset) {
        public Range {
            if (start < 0 || length <= 0 || fileOffset < 0 || start + length < 0 || fileOffset + length < 0) {
                throw GuestFault.format("RAM range " + hex(start) + " + " + hex(length) + " at file offset "
                        + hex(fileOffset) + " is not one");
            }
        }

        long end() {
            return start + length;
        }

        private boolean continuedBy(Range next) {
            return next.start == end() && next.fileOffset == fileOffset + length;
        }
    }

    private final List<Range> ranges;
    private final long[] starts;
    private final long[] ends;
    private final long[] deltas;

    private MemoryLayout(List<Range> sorted) {
        ranges = List.copyOf(sorted);
        starts = sorted.stream().mapToLong(Range::start).toArray();
        ends = sorted.stream().mapToLong(Range::end).toArray();
        deltas = sorted.stream().mapToLong(r -> r.fileOffset() - r.start()).toArray();
    }

    /**
     * @throws GuestFault when ranges overlap or there are none
     */
    public static MemoryLayout of(List<Range> ranges) {
        if (ranges.isEmpty() || ranges.size() > MAX_RANGES) {
            throw GuestFault.format("A memory layout of " + ranges.size() + " ranges of RAM");
        }
        List<Range> sorted = new ArrayList<>(ranges);
        sorted.sort(Comparator.comparingLong(Range::start));
        List<Range> joined = new ArrayList<>();
        for (Range range : sorted) {
            Range last = joined.isEmpty() ? null : joined.getLast();
            if (last != null && range.start() < last.end()) {
                throw GuestFault.format("RAM at " + hex(range.start()) + " is there twice");
            }
            if (last != null && last.continuedBy(range)) {
                long length = last.length() + range.length();
                joined.set(joined.size() - 1, new Range(last.start(), length, last.fileOffset()));
            } else {
                joined.add(range);
            }
        }
        return new MemoryLayout(joined);
    }

    /** RAM in one piece from address 0, as the file has it. */
    public static MemoryLayout flat(long bytes) {
        return of(List.of(new Range(0, bytes, 0)));
    }

    /**
     * Reads the flat view of address space {@code memory}.
     *
     * @param tree what {@code info mtree -f} printed
     * @param block name of the RAM block: the id of the machine's memory backend; null for the largest there is
     */
    public static MemoryLayout parse(String tree, String block) {
        Map<String, List<Range>> byBlock = new LinkedHashMap<>();
        boolean inMemory = false;
        for (String line : tree.lines().toList()) {
            if (line.startsWith("FlatView")) {
                if (inMemory && !byBlock.isEmpty()) {
                    break;
                }
                inMemory = false;
            } else if (line.startsWith(" AS \"memory\"")) {
                inMemory = true;
            } else if (inMemory) {
                add(line, byBlock);
            }
        }
        String name = block != null ? block : largest(byBlock);
        List<Range> ranges = byBlock.get(name);
        if (ranges == null) {
            throw GuestFault.format("QEMU's memory tree has no RAM block " + name + "; it has " + byBlock.keySet());
        }
        return of(ranges);
    }

    private static void add(String line, Map<String, List<Range>> byBlock) {
        Matcher m = LINE.matcher(line);
        if (m.matches()) {
            long start = Long.parseUnsignedLong(m.group(1), 16);
            long last = Long.parseUnsignedLong(m.group(2), 16);
            long offset = m.group(5) == null ? 0 : Long.parseUnsignedLong(m.group(5), 16);
            byBlock.computeIfAbsent(m.group(4), k -> new ArrayList<>()).add(new Range(start, last - start + 1, offset));
        }
    }

    private static String largest(Map<String, List<Range>> byBlock) {
        return byBlock.entrySet().stream()
                .max(Comparator.comparingLong(
                        e -> e.getValue().stream().mapToLong(Range::length).sum()))
                .map(Map.Entry::getKey)
                .orElseThrow(() -> GuestFault.format("QEMU's memory tree has no RAM in address space \"memory\""));
    }

    public List<Range> ranges() {
        return ranges;
    }

    /** First address behind all RAM. */
    public long end() {
        return ends[ends.length - 1];
    }

    public long bytes() {
        return ranges.stream().mapToLong(Range::length).sum();
    }

    /** Bytes that the file must have at least. */
    long fileBytes() {
        return ranges.stream().mapToLong(r -> r.fileOffset() + r.length()).max().orElseThrow();
    }

    /** @return the offset in the file, -1 when not all of the range is RAM that lies in one piece */
    long fileOffset(long address, long length) {
        int i = indexOf(address);
        return i >= 0 && length >= 0 && length <= ends[i] - address ? address + deltas[i] : -1;
    }

    /** @return bytes of RAM from the address on to the end of its range; 0 when it is not RAM */
    long contiguous(long address) {
        int i = indexOf(address);
        return i < 0 ? 0 : ends[i] - address;
    }

    private int indexOf(long address) {
        int low = 0;
        int high = starts.length - 1;
        while (low <= high) {
            int middle = (low + high) >>> 1;
            if (address < starts[middle]) {
                high = middle - 1;
            } else if (address >= ends[middle]) {
                low = middle + 1;
            } else {
                return middle;
            }
        }
        return -1;
    }
}
