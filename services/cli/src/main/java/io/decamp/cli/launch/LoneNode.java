package io.decamp.cli.launch;

import io.decamp.contracts.error.DecampException;
import io.decamp.edge.kafka.KafkaSettings;
import io.decamp.transfer.engine.tls.LoneMachineAuthority;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;

/** This machine's node: starts what is missing of it, and stops it. What it moves or holds is never touched by either. */
public final class LoneNode {
    /** Graceful stop: open requests, Kafka, spans. */
    private static final Duration STOP_LIMIT = Duration.ofSeconds(15);

    private LoneNode() {}

    /**
     * Returns when the node can be used. Starts only what does not run; a failure stops what this call started.
     *
     * @return false when all of it was up already
     * @throws DecampException REFUSED: nothing was changed
     */
    public static boolean up(UpPlan plan, Path clientConfig, Steps steps) {
        RunRecord record = RunRecord.open(plan.settings().stateDirectory());
        requireSame(plan, record);
        List<NodePlan.Service> missing = plan.services().stream()
                .filter(s -> record.running(s.label()).isEmpty())
                .toList();
        boolean broker = plan.cluster().isEmpty() && record.running(RunRecord.BROKER).isEmpty();
        if (missing.isEmpty() && !broker) {
            return false;
        }
        UpChecks.run(plan, broker, missing);
        List<String> started = new ArrayList<>();
        try {
            start(plan, record, broker, missing, started, steps);
            ClientConfig.write(clientConfig, plan.bootstrap(), plan.cluster().map(KafkaSettings::client));
            return true;
        } catch (RuntimeException e) {
            started.reversed().forEach(name -> record.stop(name, STOP_LIMIT));
            if (record.running().isEmpty()) {
                record.delete();
            }
            throw e;
        }
    }

    private static void start(
            UpPlan plan, RunRecord record, boolean broker, List<NodePlan.Service> missing, List<String> started, Steps steps) {
        record.fact("services", names(plan));
        record.fact("coordinator", Boolean.toString(plan.coordinator()));
        record.fact("bootstrap", plan.bootstrap());
        record.fact("data", plan.dataListen());
        record.fact("memory", plan.settings().memoryDirectory().toString());
        AotCache.ensure(missing, steps);
        BrokerDaemon daemon = null;
        if (broker) {
            Path data = plan.settings().stateDirectory().resolve("broker");
            daemon = BrokerDaemon.launch(data, plan.brokerListen(), plan.logDirectory().resolve("broker.log"));
            started.add(RunRecord.BROKER);
            record.started(RunRecord.BROKER, daemon.pid());
        }
        // the JVMs of broker and node load their classes at the same time; the node waits for its broker
        steps.start("certificates");
        UpPlan.KeyStoreFiles files = plan.keyStore().orElseGet(() -> ownCertificate(plan));
        steps.done(plan.keyStore().isPresent() ? files.store().toString() : "of this machine's own authority");
        NodePlan node = plan.node(files, moreSettings(plan));
        steps.start("node " + plan.settings().node() + (plan.separate() ? ", each service a process" : ""));
        long begin = System.nanoTime();
        NodeProcesses processes = NodeProcesses.launch(node, missing);
        for (ServiceProcess p : processes.all()) {
            started.add(p.service().label());
            record.started(p.service().label(), Math.toIntExact(p.pid()));
        }
        if (daemon != null) {
            daemon.awaitReady();
        }
        processes.awaitReady();
        steps.done("ready in " + (System.nanoTime() - begin) / 1_000_000 + " ms");
    }

    /** A node that runs otherwise than it was asked for now is not silently kept. */
    private static void requireSame(UpPlan plan, RunRecord record) {
        if (record.running().isEmpty()) {
            return;
        }
        if (!record.fact("services").equals(names(plan))
                || !record.fact("coordinator").equals(Boolean.toString(plan.coordinator())) || !record.fact("bootstrap").equals(plan.bootstrap())
                || !record.fact("data").equals(plan.dataListen())) {
            throw DecampException.refused(
                    "up-otherwise",
                    "It is up with other options: " + record.fact("services")
                            + (record.fact("coordinator").equals("true") ? " with" : " without")
                            + " a coordinator, broker " + record.fact("bootstrap")
                            + ", pages on " + record.fact("data"),
                    "Stop it first with ./decamp down; workloads go on");
        }
    }

    private static String names(UpPlan plan) {
        return plan.services().stream().map(NodePlan.Service::label).collect(Collectors.joining(" "));
    }

    private static UpPlan.KeyStoreFiles ownCertificate(UpPlan plan) {
        LoneMachineAuthority.open(plan.tlsDirectory()).contextOf(plan.settings().node());
        return new UpPlan.KeyStoreFiles(
                plan.tlsDirectory().resolve("node-" + plan.settings().node() + ".p12"),
                plan.tlsDirectory().resolve("password"));
    }

    /** Kafka settings may hold passwords, and a command line can be read by everybody. */
    private static Optional<Path> moreSettings(UpPlan plan) {
        StringBuilder text = new StringBuilder();
        if (plan.coordinator() && !plan.separate()) {
            text.append("decamp.coordinator=true\n");
        }
        plan.advertise().ifPresent(a -> text.append("decamp.data.advertise=").append(a).append('\n'));
        plan.cluster().map(KafkaSettings::client).orElse(Map.of()).forEach((key, value) -> text.append(
                        "decamp.kafka.client.\"")
                .append(key)
                .append("\"=")
                .append(value.replace("\\", "\\\\"))
                .append('\n'));
        if (text.isEmpty()) {
            return Optional.empty();
        }
        Path file = plan.settings().stateDirectory().resolve("run/node.properties");
        try {
            Files.createDirectories(file.getParent());
            Files.deleteIfExists(file);
            Files.createFile(file, PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------")));
            Files.writeString(file, text);
            return Optional.of(file);
        } catch (IOException e) {
            throw DecampException.abort("state-directory", "Cannot write " + file, "Check the directory", e);
        }
    }

    /**
     * Stops the services, then the broker. Idempotent.
     *
     * @return names of what was stopped; those that had to be killed end in an exclamation mark
     */
    public static List<String> down(Path stateDirectory, Path clientConfig, PrintStream progress) {
        RunRecord record = RunRecord.open(stateDirectory);
        List<String> stopped = new ArrayList<>();
        List<String> services = new ArrayList<>(record.running().keySet());
        services.remove(RunRecord.BROKER);
        if (record.running(RunRecord.BROKER).isPresent()) {
            services.addLast(RunRecord.BROKER);
        }
        for (String name : services) {
            progress.print("  " + name + " (" + record.running(name).map(p -> "PID " + p.pid()).orElse("gone") + ") ... ");
            progress.flush();
            boolean gently = record.stop(name, STOP_LIMIT);
            progress.println(gently ? "stopped" : "killed: it did not end within " + STOP_LIMIT.toSeconds() + " s");
            stopped.add(gently ? name : name + "!");
        }
        if (!stopped.isEmpty()) {
            ClientConfig.remove(clientConfig, record.fact("bootstrap"));
        }
        record.delete();
        return stopped;
    }

    /** What runs of it, by name, with its PID. */
    public static Map<String, Integer> running(Path stateDirectory) {
        return RunRecord.open(stateDirectory).running().entrySet().stream()
                .collect(Collectors.toMap(Map.Entry::getKey, e -> e.getValue().pid()));
    }
}
