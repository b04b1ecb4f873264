package io.decamp.introspector.engine.vm.memory;

import io.decamp.contracts.error.DecampException;
import io.decamp.introspector.engine.memory.TrackingKeeper;
import io.decamp.linux.abi.PagemapAbi;
import io.decamp.linux.abi.UffdAbi;
import io.decamp.linux.fd.FileDescriptor;
import io.decamp.linux.libc.Errno;
import io.decamp.linux.libc.SyscallException;
import io.decamp.linux.pagemap.PageMapScanner;
import io.decamp.linux.pagemap.ScanRequest;
import io.decamp.linux.ptrace.UserFaultFdInjector;
import io.decamp.linux.qemu.QemuRam;
import io.decamp.linux.uffd.UserFaultFd;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;
import org.jboss.logging.Logger;

/**
 * When each page of a VM's memory was last found written: QEMU's mapping of the memory file is under asynchronous write
 * protection, which sees the guest's writes and those of the devices that QEMU emulates. One for a VM, however many
 * workloads inside are followed: each page has a <em>stamp</em>, the number of the {@link #refresh} that found it
 * written, and whoever looks compares it with the number of the refresh that he has seen.
 *
 * <p>Holes are protected too, other than in a process's own memory: where the host has reclaimed a page of a shared
 * file, nothing but a marker in the page table tells a written page from an unwritten one. Costs 2 MiB of page tables
 * per GiB, and a page table that QEMU has nearly full anyway.
 *
 * <p>What writes through another mapping is not seen: our own writes (kernel stacks of the guest only, see
 * docs/out-of-band-safety.md), vhost-user back ends, devices passed through, and disk reads that QEMU has in flight
 * with O_DIRECT while a refresh passes.
 *
 * <p>The kernel forgets what it reports in the call that reports it. Therefore the stamps lie in a file, and a mark is
 * set around the call: should it be found set, every page counts as written. Thread safe.
 */
public final class RamTracking implements Writes, AutoCloseable {
    private static final Logger LOG = Logger.getLogger(RamTracking.class);

    static final int PAGE_BYTES = 4096;

    private static final long FEATURES = UffdAbi.UFFD_FEATURE_WP_ASYNC
            | UffdAbi.UFFD_FEATURE_WP_UNPOPULATED
            | UffdAbi.UFFD_FEATURE_WP_HUGETLBFS_SHMEM
            | UffdAbi.UFFD_FEATURE_PAGEFAULT_FLAG_WP;

    private static final ScanRequest WRITTEN = new ScanRequest(
            PagemapAbi.PM_SCAN_WP_MATCHING | PagemapAbi.PM_SCAN_CHECK_WPASYNC,
            PagemapAbi.PAGE_IS_WRITTEN,
            0,
            0,
            PagemapAbi.PAGE_IS_WRITTEN);

    /** In the keeper's record; it holds nothing else. */
    private static final long KEPT = 1;

    private final QemuRam ram;
    private final Path directory;
    private final TrackingKeeper keeper;
    private final WriteStamps stamps;
    private final UserFaultFd userFaultFd;
    private final PageMapScanner scanner;

    private RamTracking(
            QemuRam ram, Path directory, TrackingKeeper keeper, WriteStamps stamps, UserFaultFd userFaultFd) {
        this.ram = ram;
        this.directory = directory;
        this.keeper = keeper;
        this.stamps = stamps;
        this.userFaultFd = userFaultFd;
        this.scanner = PageMapScanner.open(ram.process().pid());
    }

    /**
     * Goes on with what an earlier service left, or starts: one thread of QEMU is stopped for some 30 us.
     *
     * @param directory on tmpfs, of this VM alone
     * @throws DecampException {@code vm-not-trackable}, {@code vm-gone}
     */
    static RamTracking open(QemuRam ram, Path directory) {
        try {
            Files.createDirectories(directory);
        } catch (IOException e) {
            throw WriteStamps.unusable(directory, e);
        }
        TrackingKeeper keeper = TrackingKeeper.open(directory);
        try {
            Path file = directory.resolve("stamps");
            Optional<RamTracking> resumed = resume(ram, directory, keeper, file);
            if (resumed.isPresent()) {
                return resumed.get();
            }
            // the old userfaultfd would keep a new one out
            keeper.end();
            return start(ram, directory, keeper, file);
        } catch (RuntimeException | Error e) {
            keeper.close();
            throw e;
        }
    }

