package io.decamp.testkit;

import io.decamp.contracts.error.DecampException;
import io.decamp.contracts.id.NodeId;
import io.decamp.contracts.port.NodeSettings;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * Two nodes on this machine, joined by one veth pair ({@code deploy/lab/lab.sh}, which says what a node is). Any number of
 * labs may be there at a time. Not for several threads at once.
 */
public final class Lab implements AutoCloseable {
    private static final AtomicInteger NUMBER = new AtomicInteger();
    private static final Duration PROCESS_LIMIT = Duration.ofSeconds(5);

    private final String id;
    private final Thread atExit = new Thread(this::down, "end-of-lab");
    private final Path directory;
    private final Node alpha;
    private final Node beta;
    private boolean gone;

    /** Bytes that have crossed the link, as one node's end of it counts them. */
    public record Counters(long receivedBytes, long sentBytes) {}

    private Lab(String id, List<String> command) {
        this.id = id;
        Runtime.getRuntime().addShutdownHook(atExit);
        // whoever ends this program meanwhile waits for the script, then removes what it made
        synchronized (this) {
            List<String> description;
            try {
                description = script(command).lines();
            } catch (RuntimeException e) {
                gone = true;
                forgetHook();
                throw e;
            }
            this.directory = Path.of(description.getFirst().split(" ")[2]);
            this.alpha = node(description, "alpha");
            this.beta = node(description, "beta");
        }
    }

    /** A lab with an id of its own, without a limit on its link. */
    public static Lab up() {
        return up("t" + ProcessHandle.current().pid() + "-" + NUMBER.incrementAndGet());
    }

    /** @param options as of {@code lab.sh up}: {@code --rate 1gbit}, {@code --memory 200m} */
    public static Lab up(String id, String... options) {
        var command = new ArrayList<>(List.of("up", id));
        command.addAll(List.of(options));
        return new Lab(id, command);
    }

    public String id() {
        return id;
    }

    public Node alpha() {
        return alpha;
    }

    public Node beta() {
        return beta;
    }

    public Node other(Node node) {
        return node == alpha ? beta : alpha;
    }

    /** Cuts the link: packets are lost, connections hang. */
    public void cut() {
        script(List.of("link", id, "down"));
    }

    public void mend() {
        script(List.of("link", id, "up"));
    }

    /** @param rate as tc(8) writes it, {@code 1gbit}, or {@code none} */
    public void limit(String rate) {
        script(List.of("link", id, "rate", rate));
    }

    /** Makes 127.0.0.1:PORT of this machine reachable in both nodes, at the same address. */
    public void publish(int port) {
        script(List.of("publish", id, Integer.toString(port)));
    }

    /** Removes everything that belongs to the lab. */
    @Override
    public void close() {
        down();
        forgetHook();
    }

    private void forgetHook() {
        try {
            Runtime.getRuntime().removeShutdownHook(atExit);
        } catch (IllegalStateException shuttingDown) {
            // the hook runs or has run, and finds nothing to do
        }
    }

    private synchronized void down() {
        if (!gone) {
            script(List.of("down", id));
            gone = true;
        }
    }

    private static Command.Result script(List<String> arguments) {
        var command = new ArrayList<>(
                List.of("sh", Repository.root().resolve("deploy/lab/lab.sh").toString()));
        command.addAll(arguments);
        return Command.run(command).check();
    }

    private Node node(List<String> description, String name) {
        for (String line : description) {
            String[] word = line.split(" ");
            if (word[0].equals("node") && word[1].equals(name)) {
                return new Node(name, Long.parseLong(word[2]), word[3], word[4]);
            }
        }
        throw new AssertionError("lab.sh did not tell of node " + name + ": " + description);
    }

    /** A process that was started inside a node: killing it kills what runs in the node, not what led there. */
    public record Started(Process launcher) {
        /** The process in the node, as this machine numbers it. */
        public ProcessHandle handle() {
            Await.until("the process in the node", PROCESS_LIMIT, () -> !launcher.isAlive()
                    || launcher.children().findFirst().isPresent());
            return launcher.children()
                    .findFirst()
                    .orElseThrow(() -> DecampException.abort(
                            "command-failed", "The process in the node ended at once", "Read its output", null));
        }

