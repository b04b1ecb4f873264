package io.decamp.testkit;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;

/**
 * A runc container that lives on one node of a lab, with its bundle (same path, own cgroup) laid out on both, and a network
 * namespace of its own at {@code /run/netns/ID} of each.
 */
public final class Container {
    private static final Pattern PID = Pattern.compile("\"pid\": (\\d+)");
    private static final Pattern STATUS = Pattern.compile("\"status\": \"(\\w+)\"");

    /** The container inherits these streams: opened inside the node, as CRIU refuses a file of another mount namespace. */
    private static final String LAUNCH =
            "exec </dev/null >/dev/null 2>&1; runc=$1; shift; exec \"$runc\" --log \"$0\" \"$@\"";

    private final Lab lab;
    private final String id;

    private Container(Lab lab, String id) {
        this.lab = lab;
        this.id = id;
    }

    /** What the root file system of a bundle is to hold. */
    public interface Installer {
        void install(Path bundle);
    }

    /** Lays the bundle out on both nodes; nothing runs yet. */
    public static Container create(Lab lab, String id, List<String> args, Map<Path, String> binds, Installer files) {
        var container = new Container(lab, id);
        for (Lab.Node node : List.of(lab.alpha(), lab.beta())) {
            node.run("ip", "netns", "add", id).check();
            node.run("nsenter", "--net=" + container.netns(), "ip", "link", "set", "lo", "up").check();
            Path bundle = node.containersSeenFromHere().resolve(id);
            new OciBundle(args, node.cgroupPrefix() + "/" + id, container.netns(), binds).write(bundle);
            files.install(bundle);
        }
        return container;
    }

    public String id() {
        return id;
    }

    /** As every node sees it. */
    public Path bundle() {
        return lab.alpha().containers().resolve(id);
    }

    public Path netns() {
        return Path.of("/run/netns", id);
    }

    /** Starts it on a node, detached, with {@code /dev/null} as its standard streams: CRIU can't move host files. */
    public void start(Lab.Node node) {
        runcDetached(node, Duration.ofSeconds(20), Map.of(), "run", "--detach", "--bundle", bundle().toString(), id);
    }

    /**
     * runs runc with standard streams that are not held open afterwards.
     *
     * @param words after {@code runc --root ... --criu ...}
     */
    void runcDetached(Lab.Node node, Duration limit, Map<String, String> environment, String... words) {
        Path errors = null;
        try {
            errors = Files.createTempFile("runc", ".err");
            var launch = Command.join(node.enter(), List.of("sh", "-c", LAUNCH, errors.toString()));
            var builder = new ProcessBuilder(Command.join(launch, Command.join(runc(node), List.of(words))))
                    .redirectInput(Path.of("/dev/null").toFile())
                    .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                    .redirectError(ProcessBuilder.Redirect.DISCARD);
            builder.environment().putAll(environment);
            Process process = builder.start();
            Await.until("runc " + words[0], limit, () -> !process.isAlive());
            if (process.exitValue() != 0) {
                throw new AssertionError("runc " + words[0] + " ended with " + process.exitValue() + ": "
                        + Files.readString(errors).strip());
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } finally {
            if (errors != null) {
                errors.toFile().delete();
            }
        }
    }

    static List<String> runc(Lab.Node node) {
        return List.of("runc", "--root", node.runcRoot().toString(), "--criu", Tools.criu().toString());
    }

    /** {@code running}, {@code paused}, {@code stopped}..., or {@code absent}. */
    public String status(Lab.Node node) {
        var matcher = STATUS.matcher(state(node));
        return matcher.find() ? matcher.group(1) : "absent";
    }

    /** PID of its init, as the node numbers it. */
    public long pid(Lab.Node node) {
        var matcher = PID.matcher(state(node));
        if (!matcher.find()) {
            throw new AssertionError("Container " + id + " is not on " + node);
        }
        return Long.parseLong(matcher.group(1));
    }

    /**
     * Living processes on a node that are in a PID namespace of their own, as this machine numbers them: those of this
     * container and of any copy of it, where it is the node's only one.
     */
    public List<Long> processes(Lab.Node node) {
        int levels = Procs.namespacePids(node.initPid()).size();
        return ProcessHandle.of(node.initPid()).stream()
                .flatMap(ProcessHandle::descendants)
                .map(ProcessHandle::pid)
                .filter(pid -> Procs.namespacePids(pid).size() > levels && Procs.alive(pid))
                .toList();
    }

    private String state(Lab.Node node) {
        return node.run(Command.join(runc(node), List.of("state", id))).output();
    }

    /** A port on 127.0.0.1 here that leads to 127.0.0.1:{@code port} inside the container's network namespace. */
    public int reach(Lab.Node node, int port) {
        return node.reach(netns(), port);
    }
}