    private static Optional<RamTracking> resume(QemuRam ram, Path directory, TrackingKeeper keeper, Path file) {
        Optional<UserFaultFd> kept = keeper.fetch(KEPT).map(UserFaultFd::new);
        if (kept.isEmpty()) {
            return Optional.empty();
        }
        RamTracking resumed = null;
        Optional<WriteStamps> stamps = Optional.empty();
        try {
            stamps = WriteStamps.resume(file, ram.process(), ram.hostAddress(), ram.bytes());
            if (stamps.isPresent() && register(ram, kept.get()) == 0) {
                resumed = new RamTracking(ram, directory, keeper, stamps.get(), kept.get());
            }
            return Optional.ofNullable(resumed);
        } finally {
            if (resumed == null) {
                stamps.ifPresent(WriteStamps::close);
                kept.get().close();
            }
        }
    }

    private static RamTracking start(QemuRam ram, Path directory, TrackingKeeper keeper, Path file) {
        UserFaultFd fresh = null;
        WriteStamps stamps = null;
        try {
            UserFaultFdInjector.Injected injected = UserFaultFdInjector.inject(ram.process().pid());
            fresh = injected.userFaultFd();
            fresh.api(FEATURES);
            int result = register(ram, fresh);
            if (result < 0) {
                throw new SyscallException("UFFDIO_REGISTER", -result, "memory of VM " + ram.vm());
            }
            keeper.hold(Map.of(KEPT, fresh.descriptor()));
            stamps = WriteStamps.create(file, ram.process(), ram.hostAddress(), ram.bytes());
            LOG.infof(
                    "VM %s: %d MiB at 0x%x of process %d are tracked, stopped %d us",
                    ram.vm(), ram.bytes() >> 20, ram.hostAddress(), ram.process().pid(), injected.stoppedMicros());
            return new RamTracking(ram, directory, keeper, stamps, fresh);
        } catch (RuntimeException | Error e) {
            if (stamps != null) {
                stamps.close();
            }
            if (fresh != null) {
                fresh.close();
            }
            keeper.end();
            ram.requireAlive();
            if (e instanceof RuntimeException known) {
                throw notTrackable(ram, known);
            }
            throw e;
        }
    }

    private static DecampException notTrackable(QemuRam ram, RuntimeException cause) {
        boolean busy = cause instanceof SyscallException call && call.errno() == Errno.EBUSY;
        return DecampException.retry(
                "vm-not-trackable",
                "Writes to the memory of VM " + ram.vm() + " can't be followed in process "
                        + ram.process().pid(),
                busy
                        ? "QEMU uses a userfaultfd itself (a migration or background snapshot): wait for its end"
                        : "End the debugger that is attached to QEMU; see decamp check for what the kernel supports",
                cause);
    }

    private static int register(QemuRam ram, UserFaultFd userFaultFd) {
        return userFaultFd.register(
                ram.hostAddress(), ram.hostAddress() + ram.bytes(), UffdAbi.UFFDIO_REGISTER_MODE_WP);
    }

    /** Tells this tracking from every other one: stamps of different ones can't be compared. */
    long id() {
        return stamps.id();
    }

    /**
     * Stamps what was written since the last one, and protects it again.
     *
     * @return the number that these stamps have; every later write gets a greater one
     * @throws DecampException {@code vm-gone}
     */
    @Override
    public synchronized int refresh() {
        ram.requireAlive();
        boolean interrupted = stamps.isUnfinished();
        int number = stamps.begin();
        long base = ram.hostAddress();
        PageMapScanner.Outcome outcome = scanner.scan(
                WRITTEN,
                base,
                base + ram.bytes(),
                (from, to, categories) -> stamps.set((from - base) / PAGE_BYTES, (to - base) / PAGE_BYTES, number));
        switch (outcome) {
            case COMPLETE -> {
                if (interrupted) {
                    stamps.set(0, stamps.pages(), number);
                }
                stamps.end();
            }
            case NOT_REGISTERED -> renew(number);
            case GONE -> throw ram.gone();
        }
        return number;
    }

    /** QEMU has mapped a part anew (memory-failure recovery, for one): what was written there nobody knows. */
    private void renew(int number) {
        int result = register(ram, userFaultFd);
        if (result < 0) {
            throw notTrackable(ram, new SyscallException("UFFDIO_REGISTER", -result, "memory of VM " + ram.vm()));
        }
        LOG.warnf("VM %s: its memory was mapped anew, all of it counts as written", ram.vm());
        stamps.set(0, stamps.pages(), number);
        stamps.end();
    }

    /** The number of the refresh that last found the page of the memory file written. */
    @Override
    public int stamp(long page) {
        return stamps.get(page);
    }

    /** Pages of the memory file. */
    long pages() {
        return stamps.pages();
    }

    /** Gives up the handle; the keeper holds on. */
    @Override
    public synchronized void close() {
        scanner.close();
        userFaultFd.close();
        stamps.close();
        keeper.close();
    }

    /** Ends it for good: nothing is protected any more, nothing stays behind. */
    synchronized void end() {
        keeper.end();
        close();
        WriteStamps.delete(directory);
    }
}
