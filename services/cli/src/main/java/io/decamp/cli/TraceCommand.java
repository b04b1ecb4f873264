package io.decamp.cli;

import io.decamp.contracts.error.DecampException;
import io.decamp.edge.trace.SpanReader;
import io.decamp.edge.trace.StoredSpan;
import io.decamp.edge.trace.Tracing;
import io.decamp.edge.trace.WaterfallPrinter;
import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** Prints where the time of a migration went, from the spans that nodes keep. */
@Command(name = "trace", description = "Prints where the time of one migration went.")
public final class TraceCommand implements Callable<Integer> {
    private static final Path NODES = Path.of("/var/lib/decamp");

    @Mixin
    private HelpOption help;

    @Parameters(paramLabel = "MIGRATION", description = "id of a migration, as evict prints it")
    private String migration;

    @Option(
            names = "--spans",
            split = ",",
            paramLabel = "DIR",
            description = "where nodes keep spans (default: the nodes of this machine)")
    private List<Path> directories;

    @Override
    public Integer call() throws IOException {
        List<Path> places = directories == null ? ofThisMachine() : directories;
        System.out.print(waterfall(places, migration));
        return ExitCode.DONE;
    }

    /** The waterfall of a migration, from the spans kept in {@code places}. */
    public static String waterfall(List<Path> places, String migration) {
        SpanReader reader = new SpanReader(places);
        List<StoredSpan> spans = new ArrayList<>();
        reader.find(Tracing.MIGRATION.getKey(), migration).forEach(trace -> spans.addAll(reader.read(trace)));
        if (spans.isEmpty()) {
            throw DecampException.refused(
                    "unknown-migration",
                    "No span of migration " + migration + " in " + places,
                    "Name the nodes' span directories: --spans DIR,DIR");
        }
        return WaterfallPrinter.print(spans);
    }

    private static List<Path> ofThisMachine() throws IOException {
        List<Path> found = new ArrayList<>();
        if (Files.isDirectory(NODES)) {
            try (DirectoryStream<Path> nodes = Files.newDirectoryStream(NODES)) {
                for (Path node : nodes) {
                    if (Files.isDirectory(node.resolve("spans"))) {
                        found.add(node.resolve("spans"));
                    }
                }
            }
        }
        return found;
    }
}
