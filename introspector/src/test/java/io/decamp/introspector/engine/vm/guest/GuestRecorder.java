package io.decamp.introspector.engine.vm.guest;

import io.decamp.linux.qemu.Qmp;
import io.decamp.testkit.vm.GuestImage;
import io.decamp.testkit.vm.GuestSpec;
import io.decamp.testkit.vm.GuestVm;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.SortedMap;
import java.util.SortedSet;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentSkipListSet;

/**
 * Makes the recorded guests anew: run {@link #main} with the directory for them ({@code src/test/resources/vm}). Boots
 * a guest of each kernel, starts a container, asks the guest for the facts, stops it, and keeps each frame that reading
 * touches. Symbols and types that are not needed are taken out of the kernel's tables; their form stays the kernel's.
 */
final class GuestRecorder {
    private static final String[] SYMBOLS = {
        "init_uts_ns", "init_task", "page_offset_base", "vmemmap_base", "__start_BTF", "__stop_BTF", "nr_cpu_ids",
        "__per_cpu_offset", "__cpu_online_mask", "special_mapping_vmops", "pipefs_dname", "sockfs_dname",
        "anon_inodefs_dname", "ns_dname", "runqueues", "init_pid_ns", "current_task", "pcpu_hot"
    };

    /** Asked for by tests of their own. */
    private static final String[] TYPES = {"list_head", "hlist_head", "rb_root", "rb_node"};

    private GuestRecorder() {}

    public static void main(String[] args) throws IOException {
        Path directory = Files.createDirectories(Path.of(args[0]));
        record(GuestSpec.named("recorded"), directory.resolve(RecordedGuest.NAMES.get(0) + ".gz"));
        GuestSpec newer = GuestSpec.named("recorded").withKernel(GuestImage.Kernel.NEWER);
        record(newer.withCpuModel("Nehalem"), directory.resolve(RecordedGuest.NAMES.get(1) + ".gz"));
    }

    private static void record(GuestSpec spec, Path file) throws IOException {
        try (GuestVm guest = GuestVm.boot(spec);
                Qmp qmp = Qmp.connect(guest.qmp())) {
            int init = GuestFacts.start(guest);
            Map<String, String> facts = GuestFacts.of(guest, init);
            VmcoreInfo info = QemuMemory.vmcoreInfo(qmp);
            qmp.execute("stop");
            SortedSet<Long> frames = new ConcurrentSkipListSet<>();
            GuestRam ram = GuestRam.open(guest.ram(), QemuMemory.layout(qmp, null), frames::add);
            try (GuestKernel kernel = GuestKernel.attach(ram, info)) {
                require(facts, GuestReadings.of(kernel, init));
                kernel.online(0);
                for (String type : TYPES) {
                    kernel.types().view(type);
                }
                kernel.perCpu("runqueues", "rq", 1).number("cpu");
                SortedMap<Long, byte[]> pages = pages(ram, frames);
                slim(kernel, info, pages);
                RecordedGuest recorded = new RecordedGuest(info, pages, facts, init);
                require(facts, GuestReadings.of(recorded.attach(), init));
                recorded.save(Files.newOutputStream(file));
                System.out.println(file + ": " + pages.size() + " frames, " + Files.size(file) + " bytes");
            }
        }
    }

    private static void require(Map<String, String> facts, Map<String, String> readings) {
        String differences = GuestFacts.differences(facts, readings);
        if (!differences.isEmpty()) {
            throw new IllegalStateException(differences);
        }
    }

    private static SortedMap<Long, byte[]> pages(GuestRam ram, SortedSet<Long> frames) {
        SortedMap<Long, byte[]> pages = new TreeMap<>();
        for (long frame : frames) {
            byte[] page = new byte[GuestRam.PAGE_BYTES];
            ram.read(frame, java.lang.foreign.MemorySegment.ofArray(page));
            pages.put(frame, page);
        }
        return pages;
    }

    private static void slim(GuestKernel kernel, VmcoreInfo info, SortedMap<Long, byte[]> pages) {
        long types = kernel.symbol("__start_BTF");
        byte[] slim = new SlimBtf(kernel.types()).bytes();
        put(kernel, pages, types, slim, kernel.symbol("__stop_BTF") - types);

        Kallsyms symbols = kernel.symbols();
        ByteBuffer names = ByteBuffer.allocate(SYMBOLS.length * 64);
        ByteBuffer offsets = ByteBuffer.allocate(SYMBOLS.length * 4).order(ByteOrder.LITTLE_ENDIAN);
        for (String name : SYMBOLS) {
            int i = symbols.indexOf(name);
            if (i >= 0) {
                names.put(symbols.packed(i));
                offsets.putInt(symbols.offset(i));
            }
        }
        long namesBytes = info.symbol("kallsyms_token_table") - info.symbol("kallsyms_names");
        put(kernel, pages, info.symbol("kallsyms_names"), copy(names), namesBytes);
        put(kernel, pages, info.symbol("kallsyms_offsets"), copy(offsets), symbols.count() * 4L);
        int count = offsets.position() / 4;
        put(kernel, pages, info.symbol("kallsyms_num_syms"), new byte[] {(byte) count, 0, 0, 0}, 4);
    }

    private static byte[] copy(ByteBuffer filled) {
        byte[] bytes = new byte[filled.position()];
        filled.flip().get(bytes);
        return bytes;
    }

    /**
     * Puts the bytes there and zeros behind them; frames that are zero from there on are kept, as zeros take no room.
     */
    private static void put(GuestKernel kernel, SortedMap<Long, byte[]> pages, long va, byte[] bytes, long length) {
        for (long i = 0; i < length; i++) {
            long physical = kernel.physical(va + i);
            byte[] page = pages.get(physical & -GuestRam.PAGE_BYTES);
            if (page != null) {
                page[(int) (physical & GuestRam.PAGE_BYTES - 1)] = i < bytes.length ? bytes[(int) i] : 0;
            }
        }
    }
}
