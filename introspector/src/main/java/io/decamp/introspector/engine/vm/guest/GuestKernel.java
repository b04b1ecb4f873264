package io.decamp.introspector.engine.vm.guest;

import static io.decamp.introspector.engine.vm.guest.GuestFault.hex;

import io.decamp.introspector.engine.vm.guest.GuestFault.Reason;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.util.OptionalLong;
import java.util.UUID;

/**
 * A guest's kernel seen from outside: its symbols, its types, its virtual memory. The layer between {@link GuestRam}
 * and {@link KernelObject}.
 *
 * <p>Refuses user addresses, a kernel without kallsyms or BTF, and tables that contradict VMCOREINFO. Translations are
 * not remembered, so what the kernel maps anew (stacks of tasks, modules) is seen. Thread safe; owns nothing but the
 * RAM it was attached with, which {@link #close} closes.
 */
public final class GuestKernel implements AutoCloseable {
    /** One read; the largest thing read at once is BTF with 5 MiB. */
    public static final int MAX_READ_BYTES = BtfBlob.MAX_BYTES;

    /** With 4 and with 5 levels, when the kernel does not move them. */
    private static final long[] DIRECT_MAP = {0xffff_8880_0000_0000L, 0xff11_0000_0000_0000L};

    private static final long[] PAGE_ARRAY = {0xffff_ea00_0000_0000L, 0xffd4_0000_0000_0000L};
    /** {@code NR_CPUS_RANGE_END}. */
    private static final int MAX_CPUS = 8192;
    /** {@code __NEW_UTS_LEN}. */
    private static final int UTS_LENGTH = 64;
    /** {@code PUD_SIZE}: the alignment of what KASLR moves. */
    private static final long REGION_ALIGNMENT = 1L << 30;

    private final KernelMemory memory;
    private final VmcoreInfo info;
    private final Kallsyms symbols;
    private final Btf types;
    private final long pageArray;
    private final long pageBytes;
    private final int cpus;
    private final long releaseAt;
    private final String bootId;

    private GuestKernel(GuestRam ram, VmcoreInfo info) {
        this.info = info;
        KernelMemory image = KernelMemory.ofImage(ram, info);
        symbols = Kallsyms.read(image::bytes, info, "init_uts_ns");
        memory = image.withDirectMap(region(image, "page_offset_base", DIRECT_MAP));
        pageArray = region(image, "vmemmap_base", PAGE_ARRAY);
        types = Btf.parse(section("__start_BTF", "__stop_BTF", BtfBlob.MAX_BYTES));
        pageBytes = types.sizeOf("page");
        cpus = countCpus();
        releaseAt = global("init_uts_ns", "uts_namespace").addressOf("name.release");
        if (!text(releaseAt, UTS_LENGTH + 1).equals(release())) {
            throw GuestFault.format("VMCOREINFO is of kernel " + release() + ", which is not the one in memory");
        }
        bootId = identify();
    }

    /**
     * @param ram is closed with the kernel; when attaching fails it stays open
     * @throws GuestFault when the memory is not that of a running Linux with kallsyms and BTF
     */
    public static GuestKernel attach(GuestRam ram, VmcoreInfo info) {
        try {
            return new GuestKernel(ram, info);
        } catch (ArithmeticException | IndexOutOfBoundsException | NegativeArraySizeException e) {
            throw new GuestFault(Reason.FORMAT, "The guest's kernel tables have sizes that can't be", e);
        }
    }

    private byte[] section(String from, String to, int limit) {
        long start = symbol(from);
        long length = symbol(to) - start;
        if (length <= 0 || length > limit) {
            throw GuestFault.format("Section from " + from + " at " + hex(start) + " has " + length + " bytes");
        }
        return bytes(start, (int) length);
    }

    /** CONFIG_DYNAMIC_MEMORY_LAYOUT keeps the base in a variable; without it the base is as in Documentation/x86/mm. */
    private long region(KernelMemory image, String symbol, long[] otherwise) {
        OptionalLong at = findSymbol(symbol);
        long base = at.isPresent() ? image.u64(at.getAsLong()) : otherwise[info.fiveLevels() ? 1 : 0];
        if (base >= 0 || (base & REGION_ALIGNMENT - 1) != 0) {
            throw GuestFault.format("Kernel variable " + symbol + " is " + hex(base));
        }
        return base;
    }

    private int countCpus() {
        OptionalLong symbol = findSymbol("nr_cpu_ids");
        int count = symbol.isPresent() ? u32(symbol.getAsLong()) : 0;
        if (count <= 0 || count > MAX_CPUS) {
            throw GuestFault.format("The kernel says that it has " + Integer.toUnsignedString(count) + " processors");
        }
        return count;
    }

    /** What a boot draws by lot: where the kernel and its memory are, and init's stack canary. */
    private String identify() {
        KernelObject init = global("init_task", "task_struct");
        long canary = init.has("stack_canary") ? init.number("stack_canary") : 0;
        String drawn = String.join(
                "/",
                info.release(),
                hex(info.kernelOffset()),
                hex(info.physBase()),
                hex(memory.directMap()),
                hex(pageArray),
                hex(canary));
        return UUID.nameUUIDFromBytes(drawn.getBytes(StandardCharsets.US_ASCII)).toString();
    }

