package io.decamp.cli.demo;

import io.decamp.cli.ExitCode;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** Shows on one machine what Decamp is for, and checks it. */
@Command(
        name = "demo",
        description = "A Redis server in a container leaves its node while a client keeps writing; then by plain CRIU.")
public final class DemoCommand implements Callable<Integer> {
    @Option(names = {"-h", "--help"}, usageHelp = true, description = "shows this and ends")
    private boolean help;

    @Option(names = "--separate", description = "each service a process of its own")
    private boolean separate;

    @Option(names = "--json", paramLabel = "FILE", description = "writes the figures and the checks there")
    private Path json;

    @Override
    public Integer call() throws Exception {
        return new Demo(System.out, separate, json).run() ? ExitCode.DONE : ExitCode.FAILED;
    }
}
