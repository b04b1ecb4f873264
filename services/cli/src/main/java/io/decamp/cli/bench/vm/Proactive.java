package io.decamp.cli.bench.vm;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.decamp.cli.bench.Median;
import io.decamp.cli.bench.Pause;
import io.decamp.cli.bench.Target;
import io.decamp.contracts.id.NodeId;
import io.decamp.contracts.id.WorkloadId;
import io.decamp.contracts.page.PageRuns;
import io.decamp.contracts.port.MemorySource.Tasks;
import io.decamp.contracts.port.NodeSettings;
import io.decamp.contracts.port.WorkloadRuntime;
import io.decamp.introspector.engine.memory.WorkloadMemorySource;
import io.decamp.introspector.engine.vm.guest.GuestVmas;
import io.decamp.introspector.engine.vm.guest.KernelObject;
import io.decamp.introspector.engine.vm.runtime.AttachedVm;
import io.decamp.introspector.engine.vm.runtime.VmRuntime;
import io.decamp.introspector.engine.vm.runtime.Vms;
import io.decamp.testkit.Trees;
import io.decamp.testkit.vm.GuestVm;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.Supplier;

/**
 * How long a process is frozen that was followed from outside before: its memory lies in a replica, an epoch old, and
 * what is left to do while it is frozen is its state and the last delta. By the engine's two interfaces, as a node uses
 * them, without a network.
 */
final class Proactive implements AutoCloseable {
    private static final NodeId NODE = new NodeId("bench");
    private static final int EPOCHS = 4;
    /** Between two epochs of protection at the default policy there is about so much. */
    private static final Duration BETWEEN = Duration.ofMillis(250);

    private static final double BOUND_MILLIS = 100;

    private final Path directory;
    private final Vms vms;
    private final VmRuntime runtime;
    private final WorkloadMemorySource memory;

    /**
     * One freeze.
     *
     * @param askedMillis until the first thread was stopped: the workload runs
     * @param freezeMillis until all threads have stopped
     * @param stateMillis until the state was written besides
     * @param deltaMillis to find, read and store what was written since the last epoch
     * @param deltaPages of that delta
     * @param mismatches pages of the replica that are not as in the frozen process
     */
    private record Freeze(
            Load load,
            double askedMillis,
            double freezeMillis,
            double stateMillis,
            double deltaMillis,
            double thawMillis,
            long deltaPages,
            long mismatches) {
        double frozenMillis() {
            return freezeMillis + stateMillis + deltaMillis;
        }
    }

    /**
     * All freezes of one process.
     *
     * @param cold the first of this JVM, not among the others: half of the code is not loaded yet
     */
    record Result(int mib, double firstCopyMillis, Freeze cold, List<Freeze> freezes) {
        Target target() {
            double worst = freezes.stream()
                    .map(Freeze::load)
                    .distinct()
                    .mapToDouble(load -> Median.of(freezes.stream()
                            .filter(f -> f.load() == load)
                            .mapToDouble(f -> f.freezeMillis() + f.stateMillis())))
                    .max()
                    .orElse(Double.NaN);
            return Target.atMost(
                    mib + " MiB with proactive snapshots: frozen beside the delta, worst load",
                    worst,
                    BOUND_MILLIS,
                    " ms",
                    "");
        }

        Target mismatches() {
            double wrong = freezes.stream().mapToLong(Freeze::mismatches).sum();
            String what = "pages of that replica that differ, in " + freezes.size() + " freezes";
            return Target.atMost(what, wrong, 0, "", "");
        }

        void addTo(ObjectNode o) {
            o.put("mib", mib)
                    .put("firstCopyMillis", Saving.rounded(firstCopyMillis))
                    .put("coldFrozenMillis", Saving.rounded(cold.frozenMillis()));
            freezes.forEach(f -> o.withArray("runs")
                    .addObject()
                    .put("load", f.load().label())
                    .put("frozenMillis", Saving.rounded(f.frozenMillis()))
                    .put("askedMillis", Saving.rounded(f.askedMillis()))
                    .put("freezeMillis", Saving.rounded(f.freezeMillis()))
                    .put("stateMillis", Saving.rounded(f.stateMillis()))
                    .put("deltaMillis", Saving.rounded(f.deltaMillis()))
                    .put("thawMillis", Saving.rounded(f.thawMillis()))
                    .put("deltaPages", f.deltaPages())
                    .put("mismatchingPages", f.mismatches()));
        }

