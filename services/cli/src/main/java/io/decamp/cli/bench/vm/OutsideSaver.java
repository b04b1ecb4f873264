package io.decamp.cli.bench.vm;

import io.decamp.contracts.error.DecampException;
import io.decamp.introspector.engine.vm.freeze.GuestFreezer;
import io.decamp.introspector.engine.vm.guest.GuestKernel;
import io.decamp.introspector.engine.vm.guest.GuestTasks;
import io.decamp.introspector.engine.vm.guest.GuestVmas;
import io.decamp.introspector.engine.vm.guest.KernelObject;
import io.decamp.introspector.engine.vm.guest.QemuMemory;
import io.decamp.introspector.engine.vm.state.StateCapture;
import io.decamp.linux.qemu.Qmp;
import io.decamp.testkit.Trees;
import io.decamp.testkit.vm.GuestVm;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Supplier;

/**
 * Saves a process from outside its VM with the engine that nodes use: freeze, state as CRIU images, page walk, copy to
 * a file on tmpfs whose pages are there, thaw. Nothing was copied before: no proactive snapshot helps. One thread at a time.
 */
final class OutsideSaver implements AutoCloseable {
    private static final Duration FREEZE_LIMIT = Duration.ofSeconds(20);
    /** The guest's kernel may move a page while it is copied; a second time in a row would be a wonder. */
    private static final int COPIES_LIMIT = 3;

    /**
     * One save.
     *
     * @param phases milliseconds, in order
     * @param pauses of the whole VM, {@code pausedMillis} together
     */
    record Saved(Map<String, Double> phases, long bytes, int pieces, int threads, int pauses, double pausedMillis) {
        double savedMillis() {
            return phases.values().stream().mapToDouble(Double::doubleValue).sum();
        }

        /** All but looking for the processes. */
        double frozenMillis() {
            return savedMillis() - phases.get("list");
        }
    }

    private final Path directory;
    private final Qmp qmp;
    private final GuestKernel kernel;
    private final GuestFreezer freezer;
    private final GuestTasks tasks;
    private final GuestVmas vmas;
    private final double attachMillis;
    private final Arena arena = Arena.ofShared();
    private MemorySegment image = MemorySegment.NULL;

    private OutsideSaver(GuestVm vm, Path directory) throws IOException {
        this.directory = directory;
        long begin = System.nanoTime();
        qmp = Qmp.connect(vm.qmp());
        kernel = QemuMemory.attach(qmp, vm.ram(), null);
        tasks = new GuestTasks(kernel);
        vmas = new GuestVmas(kernel);
        freezer = GuestFreezer.attach(vm.name(), kernel, vm.ram(), qmp, directory);
        attachMillis = (System.nanoTime() - begin) / 1e6;
    }

    /** @param directory on tmpfs, of this object alone; it is gone when this is closed */
    static OutsideSaver attach(GuestVm vm, Path directory) {
        try {
            Files.createDirectories(directory);
            return new OutsideSaver(vm, directory);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    double attachMillis() {
        return attachMillis;
    }

    /** Words that were written into the guest's memory so far. */
    long writes() {
        return freezer.writes();
    }

    /** Room for so much, all of it there before it is needed: a destination prepares its replica likewise. */
    void makeRoom(long bytes) {
        Path file = directory.resolve("pages");
        try (FileChannel channel = FileChannel.open(
                file, StandardOpenOption.CREATE, StandardOpenOption.READ, StandardOpenOption.WRITE)) {
            image = channel.map(FileChannel.MapMode.READ_WRITE, 0, bytes, arena);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        PageList.warm(image);
    }

    MemorySegment image() {
        return image;
    }

    /** The process's memory as it is now; stable only while nobody writes it. */
    PageList pages(int pid) {
        return PageList.walk(vmas, init(pid).follow("mm"));
    }

    /** @throws DecampException the engine's; the process runs on */
    Saved save(int pid) {
        Clock clock = new Clock();
        KernelObject init = init(pid);
        Supplier<List<KernelObject>> processes = () -> tasks.inNamespaceOf(init);
        processes.get();
        clock.lap("list");
        GuestFreezer.Frozen frozen = freezer.freeze(processes, FREEZE_LIMIT);
        clock.lap("freeze");
        PageList pages;
        try {
            StateCapture.write(kernel, init, parts());
            clock.lap("capture");
            pages = copy(init, clock);
        } finally {
            freezer.thaw(processes, FREEZE_LIMIT);
        }
        clock.lap("thaw");
        return new Saved(
                clock.phases,
                pages.bytes(),
                pages.pieces(),
                frozen.threads(),
                frozen.pauses(),
                frozen.paused().toNanos() / 1e6);
    }

    private PageList copy(KernelObject init, Clock clock) {
        KernelObject mm = init.follow("mm");
        PageList before = PageList.walk(vmas, mm);
        clock.lap("walk");
        for (int i = 0; i < COPIES_LIMIT; i++) {
            before.copyTo(image);
            clock.lap("copy");
            PageList after = PageList.walk(vmas, mm);
            clock.lap("walk");
            if (after.same(before)) {
                return before;
            }
            before = after;
        }
        throw DecampException.abort(
                "bench-pages-move", "Pages of a frozen process moved again and again", "Report it", null);
    }

    private KernelObject init(int pid) {
        return tasks.find(pid).orElseThrow(() -> DecampException.abort(
                "bench-process", "Process " + pid + " is not in the guest any more", "Report it", null));
    }

    private Path parts() {
        Path parts = directory.resolve("parts");
        Trees.delete(parts);
        try {
            return Files.createDirectory(parts);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Override
    public void close() {
        freezer.close();
        kernel.close();
        qmp.close();
        arena.close();
        Trees.delete(directory);
    }

    /** Adds up what each phase took. */
    private static final class Clock {
        private final Map<String, Double> phases = new LinkedHashMap<>();
        private long last = System.nanoTime();

        void lap(String phase) {
            long now = System.nanoTime();
            phases.merge(phase, (now - last) / 1e6, Double::sum);
            last = now;
        }
    }
}
