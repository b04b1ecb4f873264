package io.decamp.introspector.engine.vm.freeze;

import io.decamp.introspector.engine.vm.guest.GuestKernel;
import io.decamp.introspector.engine.vm.guest.KernelObject;
import io.decamp.linux.qemu.Qmp;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.function.Supplier;

/** Signatures first; the body follows at once. */
public final class GuestFreezer implements AutoCloseable {
    /** @param pauses how often the VM was stopped for it, {@code paused} for how long together */
    public record Frozen(int processes, int threads, Duration took, int pauses, Duration paused) {}

    /** @param ramFile opened for writing, e.g. /proc/QEMU/fd/N; @param stateDirectory of the service */
    public static GuestFreezer attach(String vm, GuestKernel kernel, Path ramFile, Qmp qmp, Path stateDirectory) {
        throw new UnsupportedOperationException();
    }

    /** @param leaders lists the processes of the workload anew at each call; empty when none is left */
    public Frozen freeze(Supplier<List<KernelObject>> leaders, Duration limit) {
        throw new UnsupportedOperationException();
    }

    public FreezeState state(Supplier<List<KernelObject>> leaders) {
        throw new UnsupportedOperationException();
    }

    public void thaw(Supplier<List<KernelObject>> leaders, Duration limit) {
        throw new UnsupportedOperationException();
    }

    public void kill(Supplier<List<KernelObject>> leaders, Duration limit) {
        throw new UnsupportedOperationException();
    }

    /** Takes QEMU's debugger stub away again; what is frozen stays so. */
    @Override
    public void close() {
        throw new UnsupportedOperationException();
    }
}
