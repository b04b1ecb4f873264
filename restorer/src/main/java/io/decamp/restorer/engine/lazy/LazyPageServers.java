package io.decamp.restorer.engine.lazy;

import io.decamp.contracts.error.DecampException;
import io.decamp.contracts.id.WorkloadId;
import io.decamp.contracts.port.SealedReplica;
import io.decamp.restorer.engine.image.ReplicaImages;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/** The page servers of a node, each in a directory below {@code root}, which is in tmpfs beside the replicas. */
public final class LazyPageServers implements LazyPages {
    private final Path root;
    private final Listener listener;
    private final Map<WorkloadId, LazyPageServer> servers = new ConcurrentHashMap<>();

    /** @param root on the file system of the replicas; created; nothing else may be in it */
    public LazyPageServers(Path root, Listener listener) {
        this.root = root;
        this.listener = listener;
        try {
            Files.createDirectories(root);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Override
    public synchronized Path start(WorkloadId id, SealedReplica replica, Path images) {
        LazyDirectory directory = LazyDirectory.create(root.resolve(id.fileName()), id);
        LazyPageServer server;
        try {
            server = LazyPageServer.start(directory, ReplicaImages.lazy(images, replica), new Teller());
        } catch (RuntimeException e) {
            if (Files.exists(directory.path())) {
                directory.delete();
            }
            throw e;
        }
        servers.put(id, server);
        return directory.path();
    }

    @Override
    public synchronized void requireAttached(WorkloadId id) {
        server(id).requireAttached();
    }

    @Override
    public synchronized void beginFill(WorkloadId id) {
        LazyPageServer server = servers.get(id);
        if (server != null) {
            server.beginFill();
        }
    }

    @Override
    public State state(WorkloadId id) {
        LazyPageServer server = servers.get(id);
        return server == null ? State.NONE : server.state();
    }

    @Override
    public long remainingBytes(WorkloadId id) {
        LazyPageServer server = servers.get(id);
        return server == null ? 0 : server.remainingBytes();
    }

    @Override
    public synchronized List<WorkloadId> takeOver() {
        List<WorkloadId> served = new ArrayList<>();
        try (DirectoryStream<Path> left = Files.newDirectoryStream(root)) {
            for (Path path : left) {
                LazyDirectory directory = LazyDirectory.openLeft(path);
                if (directory != null) {
                    WorkloadId id = directory.saved().workload();
                    LazyPageServer server = LazyPageServer.takeOver(directory, new Teller());
                    servers.put(id, server);
                    if (server.state() == State.NONE) {
                        // it may have been complete before it was known here
                        servers.remove(id, server);
                    }
                    if (server.state() != State.LOST) {
                        served.add(id);
                    }
                }
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return served;
    }

    @Override
    public synchronized void destroy(WorkloadId id) {
        LazyPageServer server = servers.remove(id);
        if (server != null && server.state() != State.NONE) {
            server.destroy();
        }
    }

    @Override
    public synchronized void close() {
        servers.values().forEach(LazyPageServer::close);
        servers.clear();
    }

    private LazyPageServer server(WorkloadId id) {
        LazyPageServer server = servers.get(id);
        if (server == null) {
            throw DecampException.abort(
                    "lazy-not-attached",
                    "No page server is running for " + id,
                    "Destroy the copy; the workload is complete at its source",
                    null);
        }
        return server;
    }

    private final class Teller implements LazyPageServer.Owner {
        @Override
        public void complete(LazyPageServer server, Report report) {
            servers.remove(server.workload(), server);
            listener.onComplete(server.workload(), report);
        }

        @Override
        public void lost(LazyPageServer server, DecampException reason) {
            listener.onLost(server.workload(), reason);
        }
    }
}
