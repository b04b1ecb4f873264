package io.decamp.cli.demo;

import io.decamp.cli.ExitCode;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** Shows on one machine what Decamp is for, and checks it. */
@Command(
        name = "demo",
        description =
                "A Redis server in a container leaves its node while a client keeps writing; then by plain CRIU. "
                        + "With --vm: a container leaves an overloaded virtual machine for another one; then by criu in the guest.")
public final class DemoCommand implements Callable<Integer> {
    @Option(
            names = {"-h", "--help"},
            usageHelp = true,
            description = "shows this and ends")
    private boolean help;

    @Option(names = "--separate", description = "each service a process of its own")
    private boolean separate;

    @Option(names = "--vm", description = "from outside of virtual machines, which are made for it")
    private boolean vm;

    @Option(names = "--json", paramLabel = "FILE", description = "writes the figures and the checks there")
    private Path json;

    @Override
    public Integer call() throws Exception {
        boolean held = vm ? new VmDemo(System.out, separate, json).run() : new Demo(System.out, separate, json).run();
        return held ? ExitCode.DONE : ExitCode.FAILED;
    }
}
