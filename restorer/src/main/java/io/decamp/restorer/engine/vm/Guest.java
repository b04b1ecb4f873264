package io.decamp.restorer.engine.vm;

import io.decamp.contracts.error.DecampException;
import io.decamp.linux.qemu.GuestAgent;
import io.decamp.linux.qemu.VmRegistration;
import io.decamp.linux.workload.GuestProcess;
import io.decamp.restorer.engine.vm.VmCopyRecord.State.Held;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.jboss.logging.Logger;

/** What is done in a guest for a copy, through its agent. Thread safe. */
final class Guest {
    private static final Logger LOG = Logger.getLogger(Guest.class);

    /** No file could be kept open. */
    static final long NO_HANDLE = -1;

    /** A hot-plug takes 0.2 s; a guest without a free processor, and emulated, needs longer. */
    private static final Duration DISK_LIMIT = Duration.ofSeconds(30);

    private static final Duration SHORT_LIMIT = Duration.ofSeconds(30);

    /** With {@link #RESTORE_PER_GIB}: an emulated guest under full load has been seen to read 0.05 GiB a second. */
    private static final Duration RESTORE_LIMIT = Duration.ofSeconds(60);

    private static final Duration RESTORE_PER_GIB = Duration.ofSeconds(60);

    private static final int PID_MAX = 1 << 22;

    private final GuestAgents agents = new GuestAgents();

    /**
     * What a guest has for restores.
     *
     * @param criu its version
     * @param forgetsDisks whether it can be told to forget what it has read of a disk, whose content changes afterwards
     */
    record Readiness(String criu, boolean forgetsDisks) {}

    /**
     * The outcome of a restore.
     *
     * @param phases of it, for people: name and milliseconds
     */
    record Restored(Held held, String phases) {}

    /** @throws DecampException {@code vm-no-criu}, {@code vm-no-agent}, ... */
    Readiness warm(VmRegistration vm) {
        GuestReport report = run(vm, GuestScript.WARM, RESTORE_LIMIT);
        return new Readiness(report.text("criu"), report.says("blockdev", "1"));
    }

    /**
     * Unpacks the job from its disk, restores and holds.
     *
     * @param files of it, all of them plugged
     * @throws DecampException {@code restore-failed} and others that say what stands in the way; the guest is left as
     *     it is
     */
    Restored restore(VmRegistration vm, GuestJob job, JobFiles files) {
        long wholeGib = (files.memoryBytes() >> 30) + 1;
        Duration limit = RESTORE_LIMIT.plus(RESTORE_PER_GIB.multipliedBy(wholeGib));
        GuestReport report;
        try {
            report = run(
                    vm,
                    GuestScript.BEGIN,
                    limit,
                    job.directory(),
                    files.jobDisk(),
                    Long.toString(files.archiveBytes()),
                    seconds(DISK_LIMIT));
        } catch (DecampException e) {
            if (e.code().equals("vm-agent-timeout")) {
                throw DecampException.abort(
                        "restore-failed",
                        "criu in VM " + vm.name() + " did not end within " + limit.toSeconds() + " s",
                        "The workload is complete at its source; is the guest overloaded, or out of memory?",
                        e);
            }
            throw e;
        }
        GuestProcess init = new GuestProcess(
                vm.name(),
                report.text("boot"),
                (int) report.number("init", 1, PID_MAX),
                report.number("start", 0, Long.MAX_VALUE));
        List<String> phases = new ArrayList<>();
        for (String phase : List.of("plug", "unpack", "files", "criu", "hold")) {
            phases.add(phase + " " + report.number("centiseconds." + phase, 0, Integer.MAX_VALUE) * 10 + " ms");
        }
        String cgroup = report.text("cgroup");
        return new Restored(new Held(init, cgroup, keepOpen(vm, cgroup)), String.join(", ", phases));
    }

    /** A write to an open file starts no process in the guest, which may take long to get a processor. */
    private long keepOpen(VmRegistration vm, String cgroup) {
        try {
            return agents.with(vm, agent -> agent.openFile(cgroup + "/cgroup.freeze", "w"));
        } catch (DecampException e) {
            LOG.warnf("The release of a copy in VM %s will take a little longer: %s", vm.name(), e.getMessage());
            return NO_HANDLE;
        }
    }

