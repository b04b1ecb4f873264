package io.decamp.restorer.engine.vm;

import io.decamp.contracts.error.DecampException;
import io.decamp.linux.qemu.GuestAgent;
import io.decamp.linux.qemu.Qmp;
import io.decamp.linux.qemu.VmRegistration;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Function;

/**
 * One connection to each guest's agent for all who use it at a time, since an agent serves only one: a release must
 * not wait until the restore of another workload is done. Closed when nobody uses it. Thread safe.
 */
final class GuestAgents {
    /** The agent is an idle process that must get a processor of a guest that may be overloaded. */
    private static final Duration CONNECT_LIMIT = Duration.ofSeconds(10);

    /** After these, answers may come late and be taken for those to other questions. */
    private static final Set<String> BROKEN = Set.of("vm-not-answering", "vm-gone", "vm-not-qemu", "vm-no-agent");

    private final Map<Path, Socket> sockets = new ConcurrentHashMap<>();

    private static final class Connection {
        private final GuestAgent agent;
        private int users;

        Connection(GuestAgent agent) {
            this.agent = agent;
        }
    }

    private static final class Socket {
        private Connection current;

        synchronized Connection enter(Path path) {
            if (current == null) {
                current = new Connection(GuestAgent.connect(path, CONNECT_LIMIT));
            }
            current.users++;
            return current;
        }

        /** The last one out closes it, as it may be in use by others until then. */
        synchronized void leave(Connection connection, boolean broken) {
            connection.users--;
            if (connection == current && (broken || connection.users == 0)) {
                current = null;
            }
            if (connection.users == 0) {
                connection.agent.close();
            }
        }
    }

    /**
     * @throws DecampException {@code vm-no-agent}, {@code vm-paused}, {@code vm-gone}, {@code vm-no-qmp}: why nobody
     *     answers; whatever {@code use} throws
     */
    <T> T with(VmRegistration vm, Function<GuestAgent, T> use) {
        try {
            return withConnection(vm, use);
        } catch (DecampException e) {
            throw BROKEN.contains(e.code()) ? diagnosed(vm, e) : e;
        }
    }

    private <T> T withConnection(VmRegistration vm, Function<GuestAgent, T> use) {
        Path path = vm.agent()
                .orElseThrow(() -> DecampException.refused(
                        "vm-no-agent",
                        "VM " + vm.name() + " is registered without a guest agent",
                        "Add a line agent=PATH of its virtserialport org.qemu.guest_agent.0 to its registration"));
        Socket socket = sockets.computeIfAbsent(path, p -> new Socket());
        Connection connection = socket.enter(path);
        boolean broken = true;
        try {
            T result = use.apply(connection.agent);
            broken = false;
            return result;
        } catch (DecampException e) {
            broken = BROKEN.contains(e.code());
            throw e;
        } finally {
            socket.leave(connection, broken);
        }
    }

    /** A paused or dead VM is the better reason why its agent is silent. */
    private static DecampException diagnosed(VmRegistration vm, DecampException silence) {
        try (Qmp qmp = Qmp.connect(vm.qmp())) {
            requireRunning(vm, qmp);
            return silence;
        } catch (DecampException reason) {
            reason.addSuppressed(silence);
            return reason;
        }
    }

    /** @throws DecampException {@code vm-paused} */
    static void requireRunning(VmRegistration vm, Qmp qmp) {
        String state = qmp.state();
        if (!state.equals("running")) {
            throw DecampException.retry(
                    "vm-paused",
                    "VM " + vm.name() + " does not run: its state is " + state,
                    "Let it run on (cont in QEMU's monitor)",
                    null);
        }
    }
}
