package io.decamp.testkit.vm;

import io.decamp.contracts.error.DecampException;
import io.decamp.testkit.Await;
import io.decamp.testkit.Lab;
import io.decamp.testkit.Procs;
import io.decamp.testkit.Trees;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Supplier;

/**
 * A booted guest of QEMU's, with RAM in a shared file, QMP, the guest agent, a shell, and nothing left of it after
 * {@link #close}, nor after the end of this program, however it ended: QEMU's keeper kills it when this program's end
 * of a pipe is closed.
 *
 * <pre>{@code
 * try (GuestVm guest = GuestVm.boot(GuestSpec.named("a"))) {
 *     guest.shell("uname -r").check();
 * }
 * }</pre>
 *
 * Methods may be called by several threads; commands run one after the other.
 */
public final class GuestVm implements AutoCloseable {
    private static final String CRASHED = "guest-crashed";

    /**
     * QEMU before 8.1 translates code that another processor is just changing (fixed by its commit deba78709ae8,
     * "accel/tcg: Always lock pages before translation"): a kernel that patches itself while it boots may then trip
     * over its own breakpoint.
     */
    private static final int TRANSLATED_ATTEMPTS = 4;

    private static final Duration BOOT_LIMIT = Duration.ofSeconds(90);
    private static final Duration COMMAND_LIMIT = Duration.ofSeconds(30);
    private static final Duration END_LIMIT = Duration.ofSeconds(10);
    private static final Duration TRANSFER_LIMIT = Duration.ofSeconds(60);

    private final GuestSpec spec;
    private final GuestImage image;
    private final Accelerator accelerator;
    private final QemuLine line;
    private final Process keeper;
    private final Thread atExit = new Thread(this::remove, "end-of-guest");
    private final Duration bootTime;
    private ProcessHandle qemu;
    private GuestConsole console;
    private GuestFiles files;
    private Path registration;
    private boolean gone;

    private GuestVm(GuestSpec spec, Place place, Accelerator accelerator, Duration limit) throws IOException {
        long begin = System.nanoTime();
        this.spec = spec;
        this.accelerator = accelerator;
        this.image = GuestImage.of(spec.kernel());
        this.line = new QemuLine(spec, image, place, accelerator);
        Runtime.getRuntime().addShutdownHook(atExit);
        try {
            this.keeper = line.start();
        } catch (RuntimeException | IOException e) {
            forgetHook();
            throw e;
        }
        try {
            long booting = System.nanoTime();
            connect(limit);
            console.awaitReady(limit.minusNanos(System.nanoTime() - booting));
        } catch (IOException | RuntimeException | AssertionError e) {
            String said = line.log();
            String code = hasCrashed() ? CRASHED : "guest-not-booted";
            close();
            throw DecampException.abort(
                    code,
                    "Guest " + spec.name() + " does not boot by " + accelerator + ": " + said,
                    "Read on",
                    e);
        }
        this.bootTime = Duration.ofNanos(System.nanoTime() - begin);
    }

    /** Boots on this machine. Returns when the guest takes commands, some 5 s by TCG. */
    public static GuestVm boot(GuestSpec spec) {
        return boot(spec, Place::here, Accelerator.ofThisMachine(), BOOT_LIMIT);
    }

    /** Boots inside a node, and registers the VM with it: {@link #register}. */
    public static GuestVm boot(GuestSpec spec, Lab.Node node) {
        GuestVm guest = boot(spec, () -> Place.in(node, spec.name()), Accelerator.ofThisMachine(), BOOT_LIMIT);
        guest.register(node.stateDirectory());
        return guest;
    }

    static GuestVm boot(GuestSpec spec, Supplier<Place> place, Accelerator accelerator, Duration limit) {
        for (int attempt = 1; ; attempt++) {
            try {
                return new GuestVm(spec, place.get(), accelerator, limit);
            } catch (IOException e) {
                throw DecampException.abort("guest-not-booted", "Can't start QEMU", "Is qemu-system-x86 installed?", e);
            } catch (DecampException e) {
                if (!e.code().equals(CRASHED) || accelerator != Accelerator.TCG || attempt == TRANSLATED_ATTEMPTS) {
                    throw e;
                }
                System.err.println("Guest " + spec.name() + " crashed while it booted by TCG; again: " + e.getMessage());
            }
        }
    }

    /** Whether the guest's kernel said so. */
    public boolean hasCrashed() {
        return kernelLog().contains("Kernel panic - not syncing") || kernelLog().contains("Oops: ");
    }

    private void connect(Duration limit) throws IOException {
        Await.until("QEMU's sockets: " + line.log(), limit, () -> {
            if (!keeper.isAlive()) {
                throw new AssertionError("QEMU ended at once");
            }
            return Files.exists(line.data()) && Files.exists(line.console());
        });
        qemu = keeper.descendants()
                .filter(p -> p.children().findAny().isEmpty())
                .findFirst()
                .orElseThrow(() -> new AssertionError("QEMU ended at once"));
        Await.until("QEMU's serial line", limit, () -> {
            try {
                console = GuestConsole.connect(line.console());
                return true;
            } catch (IOException early) {
                return !Procs.alive(qemu.pid());
            }
        });
        if (console == null) {
            throw new AssertionError("QEMU ended at once");
        }
        files = GuestFiles.connect(line.data());
    }

    public GuestSpec spec() {
        return spec;
    }

    public String name() {
        return spec.name();
    }

    public GuestImage image() {
        return image;
    }

    public Accelerator accelerator() {
        return accelerator;
    }

    /** From the call until it took commands. */
    public Duration bootTime() {
        return bootTime;
    }

