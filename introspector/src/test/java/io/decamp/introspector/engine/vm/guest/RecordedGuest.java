package io.decamp.introspector.engine.vm.guest;

import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.zip.Deflater;
import java.util.zip.GZIPInputStream;
import java.util.zip.GZIPOutputStream;

/**
 * A guest's memory as it once was: only the frames that {@link GuestReadings} look at, with what the guest's {@code
 * /proc} said then. Made by {@link GuestRecorder}. What was not recorded is refused like what is no RAM.
 *
 * @param pages by physical address, of 4 KiB each; changes are seen by guests attached afterwards
 * @param init the number of the recorded container's first process
 */
public record RecordedGuest(VmcoreInfo info, SortedMap<Long, byte[]> pages, Map<String, String> facts, int init) {
    static final List<String> NAMES = List.of("guest-6.1", "guest-6.12");

    public static RecordedGuest load(String name) {
        try (InputStream file = RecordedGuest.class.getResourceAsStream("/vm/" + name + ".gz");
                DataInputStream in = new DataInputStream(new GZIPInputStream(file))) {
            VmcoreInfo info = VmcoreInfo.parse(text(in));
            Map<String, String> facts = GuestFacts.parse(text(in));
            int init = in.readInt();
            SortedMap<Long, byte[]> pages = new TreeMap<>();
            for (int left = in.readInt(); left > 0; left--) {
                pages.put(in.readLong(), in.readNBytes(GuestRam.PAGE_BYTES));
            }
            return new RecordedGuest(info, pages, facts, init);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static String text(DataInputStream in) throws IOException {
        return new String(in.readNBytes(in.readInt()), StandardCharsets.UTF_8);
    }

    void save(OutputStream file) throws IOException {
        try (DataOutputStream out = new DataOutputStream(new GZIPOutputStream(file) {
            {
                def.setLevel(Deflater.BEST_COMPRESSION);
            }
        })) {
            for (String text : List.of(info.toString(), GuestFacts.print(facts))) {
                byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
                out.writeInt(bytes.length);
                out.write(bytes);
            }
            out.writeInt(init);
            out.writeInt(pages.size());
            for (Map.Entry<Long, byte[]> page : pages.entrySet()) {
                out.writeLong(page.getKey());
                out.write(page.getValue());
            }
        }
    }

    /** Memory of its own: the same pages in one piece, each at its physical address. */
    Image image() {
        byte[] memory = new byte[pages.size() * GuestRam.PAGE_BYTES];
        List<MemoryLayout.Range> ranges = new ArrayList<>();
        int at = 0;
        for (Map.Entry<Long, byte[]> page : pages.entrySet()) {
            System.arraycopy(page.getValue(), 0, memory, at, GuestRam.PAGE_BYTES);
            ranges.add(new MemoryLayout.Range(page.getKey(), GuestRam.PAGE_BYTES, at));
            at += GuestRam.PAGE_BYTES;
        }
        MemoryLayout layout = MemoryLayout.of(ranges);
        return new Image(memory, GuestRam.of(MemorySegment.ofArray(memory), layout, "a recording"), info);
    }

    public GuestKernel attach() {
        return image().attach();
    }

    /** @param memory what {@code ram} reads: may be changed meanwhile */
    record Image(byte[] memory, GuestRam ram, VmcoreInfo info) {
        GuestKernel attach() {
            return GuestKernel.attach(ram, info);
        }
    }
}
