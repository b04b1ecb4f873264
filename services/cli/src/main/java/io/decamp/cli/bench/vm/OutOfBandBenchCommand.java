package io.decamp.cli.bench.vm;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.decamp.cli.Quantity;
import io.decamp.cli.bench.OptimizingJvm;
import io.decamp.cli.bench.Target;
import io.decamp.cli.launch.Steps;
import io.decamp.contracts.error.DecampException;
import io.decamp.testkit.Scratch;
import io.decamp.testkit.vm.Accelerator;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** Measures saving a process from outside its VM, and with CRIU inside that VM, on the same process in the same run. */
@Command(
        name = "out-of-band",
        description = "Saving a process from outside its VM, and by CRIU inside it, in turn, in a guest.")
public final class OutOfBandBenchCommand implements Callable<Integer> {
    /** Of the guest beside what is saved and its image: kernel, programs, memcached, load. */
    private static final int GUEST_MIB = 512;

    private static final int QUICK_MIB = 32;
    private static final int READ_ROUNDS = 7;
    /** 10 MB/s, of the process that is followed before it is frozen. */
    private static final int WRITTEN_PAGES_PER_SECOND = 2560;

    private static final int MAX_MIB = 1024;
    /** Of a process that holds no memory of its own, and of stacks and libraries of others. */
    private static final long SPARE_BYTES = 16 << 20;

    @Option(names = {"-h", "--help"}, usageHelp = true, description = "shows this and ends")
    private boolean help;

    @Option(
            names = "--sizes",
            split = ",",
            description = "of the processes, besides the minimal one (default: 256MiB,1GiB)")
    private List<String> sizes = List.of("256MiB", "1GiB");

    @Option(names = "--loads", split = ",", description = "idle, cpu, pipe (default: all)")
    private List<String> loads = List.of("idle", "cpu", "pipe");

    @Option(names = "--rounds", description = "of both engines (default: ${DEFAULT-VALUE})")
    private int rounds = 3;

    @Option(
            names = "--evictions",
            description = "instead: so many evictions of a self-checking container between two guests, half of them"
                    + " under load, every page compared")
    private int evictions;

    @Option(names = "--json", paramLabel = "FILE", description = "writes the figures there")
    private Path json;

    @Option(names = "--quick", description = "all of it in a minute or two: shows that it works, not how well")
    private boolean quick;

    private final Steps steps = new Steps(System.out);

    @Override
    public Integer call() throws Exception {
        if (quick) {
            sizes = List.of(QUICK_MIB + "MiB");
            loads = List.of("idle", "cpu");
            rounds = 1;
        }
        List<Integer> mibs = new ArrayList<>(List.of(0));
        sizes.forEach(s -> mibs.add(Math.toIntExact(Quantity.bytes(s) >> 20)));
        int largest = mibs.stream().mapToInt(Integer::intValue).max().orElseThrow();
        if (rounds < 1 || evictions < 0 || largest < 1 || largest > MAX_MIB) {
            throw DecampException.refused(
                    "bad-option",
                    "--rounds " + rounds + " --sizes " + sizes,
                    "Give --rounds 3 --sizes 256MiB,1GiB; no size beyond 1GiB");
        }
        List<Load> under = Load.named(loads);
        if (!OptimizingJvm.here()) {
            return OptimizingJvm.run(words());
        }
        ObjectNode root = new ObjectMapper().createObjectNode();
        root.put("scenario", evictions > 0 ? evictions + " evictions" : "out-of-band");
        boolean right = true;
        if (evictions > 0) {
            right = new Evictions().run(evictions, steps, root);
        } else {
            compare(mibs, under, root);
        }
        if (json != null) {
            Files.writeString(json, root.toPrettyString() + "\n");
        }
        return right ? 0 : 1;
    }