    /** QEMU's process, as this machine numbers it. */
    public long pid() {
        return qemu.pid();
    }

    public boolean alive() {
        return Procs.alive(qemu.pid());
    }

    /** Socket of the QMP monitor that Decamp is told of: one client at a time. */
    public Path qmp() {
        return line.qmp();
    }

    /** Socket of a second QMP monitor, for tests that do to the VM what an operator does. */
    public Path operatorQmp() {
        return line.operator();
    }

    /** Socket of the guest agent. */
    public Path agent() {
        return line.agent();
    }

    /** The file that is the guest's memory, as this process can open it. */
    public Path ram() {
        return line.ramFromHere();
    }

    /** Runs a command line by the guest's shell, as root; input is empty. Limit: 30 s. */
    public GuestResult shell(String command) {
        return shell(command, COMMAND_LIMIT);
    }

    /**
     * @param limit after which the command is killed, whole seconds
     * @throws DecampException {@code guest-command-time}, {@code guest-silent}, {@code guest-gone}
     */
    public synchronized GuestResult shell(String command, Duration limit) {
        try {
            return console.run(command, limit);
        } catch (IOException e) {
            throw DecampException.abort(
                    "guest-gone",
                    "Guest " + name() + " ended or can't be talked to; last it said: " + line.log(),
                    "Read on",
                    e);
        }
    }

    /** Copies a file into the guest, executable, in directories that are made. */
    public synchronized void send(Path file, String to) {
        try {
            long bytes = Files.size(file);
            var write = CompletableFuture.runAsync(() -> {
                try {
                    files.write(file);
                } catch (IOException e) {
                    throw new UncheckedIOException(e);
                }
            });
            shell(
                            "mkdir -p \"$(dirname '" + to + "')\" && head -c " + bytes + " /dev/data > '" + to
                                    + "' && chmod 755 '" + to + "' && [ $(stat -c %s '" + to + "') = " + bytes + " ]",
                            TRANSFER_LIMIT)
                    .check();
            write.join();
        } catch (IOException | CompletionException e) {
            throw transferFailed(file + " to " + to, e);
        }
    }

    /** Copies what a file of the guest holds now; it may be growing. */
    public synchronized void fetch(String from, Path to) {
        long bytes = Long.parseLong(
                shell("stat -c %s '" + from + "'").check().output().strip());
        try {
            var read = CompletableFuture.runAsync(() -> {
                try {
                    files.read(to, bytes);
                } catch (IOException e) {
                    throw new UncheckedIOException(e);
                }
            });
            shell("head -c " + bytes + " '" + from + "' > /dev/data", TRANSFER_LIMIT)
                    .check();
            read.get(TRANSFER_LIMIT.toSeconds(), TimeUnit.SECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw transferFailed(from + " to " + to, e);
        } catch (ExecutionException | TimeoutException e) {
            throw transferFailed(from + " to " + to, e);
        }
    }

    private DecampException transferFailed(String what, Exception cause) {
        return DecampException.abort(
                "guest-transfer", "Can't copy " + what + " of guest " + name(), "Did QEMU end?", cause);
    }

    /** What the guest's kernel and init printed on its console. */
    public String kernelLog() {
        return line.kernelLog();
    }

    /**
     * What its kernel has warned of or worse since {@code dmesg -c}, a line each; empty for nothing. Without what only
     * says that its processors, which are threads, had to wait for one of this machine's.
     */
    public String warnings() {
        return shell("dmesg -r | grep '^<[0-4]>' | grep -v -e 'hrtimer: interrupt took' -e 'perf: interrupt took too long'"
                        + " -e 'clocksource: ' -e 'hogged CPU for'; true")
                .check()
                .output()
                .strip();
    }

    /** Writes {@code STATE/vms/NAME.properties}, by which a node knows the VM; {@link #close} removes it. */
    public Path register(Path stateDirectory) {
        try {
            Path directory = Files.createDirectories(stateDirectory.resolve("vms"));
            String text = "qmp=" + qmp() + "\nagent=" + agent() + "\nreceives=" + spec.receives() + "\n";
            Path fresh = Files.writeString(directory.resolve("." + name() + ".new"), text);
            registration = Files.move(
                    fresh,
                    directory.resolve(name() + ".properties"),
                    StandardCopyOption.ATOMIC_MOVE,
                    StandardCopyOption.REPLACE_EXISTING);
            return registration;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Ends QEMU as a fault does, at once; the rest stays until {@link #close}. */
    public void kill() {
        Procs.killAndAwait(pid());
    }

    /** Ends QEMU and removes everything. */
    @Override
    public void close() {
        remove();
        forgetHook();
    }

    private void forgetHook() {
        try {
            Runtime.getRuntime().removeShutdownHook(atExit);
        } catch (IllegalStateException shuttingDown) {
            // the hook runs or has run, and finds nothing to do
        }
    }

    private void remove() {
        synchronized (atExit) {
            if (gone) {
                return;
            }
            gone = true;
        }
        if (keeper == null) {
            return;
        }
        try {
            // outlives neither of these; the keeper takes the end of its input as the order to kill QEMU
            keeper.getOutputStream().close();
            if (!keeper.waitFor(END_LIMIT.toSeconds(), TimeUnit.SECONDS)) {
                keeper.descendants().forEach(ProcessHandle::destroyForcibly);
                keeper.destroyForcibly();
            }
            if (console != null) {
                console.close();
            }
            if (files != null) {
                files.close();
            }
            if (registration != null) {
                Files.deleteIfExists(registration);
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } finally {
            line.remove();
            Trees.delete(line.directory());
        }
    }
}
