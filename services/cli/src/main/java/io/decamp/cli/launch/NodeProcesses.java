package io.decamp.cli.launch;

import io.decamp.testkit.Repository;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** The running services of one node. */
public final class NodeProcesses implements AutoCloseable {
    private final NodePlan plan;
    private final List<ServiceProcess> processes = new ArrayList<>();

    private NodeProcesses(NodePlan plan) {
        this.plan = plan;
    }

    /** Starts all services and returns when they are ready; a failure stops those that did start. */
    public static NodeProcesses start(NodePlan plan) {
        NodeProcesses node = launch(plan, plan.services());
        node.awaitReady();
        return node;
    }

    /** Starts some of the services and returns at once; a failure stops those that did start. */
    static NodeProcesses launch(NodePlan plan, List<NodePlan.Service> services) {
        NodeProcesses node = new NodeProcesses(plan);
        try {
            for (NodePlan.Service service : services) {
                node.processes.add(ServiceProcess.start(service, plan, command(plan, service, AotCache.options(service))));
            }
            return node;
        } catch (RuntimeException e) {
            node.close();
            throw e;
        }
    }

    /** Returns when all are ready; when one is not going to be, all are stopped. */
    void awaitReady() {
        try {
            processes.forEach(ServiceProcess::awaitReady);
        } catch (RuntimeException e) {
            close();
            throw e;
        }
    }

    /** Starts again what was killed or stopped. */
    public void restart(NodePlan.Service service) {
        processes.removeIf(p -> p.service() == service);
        ServiceProcess again = ServiceProcess.start(service, plan, command(plan, service, AotCache.options(service)));
        processes.add(again);
        again.awaitReady();
    }

    public NodePlan plan() {
        return plan;
    }

    public ServiceProcess process(NodePlan.Service service) {
        return processes.stream().filter(p -> p.service() == service).findFirst().orElseThrow();
    }

    public List<ServiceProcess> all() {
        return List.copyOf(processes);
    }

    @Override
    public void close() {
        processes.forEach(ServiceProcess::stop);
        processes.clear();
    }

    /** Complete; {@link AotCache} trains with the same one. */
    static List<String> command(NodePlan plan, NodePlan.Service service, List<String> jvmOptions) {
        Path application = service.application(Repository.root());
        List<String> command = new ArrayList<>(plan.enter());
        command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        command.addAll(service.jvm());
        command.addAll(jvmOptions);
        command.addAll(plan.properties(service));
        command.add("-jar");
        command.add(application.toString());
        return command;
    }
}