        public void kill() {
            launcher.children().forEach(ProcessHandle::destroyForcibly);
            launcher.onExit().join();
        }
    }

    /** One of the two hosts. */
    public final class Node {
        private final String name;
        private final long initPid;
        private final String address;
        private final String cgroupPrefix;

        private Node(String name, long initPid, String address, String cgroupPrefix) {
            this.name = name;
            this.initPid = initPid;
            this.address = address;
            this.cgroupPrefix = cgroupPrefix;
        }

        public NodeId id() {
            return new NodeId(name);
        }

        /** As this machine numbers it. */
        public long initPid() {
            return initPid;
        }

        /** Its end of the link. */
        public String address() {
            return address;
        }

        /** Command that is followed by the one to run inside. */
        public List<String> enter() {
            return List.of(
                    "nsenter", "--target", Long.toString(initPid), "--net", "--mount", "--pid", "--uts", "--");
        }

        public Command.Result run(String... command) {
            return Command.run(Command.join(enter(), List.of(command)));
        }

        public Command.Result run(List<String> command) {
            return Command.run(Command.join(enter(), command));
        }

        /** Starts a program that goes on; standard output and error are appended to {@code output}. */
        public Started start(List<String> command, Map<String, String> environment, Path output) {
            var builder = new ProcessBuilder(Command.join(enter(), command))
                    .redirectInput(Path.of("/dev/null").toFile())
                    .redirectErrorStream(true)
                    .redirectOutput(ProcessBuilder.Redirect.appendTo(output.toFile()));
            builder.environment().putAll(environment);
            try {
                return new Started(builder.start());
            } catch (IOException e) {
                throw DecampException.abort("command-failed", "Can't enter node " + name, "Is nsenter there?", e);
            }
        }

        /** On this machine's disk, at the same path inside and outside. */
        public Path stateDirectory() {
            return directory.resolve(name).resolve("state");
        }

        /** A tmpfs that only the node sees; see {@link #seenFromHere}. */
        public Path memoryDirectory() {
            return directory.resolve(name).resolve("memory");
        }

        /** Where bundles are kept: the same path in both nodes, as on real hosts, with other contents. */
        public Path containers() {
            return Path.of("/run/containers");
        }

        /** {@link #containers()} as this process can open it. */
        public Path containersSeenFromHere() {
            return directory.resolve(name).resolve("containers");
        }

        public Path runcRoot() {
            return directory.resolve(name).resolve("runc");
        }

        /** A path of the node's mount namespace, as this process can open it. */
        public Path seenFromHere(Path inside) {
            return Path.of("/proc/" + initPid + "/root" + inside);
        }

        public String cgroupPrefix() {
            return cgroupPrefix;
        }

        public NodeSettings settings() {
            return new NodeSettings(
                    id(),
                    stateDirectory(),
                    memoryDirectory(),
                    cgroupPrefix,
                    List.of(Tools.criu().toString()),
                    List.of("runc", "--root", runcRoot().toString()));
        }

        /**
         * A port on 127.0.0.1 here that leads to 127.0.0.1:{@code port} in the node, or in a network namespace of it.
         *
         * @param netns path as the node sees it, null for the node's own
         */
        public int reach(Path netns, int port) {
            String where = netns == null ? "-" : netns.toString();
            var result = script(List.of("reach", Lab.this.id, name, where, Integer.toString(port)));
            return Integer.parseInt(result.output().strip());
        }

        public Counters counters() {
            try {
                for (String line : Files.readAllLines(Path.of("/proc/" + initPid + "/net/dev"))) {
                    String[] field = line.strip().split("[:\\s]+");
                    if (field[0].equals("link0")) {
                        return new Counters(Long.parseLong(field[1]), Long.parseLong(field[9]));
                    }
                }
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
            throw new AssertionError("Node " + name + " has no link0");
        }

        @Override
        public String toString() {
            return name;
        }
    }
}
