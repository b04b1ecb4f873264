package io.decamp.cli.soak;

import io.decamp.cli.launch.Cluster;
import io.decamp.cli.launch.NodeProcesses;
import io.decamp.cli.launch.ServiceProcess;
import io.decamp.linux.command.GateScript;
import io.decamp.testkit.Lab;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/** One fault, made ready beforehand so that it happens within a fraction of a millisecond, and its repair. */
final class Breakage {
    private final Cluster cluster;
    private final Fault fault;
    private final Lab.Node source;
    private final Lab.Node destination;
    private final List<ServiceProcess> services;
    private final List<ProcessHandle> handles;

    Breakage(Cluster cluster, FaultSchedule.Step step, Lab.Node source, Lab.Node destination) {
        this.cluster = cluster;
        this.fault = step.fault();
        this.source = source;
        this.destination = destination;
        List<ServiceProcess> all = node() == null ? List.of() : node().all();
        int one = all.size() < 2 ? all.size() : step.which() % (all.size() + 1);
        this.services = one == all.size() ? all : List.of(all.get(one));
        this.handles = services.stream()
                .map(s -> ProcessHandle.of(s.pid()).orElseThrow())
                .toList();
    }

    /** For people. */
    String what() {
        return fault + " " + services.stream().map(s -> s.service().label()).toList();
    }

    void happen() {
        switch (fault) {
            case KILL_SOURCE, KILL_DESTINATION -> {
                handles.forEach(ProcessHandle::destroyForcibly);
                services.forEach(ServiceProcess::kill);
            }
            case KILL_CRIU -> {
                killCriu(source);
                killCriu(destination);
            }
            case KILL_BROKER -> cluster.broker().kill();
            case CUT_LINK -> cluster.lab().cut();
        }
    }

    void repair() {
        switch (fault) {
            case KILL_SOURCE, KILL_DESTINATION ->
                services.forEach(s -> node().restart(s.service()));
            case KILL_CRIU -> {}
            case KILL_BROKER -> cluster.broker().start();
            case CUT_LINK -> cluster.lab().mend();
        }
    }

    private NodeProcesses node() {
        return switch (fault) {
            case KILL_SOURCE -> cluster.processes(source);
            case KILL_DESTINATION -> cluster.processes(destination);
            case KILL_CRIU, KILL_BROKER, CUT_LINK -> null;
        };
    }

    /** Those that run for this node's jobs; the mark is in their environment. */
    private static void killCriu(Lab.Node node) {
        String mark = GateScript.RUN_VARIABLE + "=" + node.settings().memoryDirectory();
        ProcessHandle.allProcesses()
                .filter(p -> read(p, "environ").contains(mark) && read(p, "cmdline").contains("--action-script"))
                .forEach(ProcessHandle::destroyForcibly);
    }

    private static String read(ProcessHandle process, String file) {
        try {
            return Files.readString(Path.of("/proc", Long.toString(process.pid()), file), StandardCharsets.ISO_8859_1);
        } catch (IOException gone) {
            return "";
        }
    }
}
