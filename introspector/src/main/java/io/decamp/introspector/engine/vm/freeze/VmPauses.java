package io.decamp.introspector.engine.vm.freeze;

import com.fasterxml.jackson.databind.JsonNode;
import io.decamp.contracts.error.DecampException;
import io.decamp.linux.pid.ProcessIdentity;
import io.decamp.linux.qemu.Qmp;
import io.decamp.linux.workload.StateFile;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;
import org.jboss.logging.Logger;

/**
 * Pauses one VM by QEMU's debugger stub, for milliseconds, and sees to it that it runs again: at the end of the
 * block, by the monitor when the stub broke, and by a mark in the state directory when this service ended in between.
 * A VM that somebody else paused is neither touched nor resumed. One thread at a time.
 */
final class VmPauses implements AutoCloseable {
    private static final Logger LOG = Logger.getLogger(VmPauses.class);

    private static final String RUNNING = "running";

    /** QEMU's name for the stub's connection. */
    private static final String STUB = "gdb";

    private final String vm;
    private final Qmp qmp;
    private final Path socket;
    private final StateFile mark;
    private final long resets;
    private boolean listening;
    private boolean paused;
    private long pausedNanos;
    private int pauses;

    /** @param socket where QEMU is to make the stub's socket */
    VmPauses(String vm, Qmp qmp, Path socket, StateFile mark) {
        this.vm = vm;
        this.qmp = qmp;
        this.socket = socket;
        this.mark = mark;
        qmp.state();
        this.resets = qmp.count("RESET");
    }

    /** Whether we hold it paused now. */
    boolean isPaused() {
        return paused;
    }

    int count() {
        return pauses;
    }

    long nanos() {
        return pausedNanos;
    }

    /** True when an earlier life of this service has paused this QEMU and did not resume it. */
    boolean isLeftPaused() {
        return isMarked() && !qmp.state().equals(RUNNING);
    }

    /**
     * @throws DecampException {@code vm-paused} by somebody else, or not started, or shut down;
     *     {@code vm-gdbstub-taken}; {@code vm-gdbstub-failed}; {@code vm-rebooted} since this was made;
     *     {@code vm-gone}. The VM runs then, if it did before
     */
    PausedVm pause() {
        String state = qmp.state();
        boolean inherited = !state.equals(RUNNING);
        if (inherited && !isMarked()) {
            throw DecampException.refused(
                    "vm-paused",
                    "VM " + vm + " does not run: QEMU says '" + state + "'",
                    "Somebody paused or ended it; resume it, then try again");
        }
        listen();
        mark.write(identity());
        long begin = System.nanoTime();
        GdbStub stub;
        try {
            stub = GdbStub.pause(socket, GdbStub.LIMIT);
        } catch (RuntimeException e) {
            resumeByMonitor(e);
            throw e;
        }
        paused = true;
        pauses++;
        PausedVm pause = new Pause(stub, inherited, begin);
        try {
            requireNoReset();
            return pause;
        } catch (RuntimeException | Error e) {
            try {
                pause.close();
            } catch (RuntimeException again) {
                e.addSuppressed(again);
            }
            throw e;
        }
    }

    /** A reset leaves memory as it was until a new kernel has use for it: it can't be told by looking there. */
    private void requireNoReset() {
        qmp.state();
        if (qmp.count("RESET") != resets) {
            throw DecampException.abort(
                    "vm-rebooted", "VM " + vm + " was reset since it was attached to", "Attach to it anew", null);
        }
    }

    private final class Pause implements PausedVm {
        private final GdbStub stub;
        private final boolean inherited;
        private final long begin;

        private Pause(GdbStub stub, boolean inherited, long begin) {
            this.stub = stub;
            this.inherited = inherited;
            this.begin = begin;
        }

        @Override
        public void interrupt(int apicId) {
            stub.writePhysical(KernelFacts.MSI_BASE | (long) apicId << 12, KernelFacts.CALL_VECTOR);
        }

        @Override
        public boolean isInherited() {
            return inherited;
        }

        @Override
        public void close() {
            if (!paused) {
                return;
            }
            paused = false;
            try (stub) {
                // says OK when the VM has been started (gdbstub of QEMU, handle_detach): what is frozen need not wait
                // for the monitor to say so too
                stub.resume();
                pausedNanos += System.nanoTime() - begin;
                mark.delete();
            } catch (DecampException e) {
                LOG.warnf("VM %s is resumed by its monitor: %s", vm, e.getMessage());
                pausedNanos += System.nanoTime() - begin;
                resumeByMonitor(null);
            }
        }
    }

    /** Does nothing but look when it runs already. */
    private void resumeByMonitor(RuntimeException reason) {
        try {
            if (!qmp.state().equals(RUNNING)) {
                qmp.execute("cont");
            }
            mark.delete();
        } catch (DecampException e) {
            if (reason == null) {
                throw e;
            }
            reason.addSuppressed(e);
        }
    }

    private boolean isMarked() {
        return mark.read().filter(identity()::equals).isPresent();
    }

    /** Of this QEMU: a mark of another one that had the same name means nothing. */
    private Map<String, String> identity() {
        int pid = qmp.peer().pid();
        Optional<ProcessIdentity> process = ProcessIdentity.of(pid);
        return Map.of(
                "qemu", Integer.toString(pid),
                "start", process.map(p -> Long.toString(p.startTicks())).orElse("gone"));
    }

    private void listen() {
        if (listening) {
            return;
        }
        for (JsonNode device : qmp.execute("query-chardev")) {
            if (device.path("label").asText().equals(STUB)) {
                requireOurs(device.path("filename").asText());
                listening = true;
                return;
            }
        }
        String answer = qmp.hmp("gdbserver unix:" + socket + ",server=on,wait=off");
        if (!Files.exists(socket)) {
            throw DecampException.refused(
                    "vm-gdbstub-failed",
                    "QEMU made no debugger stub at " + socket + ": " + answer.strip(),
                    "QEMU must be able to make a socket beside that of its monitor");
        }
        listening = true;
    }

    private void requireOurs(String device) {
        if (!device.contains(socket.toString())) {
            throw DecampException.refused(
                    "vm-gdbstub-taken",
                    "QEMU's debugger stub of VM " + vm + " is in use: " + device,
                    "End the debugging (gdbserver none in QEMU's monitor)");
        }
    }

    /** QEMU listens no more. */
    @Override
    public void close() {
        if (!listening) {
            return;
        }
        listening = false;
        try {
            qmp.hmp("gdbserver none");
            Files.deleteIfExists(socket);
        } catch (DecampException e) {
            LOG.debugf("VM %s: its debugger stub went with it: %s", vm, e.getMessage());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
