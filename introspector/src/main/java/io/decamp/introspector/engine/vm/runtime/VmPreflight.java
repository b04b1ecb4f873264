package io.decamp.introspector.engine.vm.runtime;

import com.fasterxml.jackson.databind.JsonNode;
import io.decamp.contracts.error.DecampException;
import io.decamp.contracts.v1.Finding;
import io.decamp.contracts.v1.PreflightReport;
import io.decamp.contracts.v1.Severity;
import io.decamp.introspector.engine.vm.guest.GuestFault;
import io.decamp.introspector.engine.vm.guest.KernelObject;
import io.decamp.introspector.engine.vm.guest.RunningGuest;
import io.decamp.introspector.engine.vm.memory.OwnPages;
import io.decamp.introspector.engine.vm.state.StateCapture;
import io.decamp.linux.probe.KernelFeature;
import io.decamp.linux.probe.KernelRequirement;
import io.decamp.linux.qemu.Qmp;
import java.util.List;

/** Finds out beforehand what would make a move out of a VM fail. Changes nothing, in the guest or outside. */
final class VmPreflight {
    /** What tracking and reading from outside can't do without. */
    private static final List<KernelFeature> NEEDED = List.of(
            KernelFeature.UFFD_WRITE_PROTECT_ASYNC,
            KernelFeature.PAGEMAP_SCAN,
            KernelFeature.PIDFD_GETFD,
            KernelFeature.PTRACE_ANY);

    private final Vms vms;
    private final VmWorkloads.Located workload;
    private final PreflightReport.Builder report;

    VmPreflight(Vms vms, String id, VmWorkloads.Located workload) {
        this.vms = vms;
        this.workload = workload;
        this.report = PreflightReport.newBuilder().setWorkload(id);
    }

    PreflightReport check() {
        for (KernelFeature feature : NEEDED) {
            KernelRequirement.unmet(feature)
                    .ifPresent(why -> add(
                            Severity.BLOCKER,
                            "kernel-feature",
                            why,
                            "Memory of VMs can't be followed: use a newer kernel, or give this service the right"));
        }
        if (workload.hasExited()) {
            add(Severity.BLOCKER, "not-running", report.getWorkload() + " has ended", "Start it");
            return report.build();
        }
        if (!workload.vm().isAnnounced()) {
            add(
                    Severity.WARNING,
                    "vm-no-vmcoreinfo",
                    "The guest of VM " + workload.vm().name() + " does not tell QEMU where its kernel is",
                    "Start QEMU with -device vmcoreinfo and load qemu_fw_cfg in the guest: else a reboot is seen late");
        }
        workload.vm().withMonitor(qmp -> {
            checkRuns(qmp);
            checkDisks(qmp);
            checkFreezer(qmp);
            return null;
        });
        report.addAllFindings(StateCapture.check(workload.vm().kernel(), workload.init()));
        try {
            report.mergeFrom(RunningGuest.read(this::measured));
        } catch (GuestFault e) {
            DecampException why = e.asDecamp();
            add(Severity.WARNING, why.code(), why.getMessage(), why.advice());
        } catch (DecampException e) {
            // what can't be counted can't be followed: mostly it is among the findings already
            if (report.getFindingsList().stream().noneMatch(f -> f.getCode().equals(e.code()))) {
                add(Severity.BLOCKER, e.code(), e.getMessage(), e.advice());
            }
        }
        return report.build();
    }

    private void checkRuns(Qmp qmp) {
        String state = qmp.state();
        if (!state.equals("running")) {
            add(
                    Severity.BLOCKER,
                    "vm-paused",
                    "VM " + workload.vm().name() + " does not run: QEMU says '" + state + "'",
                    "Resume it (cont in QEMU's monitor)");
        }
    }

    /** Such reads land in memory by DMA from the host's disk, past all page tables. */
    private void checkDisks(Qmp qmp) {
        for (JsonNode device : qmp.execute("query-block")) {
            JsonNode medium = device.path("inserted");
            if (medium.path("cache").path("direct").asBoolean()) {
                String name = device.path("device").asText().isEmpty()
                        ? device.path("qdev").asText()
                        : device.path("device").asText();
                add(
                        Severity.WARNING,
                        "vm-direct-io",
                        "QEMU reads disk " + name + " with O_DIRECT",
                        "What the guest's processes read from it with O_DIRECT may be missed: use cache=writeback");
            }
        }
    }

    private void checkFreezer(Qmp qmp) {
        try {
            vms.freezer(workload.vm(), qmp).close();
        } catch (DecampException e) {
            add(Severity.BLOCKER, e.code(), e.getMessage(), e.advice());
        }
    }

    private PreflightReport measured() {
        List<KernelObject> processes = workload.processes();
        long bytes = 0;
        int threads = 0;
        for (KernelObject leader : processes) {
            bytes += OwnPages.bytes(workload.vm().kernel(), leader);
            threads += workload.vm().tasks().threads(leader).size();
        }
        return PreflightReport.newBuilder()
                .setProcesses(processes.size())
                .setThreads(threads)
                .setLazyBytes(bytes)
                .build();
    }

    private void add(Severity severity, String code, String what, String advice) {
        report.addFindings(Finding.newBuilder()
                .setSeverity(severity)
                .setCode(code)
                .setWhat(what)
                .setAdvice(advice));
    }
}