    /** What happens in it shares one connection, which takes the agent an answer to open. */
    void connected(VmRegistration vm, Runnable calls) {
        agents.with(vm, agent -> {
            calls.run();
            return null;
        });
    }

    /** Whether the guest has the copy complete and frozen. */
    boolean isHeld(VmRegistration vm, GuestJob job, Held held) {
        try {
            return events(vm, held).equals(List.of("populated 1", "frozen 1"));
        } catch (DecampException e) {
            if (!e.code().equals("vm-agent-refused")) {
                throw e;
            }
            // not there any more, or the agent may not read files
            GuestReport report = run(
                    vm, GuestScript.LOOK, SHORT_LIMIT, job.name(), Integer.toString(held.init().pid()));
            return report.says("populated", "1")
                    && report.says("frozen", "1")
                    && report.says("member", "1")
                    && report.says("boot", held.init().bootId())
                    && report.says("start", Long.toString(held.init().startTicks()));
        }
    }

    private List<String> events(VmRegistration vm, Held held) {
        return agents.with(vm, agent -> {
            long handle = agent.openFile(held.cgroup() + "/cgroup.events", "r");
            try {
                return new String(agent.readFile(handle), StandardCharsets.US_ASCII)
                        .lines()
                        .toList();
            } finally {
                agent.closeFile(handle);
            }
        });
    }

    /** Lets it run. Does no harm when it does. */
    void thaw(VmRegistration vm, Held held) {
        if (held.thawHandle() != NO_HANDLE && writeToHandle(vm, held)) {
            return;
        }
        run(vm, GuestScript.THAW, SHORT_LIMIT, held.cgroup());
    }

    private boolean writeToHandle(VmRegistration vm, Held held) {
        try {
            agents.with(vm, agent -> {
                agent.writeFile(held.thawHandle(), new byte[] {'0'});
                return null;
            });
            return true;
        } catch (DecampException e) {
            if (e.code().equals("vm-agent-refused")) {
                // the agent was started anew since
                return false;
            }
            throw e;
        }
    }

    /** Whether that process is there still, be it a zombie. */
    boolean isPresent(VmRegistration vm, GuestJob job, GuestProcess process) {
        GuestReport report = run(vm, GuestScript.LOOK, SHORT_LIMIT, job.name(), Integer.toString(process.pid()));
        return report.says("boot", process.bootId())
                && report.says("start", Long.toString(process.startTicks()))
                && !report.says("state", "Z");
    }

    /** Removes what the restore needed and the workload does not. Idempotent. */
    void finish(VmRegistration vm, GuestJob job, Held held) {
        if (held.thawHandle() != NO_HANDLE) {
            try {
                agents.with(vm, agent -> {
                    agent.closeFile(held.thawHandle());
                    return null;
                });
            } catch (DecampException e) {
                LOG.debugf("VM %s: %s", vm.name(), e.getMessage());
            }
        }
        run(vm, GuestScript.FINISH, SHORT_LIMIT, job.directory(), job.name());
    }

    /** Kills a copy without an instruction of it and takes back what its restore has done. Idempotent. */
    void discard(VmRegistration vm, GuestJob job) {
        run(vm, GuestScript.DISCARD, SHORT_LIMIT.plus(SHORT_LIMIT), job.directory(), job.name(), seconds(SHORT_LIMIT));
    }

    private GuestReport run(VmRegistration vm, GuestScript script, Duration limit, String... words) {
        List<String> arguments = new ArrayList<>(List.of("-c", script.text(), "decamp"));
        arguments.addAll(List.of(words));
        GuestAgent.Ended ended = agents.with(vm, agent -> agent.run("/bin/sh", arguments, limit));
        GuestReport report = new GuestReport(ended);
        if (report.failed()) {
            throw report.failure(vm.name());
        }
        return report;
    }

    private static String seconds(Duration limit) {
        return Long.toString(limit.toSeconds());
    }
}
