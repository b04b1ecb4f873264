package io.decamp.cli.soak;

import io.decamp.cli.launch.Cluster;
import io.decamp.cli.launch.NodePlan;
import io.decamp.cli.launch.NodeProcesses;
import io.decamp.cli.launch.ServiceProcess;
import io.decamp.contracts.id.WorkloadId;
import io.decamp.testkit.Command;
import io.decamp.testkit.Lab;
import io.decamp.testkit.Repository;
import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Supplier;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * What a failure can be explained from once its cluster is gone: what each node says it does with the workload, what it
 * has noted of it, the ends of its logs, and the whole logs with a dump of all threads, in files. Never throws.
 */
public final class Evidence {
    private static final int TAIL_LINES = 60;

    private final Cluster cluster;
    private final WorkloadId workload;
    private final StringBuilder text = new StringBuilder();

    private Evidence(Cluster cluster, WorkloadId workload) {
        this.cluster = cluster;
        this.workload = workload;
    }

    /** For people; says where the files are. */
    public static String of(Cluster cluster, WorkloadId workload) {
        return new Evidence(cluster, workload).gather();
    }

    /** What each node says it does with the workload, in a line: of some failures no more is handed on than that. */
    static String said(Cluster cluster, WorkloadId workload) {
        Evidence evidence = new Evidence(cluster, workload);
        return evidence.nodes().stream()
                .map(node -> node + " says "
                        + attempt(() -> evidence.status(node, cluster.processes(node).plan()).replace("\n", ", ")))
                .collect(Collectors.joining("; "));
    }

    private List<Lab.Node> nodes() {
        return List.of(cluster.lab().alpha(), cluster.lab().beta());
    }

    private String gather() {
        List<Lab.Node> nodes = nodes();
        add("What is known of " + workload + " at " + Instant.now() + ":");
        add("register: " + attempt(() -> cluster.session().register().current(workload).toString()));
        Map<ServiceProcess, List<String>> tails = new HashMap<>();
        nodes.forEach(node -> cluster.processes(node).all().forEach(service -> {
            tails.put(service, service.tail(TAIL_LINES));
            // into the log; done by the time that the rest is gathered
            attempt(() -> Command.run("kill", "-QUIT", Long.toString(service.pid())).output());
        }));
        for (Lab.Node node : nodes) {
            NodeProcesses processes = cluster.processes(node);
            add("--- " + node + ": what it says");
            add(attempt(() -> status(node, processes.plan())));
            add("--- " + node + ": what it has noted");
            add(attempt(() -> notes(node)));
            for (ServiceProcess service : processes.all()) {
                add("--- " + node + ": end of " + service.log().getFileName());
                tails.get(service).forEach(this::add);
            }
        }
        add("--- whole logs, with all threads: " + attempt(() -> keepLogs(nodes)));
        return text.toString();
    }

    private String status(Lab.Node node, NodePlan plan) {
        List<String> command = new ArrayList<>(node.enter());
        command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        command.addAll(List.of("-XX:TieredStopAtLevel=1", "-cp", classPath(), NodeStatusMain.class.getName()));
        command.add(node.stateDirectory().toString());
        for (NodePlan.Service asked : List.of(NodePlan.Service.SNAPSHOTTER, NodePlan.Service.RESTORER)) {
            command.add(Integer.toString(plan.port(plan.separate() ? asked : NodePlan.Service.NODE)));
        }
        command.add(workload.value());
        List<String> said = Command.run(command).lines();
        return String.join("\n", said.stream().filter(line -> !line.startsWith("WARNING")).toList());
    }

    /** Ours, for a program that starts in another directory. */
    private static String classPath() {
        String given = System.getProperty("surefire.test.class.path", System.getProperty("java.class.path"));
        return Stream.of(given.split(File.pathSeparator))
                .map(entry -> new File(entry).getAbsolutePath())
                .collect(Collectors.joining(File.pathSeparator));
    }

    private String notes(Lab.Node node) {
        String mine = "*" + workload.fileName() + "*";
        return node.run(
                        "find",
                        node.stateDirectory().toString(),
                        node.memoryDirectory().toString(),
                        "-name",
                        mine,
                        "-printf",
                        "%TT %p %s\\n")
                .output()
                .strip();
    }

    private String keepLogs(List<Lab.Node> nodes) {
        Path directory = Repository.root()
                .resolve("target/soak-failures")
                .resolve(Long.toString(System.currentTimeMillis()));
        try {
            Files.createDirectories(directory);
            for (Lab.Node node : nodes) {
                for (ServiceProcess service : cluster.processes(node).all()) {
                    Path copy = directory.resolve(node + "-" + service.log().getFileName());
                    Files.copy(service.log(), copy, StandardCopyOption.REPLACE_EXISTING);
                }
            }
            return directory.toString();
        } catch (IOException e) {
            return "can't be kept in " + directory + ": " + e;
        }
    }

    private void add(String line) {
        text.append(line).append('\n');
    }

    /** What can't be found out must not hide the failure that it would explain. */
    private static String attempt(Supplier<String> question) {
        try {
            return question.get();
        } catch (RuntimeException e) {
            return "(not known: " + e.getMessage() + ")";
        }
    }
}
