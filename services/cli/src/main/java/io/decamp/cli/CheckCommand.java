package io.decamp.cli;

import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.util.JsonFormat;
import io.decamp.contracts.error.DecampException;
import io.decamp.contracts.id.NodeId;
import io.decamp.contracts.id.WorkloadId;
import io.decamp.contracts.port.NodeSettings;
import io.decamp.contracts.port.WorkloadRuntime;
import io.decamp.contracts.v1.Finding;
import io.decamp.contracts.v1.PreflightReport;
import io.decamp.contracts.v1.Severity;
import io.decamp.introspector.engine.runtime.PidRuntime;
import io.decamp.introspector.engine.runtime.RuncRuntime;
import io.decamp.introspector.engine.vm.runtime.VmRuntime;
import io.decamp.introspector.engine.vm.runtime.Vms;
import io.decamp.testkit.Tools;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** Looks at a workload of this machine before anything is done with it. Needs no broker and no service. */
@Command(name = "check", description = "Tells what can't be moved and why; changes nothing.")
final class CheckCommand implements Callable<Integer> {
    @Mixin
    private HelpOption help;

    @Parameters(paramLabel = "WORKLOAD", description = "runc:ID, pid:N or vm:NAME/pid:N")
    private String workload;

    @Option(names = "--node", description = "name of this node (default: ${DEFAULT-VALUE})")
    private String node = "local";

    @Option(names = "--state-directory", description = "of the node (default: ${DEFAULT-VALUE})")
    private Path stateDirectory = Path.of("/var/lib/decamp/local");

    @Option(names = "--runc-root", description = "state root of runc (default: ${DEFAULT-VALUE})")
    private Path runcRoot = Path.of("/run/runc");

    @Option(names = "--json", description = "for programs")
    private boolean json;

    @Override
    public Integer call() throws InvalidProtocolBufferException {
        NodeId self = new NodeId(node);
        WorkloadId id = WorkloadId.of(workload, self);
        var settings = new NodeSettings(
                self,
                stateDirectory,
                Path.of("/dev/shm"),
                "/decamp/" + self,
                List.of(Tools.criu().toString()),
                List.of("runc", "--root", runcRoot.toString()));
        PreflightReport report = runtime(id, settings).check(id);
        System.out.print(json ? JsonFormat.printer().print(report) + "\n" : text(report));
        boolean blocked = report.getFindingsList().stream().anyMatch(f -> f.getSeverity() == Severity.BLOCKER);
        return blocked ? ExitCode.REFUSED : ExitCode.DONE;
    }

    private static WorkloadRuntime runtime(WorkloadId id, NodeSettings settings) {
        return switch (id.kind()) {
            case "runc" -> new RuncRuntime(settings);
            case "pid" -> new PidRuntime(settings);
            case "vm" -> new VmRuntime(settings, new Vms(settings));
            default ->
                throw DecampException.refused(
                        "unknown-kind", "No runtime for " + id, "Use runc:ID, pid:N or vm:NAME/pid:N");
        };
    }

    private static String text(PreflightReport r) {
        StringBuilder out = new StringBuilder(String.format(
                "%s: %d processes, %d threads; %s travel before the freeze, %s are written while frozen%n",
                r.getWorkload(), r.getProcesses(), r.getThreads(), Format.bytes(r.getLazyBytes()),
                Format.bytes(r.getEagerBytes())));
        for (Finding f : r.getFindingsList()) {
            out.append(String.format("  %-8s %s (%s)%n           %s%n", f.getSeverity(), f.getWhat(), f.getCode(),
                    f.getAdvice()));
        }
        if (r.getFindingsCount() == 0) {
            out.append(String.format("  nothing stands in the way%n"));
        }
        return out.toString();
    }
}
