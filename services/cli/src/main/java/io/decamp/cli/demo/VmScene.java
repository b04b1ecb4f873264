package io.decamp.cli.demo;

import io.decamp.contracts.id.NodeId;
import io.decamp.contracts.id.WorkloadId;
import io.decamp.testkit.Await;
import io.decamp.testkit.ChainSpec;
import io.decamp.testkit.Command;
import io.decamp.testkit.Lab;
import io.decamp.testkit.vm.GuestResult;
import io.decamp.testkit.vm.GuestSpec;
import io.decamp.testkit.vm.GuestVm;
import io.decamp.testkit.vm.GuestWorkload;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.stream.Stream;

/** A guest in each node, and the container that leaves the one for the other. */
public final class VmScene implements AutoCloseable {
    private static final Duration LIMIT = Duration.ofSeconds(60);
    /** Two processes below an init, two writers each; steps of 20 ms, which a translated processor can keep. */
    private static final ChainSpec CONTAINER = stepping(ChainSpec.of(64, 1024).withTree(1, 2), 20_000);

    private static final int MEMORY_MIB = 768;
    private static final int PROCESSORS = 2;
    private static final double BUSY = 0.9;
    private static final int NICE = 10;

    private final GuestVm source;
    private final GuestVm destination;
    private GuestWorkload workload;

    private VmScene(GuestVm source, GuestVm destination) {
        this.source = source;
        this.destination = destination;
    }

    /** Boots guest a in alpha and guest b, which receives, in beta. */
    public static VmScene boot(Lab lab) {
        GuestVm a = GuestVm.boot(GuestSpec.named("a").withMemoryMib(MEMORY_MIB).withCpus(PROCESSORS), lab.alpha());
        try {
            GuestVm b = GuestVm.boot(
                    GuestSpec.named("b")
                            .withMemoryMib(MEMORY_MIB)
                            .withCpus(PROCESSORS)
                            .receiving(),
                    lab.beta());
            touchMemory(a);
            touchMemory(b);
            return new VmScene(a, b);
        } catch (RuntimeException | Error e) {
            a.close();
            throw e;
        }
    }

    /**
     * Has a guest use most of its memory once, as one that has run for a while has: whoever comes first would pay for pages
     * that this machine had not given to QEMU yet.
     */
    private static void touchMemory(GuestVm guest) {
        guest.shell("dd if=/dev/zero of=/tmp/touched bs=1M count=" + MEMORY_MIB / 2 + " 2>/dev/null; rm /tmp/touched")
                .check();
    }

    private static ChainSpec stepping(ChainSpec s, int micros) {
        return new ChainSpec(
                s.sizeMib(),
                s.pagesPerSecond(),
                micros,
                s.threads(),
                s.children(),
                s.auditPages(),
                s.zeroPercent(),
                s.seed(),
                s.spread());
    }

    public GuestVm source() {
        return source;
    }

    public GuestVm destination() {
        return destination;
    }

    public GuestWorkload workload() {
        return workload;
    }

    /** Starts a container in guest a. What it needs to be there is put into guest b too. */
    public void startContainer() {
        GuestWorkload.prepare(destination);
        workload = GuestWorkload.start(source, CONTAINER);
    }

    /** Of the container that was started last. */
    public WorkloadId id() {
        return WorkloadId.of(workload.locator(), new NodeId("alpha"));
    }

    /**
     * Keeps all processors of guest a busy. Returns when they are. Its QEMU gives way to what else this machine does, as
     * the other node's guest would not share a real machine with it.
     *
     * @return share of their time that was busy
     */
    public double load() {
        giveWay(source);
        source.shell("setsid stress-ng --cpu " + PROCESSORS + " --timeout 3600 </dev/null >/dev/null 2>&1 &")
                .check();
        double[] seen = new double[1];
        Await.until(
                () -> String.format(Locale.ROOT, "guest a to be busy, which it is %.0f %%", seen[0] * 100),
                LIMIT,
                () -> (seen[0] = busyShare(source)) >= BUSY);
        return seen[0];
    }

    private static void giveWay(GuestVm guest) {
        List<String> renice = new ArrayList<>(List.of("renice", "-n", Integer.toString(NICE), "-p"));
        try (Stream<Path> threads = Files.list(Path.of("/proc/" + guest.pid() + "/task"))) {
            threads.forEach(thread -> renice.add(thread.getFileName().toString()));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        Command.run(renice).check();
    }

    public void endLoad() {
        source.shell("kill $(pidof stress-ng); while pidof stress-ng >/dev/null; do sleep 0.1; done")
                .check();
    }

    /** Over a second: the first line of proc_stat(5), idle and waiting against all. */
    private static double busyShare(GuestVm guest) {
        GuestResult said = guest.shell("head -n 1 /proc/stat; sleep 1; head -n 1 /proc/stat")
                .check();
        long[] before = ticks(said.lines().get(0));
        long[] after = ticks(said.lines().get(1));
        return 1 - (double) (after[1] - before[1]) / Math.max(1, after[0] - before[0]);
    }

    private static long[] ticks(String line) {
        String[] field = line.split("\\s+");
        long all = 0;
        for (int i = 1; i < field.length; i++) {
            all += Long.parseLong(field[i]);
        }
        return new long[] {all, Long.parseLong(field[4]) + Long.parseLong(field[5])};
    }

    /** What a guest's kernel complained of since it was booted; empty when of nothing. */
    public static String complaints(GuestVm guest) {
        return guest.shell("dmesg | grep -E 'WARNING|BUG|Oops|stall|lockup|hung task|general protection' | head -n 3")
                .output()
                .strip();
    }

    @Override
    public void close() {
        try (source;
                destination) {
            // both, whatever the first one does
        }
    }
}
