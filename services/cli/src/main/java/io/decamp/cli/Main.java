package io.decamp.cli;

import io.decamp.cli.bench.BenchCommand;
import io.decamp.cli.demo.DemoCommand;
import io.decamp.cli.soak.SoakCommand;
import io.decamp.contracts.error.DecampException;
import java.io.PrintWriter;
import picocli.CommandLine;
import picocli.CommandLine.Command;

/** The Java half of {@code ./decamp}: everything that talks to nodes and brokers. */
@Command(
        name = "decamp",
        description = "Moves a running container off a failing or crowded host in milliseconds.",
        synopsisSubcommandLabel = "COMMAND",
        subcommands = {
            UpCommand.class,
            DownCommand.class,
            CheckCommand.class,
            ProtectCommand.class,
            ReleaseCommand.class,
            StatusCommand.class,
            EvictCommand.class,
            FenceCommand.class,
            AlertsCommand.class,
            RebalanceCommand.class,
            TraceCommand.class,
            BenchCommand.class,
            DemoCommand.class,
            SoakCommand.class
        },
        mixinStandardHelpOptions = true)
public final class Main {
    private Main() {}

    public static void main(String[] arguments) {
        System.exit(commandLine().execute(arguments));
    }

    static CommandLine commandLine() {
        return new CommandLine(new Main())
                .setExitCodeExceptionMapper(Main::exitCode)
                .setExecutionExceptionHandler((e, line, result) -> {
                    if (!endedBySignal()) {
                        report(line.getErr(), e);
                    }
                    return exitCode(e);
                })
                .setCaseInsensitiveEnumValuesAllowed(true);
    }

    private static int exitCode(Throwable e) {
        return switch (e) {
            case DecampException d -> ExitCode.of(d.category());
            case CannotStartException c -> ExitCode.USAGE;
            case CommandLine.ParameterException p -> ExitCode.USAGE;
            default -> ExitCode.FAILED;
        };
    }

    /** What fails while the shutdown hooks take everything away says nothing to anybody. */
    private static boolean endedBySignal() {
        Thread probe = new Thread(() -> {});
        try {
            Runtime.getRuntime().addShutdownHook(probe);
            Runtime.getRuntime().removeShutdownHook(probe);
            return false;
        } catch (IllegalStateException shuttingDown) {
            return true;
        }
    }

    private static void report(PrintWriter err, Exception e) {
        if (e instanceof CannotStartException c) {
            report(err, c.getCause());
        } else if (e instanceof DecampException d) {
            err.printf("decamp: %s (%s)%n", d.getMessage(), d.code());
            for (Throwable cause = d.getCause(); cause != null; cause = cause.getCause()) {
                err.printf("        because: %s%n", cause.getMessage() != null ? cause.getMessage() : cause);
            }
            err.printf("        %s%n", d.advice());
        } else {
            err.printf("decamp: an error nobody foresaw: %s%n", e);
            e.printStackTrace(err);
        }
        err.flush();
    }
}
