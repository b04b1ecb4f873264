package io.decamp.cli.launch;

import io.decamp.contracts.error.DecampException;
import io.decamp.linux.command.CriuVersion;
import io.decamp.linux.command.ShortCommand;
import io.decamp.transfer.engine.tls.TlsMaterial;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.URI;
import java.net.UnknownHostException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** Everything that can be found out before anything is made or started. Changes nothing. */
final class UpChecks {
    private static final String TMPFS = "tmpfs";
    private static final int MAX_PORT = 65_535;

    private UpChecks() {}

    /** @throws DecampException REFUSED: what is missing, and what to do */
    static void run(UpPlan plan, boolean brokerToStart, List<NodePlan.Service> toStart) {
        requireRoot();
        criu(plan.settings().criu());
        runc(plan.settings().runc());
        tmpfs(plan.settings().memoryDirectory());
        plan.keyStore().ifPresent(k -> TlsMaterial.fromPkcs12(k.store(), k.passwordFile()));
        InetSocketAddress data = address("--listen", plan.dataListen());
        InetSocketAddress broker = address("--broker-listen", plan.brokerListen());
        plan.advertise().ifPresent(a -> parse("--advertise", a));
        if (plan.firstPort() < 1 || plan.firstPort() + NodePlan.Service.values().length > MAX_PORT) {
            throw DecampException.refused(
                    "bad-port", "--first-port " + plan.firstPort() + " leaves no room", "Give one such as 7100");
        }
        if (brokerToStart) {
            free(broker, "--broker-listen", "another broker? Name it: --bootstrap-servers " + plan.brokerListen());
        }
        NodePlan node = plan.node(new UpPlan.KeyStoreFiles(Path.of("/"), Path.of("/")), java.util.Optional.empty());
        for (NodePlan.Service service : toStart) {
            var control = new InetSocketAddress(InetAddress.getLoopbackAddress(), node.port(service));
            free(control, "--first-port", "another node of this machine?");
            if (service == NodePlan.Service.NODE || service == NodePlan.Service.TRANSFER) {
                free(data, "--listen", "another node of this machine?");
            }
        }
    }

    static void requireRoot() {
        if (!"root".equals(System.getProperty("user.name"))) {
            throw DecampException.refused(
                    "not-root",
                    "A node traces processes, freezes cgroups and runs CRIU, which user "
                            + System.getProperty("user.name") + " may not",
                    "Run it as root: sudo ./decamp up");
        }
    }

    private static void criu(List<String> criu) {
        CriuVersion.require(criu);
        List<String> check = new ArrayList<>(criu);
        check.add("check");
        ShortCommand.Result result = ShortCommand.run(check);
        if (result.status() != 0) {
            throw DecampException.refused(
                    "criu-check-failed",
                    "'" + String.join(" ", check) + "' ended with " + result.status() + ": " + result.output().strip(),
                    "CRIU can't work on this kernel; in a container, run it privileged");
        }
    }

    private static void runc(List<String> runc) {
        List<String> version = List.of(runc.getFirst(), "--version");
        try {
            ShortCommand.check(version);
        } catch (DecampException e) {
            throw DecampException.refused("runc-missing", e.getMessage(), "Install runc 1.1 or newer");
        }
    }

    /** What is swapped to a disk, or written to one, is no place for a replica. */
    private static void tmpfs(Path memory) {
        Path existing = memory;
        while (existing != null && !Files.isDirectory(existing)) {
            existing = existing.getParent();
        }
        try {
            String type = existing == null ? "nothing" : Files.getFileStore(existing).type();
            if (!type.equals(TMPFS)) {
                throw DecampException.refused(
                        "memory-directory-not-tmpfs",
                        "--memory-directory " + memory + " is on " + type,
                        "Mount one there: mkdir -p " + memory + " && mount -t tmpfs -o size=75%,mode=700 tmpfs " + memory);
            }
        } catch (IOException e) {
            throw DecampException.refused("memory-directory", "Cannot look at " + memory + ": " + e, "Check it");
        }
    }

    private static InetSocketAddress address(String option, String text) {
        URI uri = parse(option, text);
        try {
            return new InetSocketAddress(InetAddress.getByName(uri.getHost()), uri.getPort());
        } catch (UnknownHostException e) {
            throw DecampException.refused(
                    "bad-address", option + " " + text + ": nobody knows " + uri.getHost(), "Give an address of this machine");
        }
    }

    private static URI parse(String option, String text) {
        try {
            URI uri = URI.create("decamp://" + text);
            if (uri.getHost() != null && uri.getPort() > 0 && uri.getPort() <= MAX_PORT && uri.getPath().isEmpty()) {
                return uri;
            }
        } catch (IllegalArgumentException e) {
            throw malformed(option, text);
        }
        throw malformed(option, text);
    }

    private static DecampException malformed(String option, String text) {
        return DecampException.refused("bad-address", option + " " + text + " is no address", "Give HOST:PORT");
    }

    private static void free(InetSocketAddress address, String option, String guess) {
        try (ServerSocket probe = new ServerSocket()) {
            probe.bind(address);
        } catch (IOException e) {
            throw DecampException.refused(
                    "port-taken",
                    "Cannot listen on " + address.getHostString() + ":" + address.getPort() + " (" + e.getMessage() + "); "
                            + guess,
                    "Choose another with " + option);
        }
    }
}