    private void compare(List<Integer> mibs, List<Load> under, ObjectNode root) {
        int largest = mibs.stream().mapToInt(Integer::intValue).max().orElseThrow();
        List<Target> targets = new ArrayList<>();
        steps.start("guest");
        try (BenchGuest guest = BenchGuest.boot(GUEST_MIB + 2 * largest)) {
            steps.done(guest.vm().image().release() + ", by " + guest.vm().accelerator());
            describe(root, guest);
            attach(guest, targets, root);
            try (OutsideSaver outside = OutsideSaver.attach(guest.vm(), Scratch.onTmpfs("decamp-bench-"))) {
                outside.makeRoom(((long) largest << 20) + SPARE_BYTES);
                measure(guest, outside, mibs, under, root, targets);
            }
            try (Proactive proactive = new Proactive(guest.vm(), Scratch.onTmpfs("decamp-bench-"));
                    Holder holder = Holder.start(guest, largest, WRITTEN_PAGES_PER_SECOND)) {
                Proactive.Result result = proactive.run(holder, under, rounds);
                result.addTo(root.putObject("proactive"));
                System.out.println(result);
                targets.addAll(List.of(result.target(), result.mismatches()));
            }
        }
        Target.print(targets, quick);
        targets.forEach(t -> t.addTo(root.withArray("targets").addObject()));
    }

    private void describe(ObjectNode root, BenchGuest guest) {
        root.put("quick", quick)
                .put("rounds", rounds)
                .put("accelerator", guest.vm().accelerator().toString())
                .put("guestKernel", guest.vm().image().release())
                .put("guestCriu", guest.run("criu --version | head -n 1"))
                .put("hostProcessors", Runtime.getRuntime().availableProcessors());
        if (guest.vm().accelerator() == Accelerator.TCG) {
            String note = "This guest's instructions are translated (TCG): what the guest itself executes takes 5 to 20"
                    + " times as long as on a processor: all of criu in the guest, and of out of band entering and leaving"
                    + " the freeze. The ratios are not those of KVM. What does not depend on it is told besides.";
            root.put("note", note);
            System.out.println("  " + note);
        }
    }

    /** Cold: the first attachment of this JVM; then again, as after a restart of a service that has run for a while. */
    private static void attach(BenchGuest guest, List<Target> targets, ObjectNode root) {
        double[] millis = new double[3];
        for (int i = 0; i < millis.length; i++) {
            try (OutsideSaver outside = OutsideSaver.attach(guest.vm(), Scratch.onTmpfs("decamp-bench-"))) {
                millis[i] = outside.attachMillis();
                root.withArray("attachMillis").add(Saving.rounded(millis[i]));
            }
        }
        System.out.printf("  attach: %.0f ms in a new JVM, then %.0f and %.0f ms%n", millis[0], millis[1], millis[2]);
        targets.add(Target.atMost("attach to a guest, first of the JVM", millis[0], 1000, " ms", ""));
    }

    private void measure(
            BenchGuest guest,
            OutsideSaver outside,
            List<Integer> mibs,
            List<Load> under,
            ObjectNode root,
            List<Target> targets) {
        Grid grid = new Grid(under, rounds);
        System.out.println(Grid.head());
        for (int mib : mibs) {
            try (Holder holder = Holder.start(guest, mib, 0)) {
                grid.run(holder, outside, System.out::println);
                if (mib == 0) {
                    Footprint footprint = Footprint.measure(outside, holder, quick ? 5 : 20);
                    footprint.addTo(root.putObject("footprint"));
                    System.out.println(footprint);
                }
                if (mib == mibs.getLast()) {
                    ReadSpeed read = ReadSpeed.measure(outside, holder, READ_ROUNDS);
                    read.addTo(root.putObject("reading"));
                    System.out.println(read);
                    targets.add(Target.atLeast("reading guest memory", read.guest() / 1e9, 3, " GB/s", ""));
                }
            }
        }
        System.out.println(grid.phases());
        grid.addTo(root);
        targets.addAll(grid.targets());
        try (Holder holder = Holder.start(guest, mibs.get(1), 0)) {
            Storing.Result stored = new Storing(holder, outside).run(rounds, quick ? 1 : 4);
            stored.addTo(root.putObject("memcached"));
            System.out.print(stored);
        }
    }

    private List<String> words() {
        List<String> words = new ArrayList<>(List.of("bench", "out-of-band"));
        words.addAll(List.of("--sizes", String.join(",", sizes), "--loads", String.join(",", loads)));
        words.addAll(List.of("--rounds", Integer.toString(rounds)));
        if (quick) {
            words.add("--quick");
        }
        if (evictions > 0) {
            words.addAll(List.of("--evictions", Integer.toString(evictions)));
        }
        if (json != null) {
            words.addAll(List.of("--json", json.toString()));
        }
        return words;
    }
}
