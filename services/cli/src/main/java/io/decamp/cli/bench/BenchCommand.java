package io.decamp.cli.bench;

import io.decamp.cli.bench.vm.OutOfBandBenchCommand;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** Benchmarks that run the peer on the same work in the same run. */
@Command(
        name = "bench",
        description = "Measures Decamp, and what it is compared with in the same run.",
        synopsisSubcommandLabel = "BENCHMARK",
        subcommands = {
            EvictBenchCommand.class,
            OverheadBenchCommand.class,
            TransferBenchCommand.class,
            PropagationBenchCommand.class,
            ObjectiveBenchCommand.class,
            SimulationBenchCommand.class,
            OutOfBandBenchCommand.class
        })
public final class BenchCommand {
    @Option(names = {"-h", "--help"}, usageHelp = true, description = "shows this and ends")
    private boolean help;
}
