package io.decamp.cli.soak;

import io.decamp.cli.launch.Cluster;
import io.decamp.cli.launch.Steps;
import io.decamp.contracts.error.DecampException;
import io.decamp.testkit.ChainOracle;
import io.decamp.testkit.ChainSpec;
import java.time.Duration;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** The whole matrix of faults, again and again. */
@Command(name = "soak", description = "Moves a workload to and fro while services, criu, the broker and the link fail.")
public final class SoakCommand implements Callable<Integer> {
    @Option(names = {"-h", "--help"}, usageHelp = true, description = "shows this and ends")
    private boolean help;

    @Option(names = "--minutes", description = "how long, at least one fault (default: ${DEFAULT-VALUE})")
    private int minutes = 10;

    @Option(names = "--seed", description = "of an earlier run, for its schedule (default: by the clock)")
    private Long seed;

    @Option(names = "--separate", description = "each service a process of its own")
    private boolean separate;

    @Override
    public Integer call() {
        if (minutes < 1) {
            throw DecampException.refused("bad-option", "--minutes " + minutes, "Give a positive number");
        }
        long chosen = seed == null ? System.currentTimeMillis() : seed;
        System.out.printf("Soak for %d min with --seed %d, %d faults in the matrix%n", minutes, chosen, FaultSchedule.size());
        long end = System.nanoTime() + Duration.ofMinutes(minutes).toNanos();
        FaultSchedule schedule = new FaultSchedule(chosen);
        try (Cluster cluster = Cluster.up(separate, new Steps(System.out));
                Soak soak = Soak.start(cluster, ChainSpec.of(64, 256).withTree(1, 2).withSeed(chosen))) {
            int done = 0;
            int moved = 0;
            do {
                Soak.Result result = soak.run(schedule.next());
                done++;
                moved += result.moved() ? 1 : 0;
                long left = Math.max(0, Duration.ofNanos(end - System.nanoTime()).toSeconds());
                System.out.printf("  %3d  %s  (%d s left)%n", done, result, left);
            } while (System.nanoTime() - end < 0);
            ChainOracle.Report report = soak.stopAndJudge().check();
            System.out.printf(
                    "%d faults, %d moves went through, %d steps of %d writers verified, memory audited%n",
                    done, moved, report.lines(), report.writers());
            return 0;
        }
    }
}