        @Override
        public String toString() {
            StringBuilder text = new StringBuilder(String.format(
                    Locale.ROOT,
                    "  %d MiB with proactive snapshots (first copy %.0f ms, running; first freeze of the JVM %.0f ms):",
                    mib,
                    firstCopyMillis,
                    cold.frozenMillis()));
            freezes.stream().map(Freeze::load).distinct().forEach(load -> {
                List<Freeze> of = freezes.stream().filter(f -> f.load() == load).toList();
                text.append(String.format(
                        Locale.ROOT,
                        "%n    %-6s frozen %.1f ms: freeze %.1f, state %.1f, delta of %.0f pages %.1f; %d pages differ",
                        load.label(),
                        Median.of(of.stream().mapToDouble(Freeze::frozenMillis)),
                        Median.of(of.stream().mapToDouble(Freeze::freezeMillis)),
                        Median.of(of.stream().mapToDouble(Freeze::stateMillis)),
                        Median.of(of.stream().mapToDouble(Freeze::deltaPages)),
                        Median.of(of.stream().mapToDouble(Freeze::deltaMillis)),
                        of.stream().mapToLong(Freeze::mismatches).sum()));
            });
            return text.toString();
        }
    }

    /** @param directory on tmpfs, of this object alone; it is gone when this is closed */
    Proactive(GuestVm vm, Path directory) {
        this.directory = directory;
        NodeSettings node = new NodeSettings(
                NODE,
                directory.resolve("state"),
                directory.resolve("memory"),
                "/decamp-bench",
                List.of("criu"),
                List.of("runc"));
        vm.register(node.stateDirectory());
        vms = new Vms(node);
        runtime = new VmRuntime(node, vms);
        memory = new WorkloadMemorySource(node.memoryDirectory(), Map.of("vm", runtime.memory()));
    }

    Result run(Holder holder, List<Load> loads, int rounds) {
        String name = holder.guest().vm().name();
        WorkloadId id = WorkloadId.of("vm:" + name + "/pid:" + holder.pid(), NODE);
        List<Freeze> freezes = new ArrayList<>();
        try (LocalReplica replica = new LocalReplica(Files.createDirectories(directory.resolve("replica")))) {
            long begin = System.nanoTime();
            memory.track(id, 1);
            long epoch = 1;
            epoch(id, epoch, Tasks.RUNNING, replica);
            double first = millis(begin);
            Freeze cold = freeze(id, Load.IDLE, ++epoch, replica, () -> anonymous(name, holder.pid()));
            for (Load load : loads) {
                try (Load.Running _ = load.start(holder.guest())) {
                    for (int round = 0; round < rounds; round++) {
                        for (int i = 0; i < EPOCHS; i++) {
                            Pause.of(BETWEEN);
                            epoch(id, ++epoch, Tasks.RUNNING, replica);
                        }
                        freezes.add(freeze(id, load, ++epoch, replica, () -> anonymous(name, holder.pid())));
                    }
                }
            }
            return new Result(holder.mib(), first, cold, freezes);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } finally {
            memory.untrack(id);
        }
    }

    /** @return pages */
    private long epoch(WorkloadId id, long epoch, Tasks tasks, LocalReplica replica) {
        PageRuns written = memory.scan(id, epoch, tasks).written();
        replica.take(written, portion -> memory.read(id, epoch, portion));
        memory.sealed(id, epoch);
        return written.totalPages();
    }

    private PageList anonymous(String vm, int pid) {
        AttachedVm attached = vms.attach(vm);
        KernelObject init = attached.tasks().find(pid).orElseThrow();
        return PageList.anonymous(new GuestVmas(attached.kernel()), init.follow("mm"));
    }

    private Freeze freeze(WorkloadId id, Load load, long epoch, LocalReplica replica, Supplier<PageList> guest) {
        long[] stopped = {0};
        long begin = System.nanoTime();
        WorkloadRuntime.Frozen frozen =
                runtime.freeze(id, "bench-" + epoch, parts(epoch), () -> stopped[0] = System.nanoTime());
        long captured = System.nanoTime();
        long stopping = captured - (frozen.heldAtUnixMicros() - frozen.stoppedAtUnixMicros()) * 1_000;
        try {
            long pages = epoch(id, epoch, Tasks.HELD, replica);
            double delta = millis(captured);
            long mismatches = replica.mismatches(guest.get());
            long thaw = System.nanoTime();
            runtime.thaw(id);
            return new Freeze(
                    load,
                    (stopping - begin) / 1e6,
                    (stopped[0] - stopping) / 1e6,
                    (captured - stopped[0]) / 1e6,
                    delta,
                    millis(thaw),
                    pages,
                    mismatches);
        } finally {
            runtime.thaw(id);
        }
    }

    private Path parts(long epoch) {
        try {
            return Files.createDirectories(directory.resolve("parts-" + epoch));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Override
    public void close() {
        memory.close();
        vms.close();
        Trees.delete(directory);
    }

    private static double millis(long since) {
        return (System.nanoTime() - since) / 1e6;
    }
}
