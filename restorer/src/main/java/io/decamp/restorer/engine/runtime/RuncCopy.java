package io.decamp.restorer.engine.runtime;

import io.decamp.contracts.error.DecampException;
import io.decamp.contracts.id.WorkloadId;
import io.decamp.contracts.port.NodeSettings;
import io.decamp.linux.cgroup.FreezerCgroup;
import io.decamp.linux.command.Runc;
import io.decamp.linux.pid.ProcessIdentity;
import io.decamp.restorer.engine.lazy.LazyPages;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Copies of runc's containers, made by {@code runc restore} out of a bundle that is there already. runc must not be
 * killed
 * while it restores: it leaves the root file system bound in its own directory.
 */
public final class RuncCopy extends CriuCopy {
    private static final long SIGKILL = 9;

    private final Runc runc;

    /** @param lazyFromBytes from this resident size, memory is served on demand */
    public RuncCopy(NodeSettings settings, LazyPages lazyPages, long lazyFromBytes) {
        super(settings, lazyPages, lazyFromBytes);
        this.runc = new Runc(settings);
    }

    private void requireBundle(WorkloadId id, Path bundle) {
        if (bundle == null || !Files.isRegularFile(bundle.resolve("config.json"))) {
            throw DecampException.refused(
                    "no-bundle",
                    "There is no bundle of " + id + " on node " + settings.node() + " at " + bundle,
                    "Unpack its image there; the root file systems must have the same content");
        }
    }

    @Override
    String cgroupOf(WorkloadId id) {
        return "";
    }

    @Override
    int restore(WorkloadId id, RestoreJob job, Path work, Path bundle, boolean lazy) {
        requireBundle(id, bundle);
        Path config = job.directory().resolve("criu.conf");
        try {
            Files.write(config, List.of("action-script " + gate, "tcp-close", "skip-in-flight"));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        List<String> arguments = new ArrayList<>(List.of("restore", "--detach", "--file-locks"));
        arguments.addAll(List.of("--image-path", job.images().toString(), "--work-path", work.toString()));
        arguments.addAll(List.of("--bundle", bundle.toString()));
        if (lazy) {
            arguments.add("--lazy-pages");
        }
        arguments.add(id.name());
        Map<String, String> environment = new HashMap<>(job.environment(hierarchy, null, home()));
        environment.putAll(runc.environment(config));
        // the title that criu gives itself when it serves a request (cr-service.c)
        return job.run(
                runc.with(arguments), environment, work.resolve(RestoreJob.LOG), line -> line.contains("criu: "));
    }

    /** runc knows which process it is. */
    @Override
    void bind(WorkloadId id, ProcessIdentity init) {}

    /** And not runc: when criu and the tasks are gone, it cleans up and ends by itself. */
    @Override
    void killCriu(RestoreJob job) {
        job.processes().signal(SIGKILL, command -> !command.contains("\0restore\0"));
    }

    @Override
    void forget(WorkloadId id, FreezerCgroup cgroup) {
        runc.delete(id.name());
    }
}