    /**
     * Looks whether this is still the boot that was attached to.
     *
     * @throws GuestFault with {@link Reason#REBOOTED}
     */
    public void requireSameBoot() {
        String now;
        try {
            now = text(releaseAt, UTS_LENGTH + 1);
            now = now.equals(release()) ? identify() : now;
        } catch (GuestFault e) {
            throw new GuestFault(Reason.REBOOTED, "The guest's kernel " + release() + " is not there any more", e);
        }
        if (!now.equals(bootId)) {
            throw new GuestFault(Reason.REBOOTED, "The guest's kernel " + release() + " is not the one attached to");
        }
    }

    /**
     * Whether VMCOREINFO that was asked for later is of the kernel attached to. One that booted since and lies
     * elsewhere has left this one's data in memory, which may look alive; one that lies in the same place has
     * overwritten it.
     */
    public boolean isDescribedBy(VmcoreInfo now) {
        return now.release().equals(info.release())
                && now.kernelOffset() == info.kernelOffset()
                && now.physBase() == info.physBase();
    }

    /** {@code uname -r}. */
    public String release() {
        return info.release();
    }

    /**
     * Names this boot of this guest: another one of it, or another guest, has another. Not the guest's own {@code
     * boot_id}, which the kernel draws only when someone first asks for it.
     */
    public String bootId() {
        return bootId;
    }

    /** Number of processors that can be; each has its part of per-cpu memory. */
    public int cpus() {
        return cpus;
    }

    public GuestRam ram() {
        return memory.ram();
    }

    public PageTables pageTables() {
        return memory.tables();
    }

    public Btf types() {
        return types;
    }

    Kallsyms symbols() {
        return symbols;
    }

    /** @throws GuestFault when this kernel has no such symbol */
    public long symbol(String name) {
        OptionalLong found = findSymbol(name);
        if (found.isEmpty()) {
            throw new GuestFault(Reason.SYMBOL, "Kernel " + release() + " has no symbol " + name);
        }
        return found.getAsLong();
    }

    /** The first of that name; static ones are found too. */
    public OptionalLong findSymbol(String name) {
        return symbols.find(name);
    }

    /**
     * Translates a kernel virtual address.
     *
     * @throws GuestFault when it is a user address or not mapped
     */
    public long physical(long va) {
        return memory.physical(va);
    }

    /** Virtual address in the kernel's linear mapping of all RAM ({@code __va}). */
    public long directMap(long physical) {
        return memory.directMap() + physical;
    }

    /** The {@code struct page} of a frame. */
    public KernelObject page(long physical) {
        return object("page", pageArray + (physical >>> 12) * pageBytes);
    }

    /** The frame which a {@code struct page} stands for ({@code page_to_phys}). */
    public long frameOf(long page) {
        long offset = page - pageArray;
        if (offset < 0 || offset % pageBytes != 0) {
            throw GuestFault.unmapped(page, "not a struct page");
        }
        return offset / pageBytes << 12;
    }

    /** Fills the whole segment from kernel virtual memory. */
    public void read(long va, MemorySegment to) {
        memory.read(va, to);
    }

    /** At most {@link #MAX_READ_BYTES}. */
    public byte[] bytes(long va, int length) {
        return memory.bytes(va, length);
    }

    public byte u8(long va) {
        return memory.u8(va);
    }

    public short u16(long va) {
        return memory.u16(va);
    }

    public int u32(long va) {
        return memory.u32(va);
    }

    public long u64(long va) {
        return memory.u64(va);
    }

    /**
     * Text up to the first zero byte, one character per byte (ISO 8859-1 keeps names that are not UTF-8 whole).
     *
     * @throws GuestFault when there is no zero byte within the limit
     */
    public String text(long va, int limit) {
        return memory.text(va, limit);
    }

    /** Takes the address for a pointer to the type; nothing is read yet. */
    public KernelObject object(String type, long va) {
        return new KernelObject(this, types.view(type), va);
    }

    public KernelObject global(String symbol, String type) {
        return object(type, symbol(symbol));
    }

    /** A per-cpu variable's copy of one processor. */
    public KernelObject perCpu(String symbol, String type, int cpu) {
        return object(type, perCpuAddress(symbol, cpu));
    }

    /** {@code per_cpu_ptr} */
    public long perCpuAddress(String symbol, int cpu) {
        if (cpu < 0 || cpu >= cpus) {
            throw GuestFault.bound("Processor " + cpu + " of " + cpus);
        }
        return symbol(symbol) + u64(symbol("__per_cpu_offset") + 8L * cpu);
    }

    /** Whether the processor runs ({@code cpu_online}). */
    public boolean online(int cpu) {
        return cpu >= 0 && cpu < cpus && (u64(symbol("__cpu_online_mask") + 8L * (cpu / 64)) >>> cpu & 1) != 0;
    }

    /** How many processors run. */
    public int onlineCpus() {
        long mask = symbol("__cpu_online_mask");
        int count = 0;
        for (int word = 0; word * Long.SIZE < cpus; word++) {
            count += Long.bitCount(u64(mask + (long) word * Long.BYTES));
        }
        return count;
    }

    @Override
    public void close() {
        memory.ram().close();
    }
}
