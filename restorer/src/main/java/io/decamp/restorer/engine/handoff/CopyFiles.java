package io.decamp.restorer.engine.handoff;

import com.google.protobuf.InvalidProtocolBufferException;
import io.decamp.contracts.error.DecampException;
import io.decamp.contracts.handoff.Digest;
import io.decamp.contracts.id.WorkloadId;
import io.decamp.contracts.v1.SnapshotReady;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.HexFormat;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;

/**
 * What a destination must remember of each workload. The last final {@code snapshot-ready} and what the copy was made
 * of lie in tmpfs: like replicas and held copies, they outlive the service and not the node. {@link Released} is
 * durable.
 */
public final class CopyFiles {
    private final HandoffFiles ready;
    private final HandoffFiles prepared;
    private final HandoffFiles released;

    /**
     * @param memoryDirectory of the node, on tmpfs
     * @param stateDirectory of the node, durable
     */
    public CopyFiles(Path memoryDirectory, Path stateDirectory) {
        ready = new HandoffFiles(memoryDirectory.resolve("ready"), false);
        prepared = new HandoffFiles(memoryDirectory.resolve("prepared"), false);
        released = new HandoffFiles(stateDirectory.resolve("released"), true);
    }

    /** Every workload of which something is remembered. */
    Set<WorkloadId> known() {
        Set<WorkloadId> all = new TreeSet<>(Comparator.comparing(WorkloadId::value));
        for (HandoffFiles files : new HandoffFiles[] {ready, prepared, released}) {
            // WorkloadId.fileName puts '_' for the ':' behind the kind, which itself has none
            files.names().forEach(n -> all.add(new WorkloadId(n.replaceFirst("_", ":"))));
        }
        return all;
    }

    void ready(WorkloadId id, SnapshotReady event) {
        ready.write(id.fileName(), event.toByteArray());
    }

    Optional<SnapshotReady> ready(WorkloadId id) {
        return ready.read(id.fileName()).map(bytes -> {
            try {
                return SnapshotReady.parseFrom(bytes);
            } catch (InvalidProtocolBufferException e) {
                throw damaged("snapshot-ready", id, e);
            }
        });
    }

    void prepared(WorkloadId id, CopyMark mark) {
        prepared.write(id.fileName(), text(mark.term(), mark.digest(), ""));
    }

    Optional<CopyMark> prepared(WorkloadId id) {
        return prepared.read(id.fileName()).map(bytes -> {
            Released r = parse("copy mark", id, bytes);
            return new CopyMark(r.term(), r.digest());
        });
    }

    /** Saves time between TAKE and release. */
    void stageReleased(WorkloadId id, Released mark) {
        released.stage(id.fileName(), text(mark.term(), mark.digest(), mark.bootId()));
    }

    /** Durable on return: file and directory are on disk. */
    void released(WorkloadId id, Released mark) {
        released.write(id.fileName(), text(mark.term(), mark.digest(), mark.bootId()));
    }

    Optional<Released> released(WorkloadId id) {
        return released.read(id.fileName()).map(bytes -> parse("RELEASED mark", id, bytes));
    }

    void clearReady(WorkloadId id) {
        ready.delete(id.fileName());
    }

    void clearPrepared(WorkloadId id) {
        prepared.delete(id.fileName());
    }

    void clearReleased(WorkloadId id) {
        released.delete(id.fileName());
    }

    private static byte[] text(long term, Digest digest, String bootId) {
        return (term + "\n" + digest + "\n" + bootId + "\n").getBytes(StandardCharsets.UTF_8);
    }

    private static Released parse(String what, WorkloadId id, byte[] bytes) {
        try {
            String[] lines = new String(bytes, StandardCharsets.UTF_8).split("\n", -1);
            return new Released(Long.parseLong(lines[0]), new Digest(HexFormat.of().parseHex(lines[1])), lines[2]);
        } catch (RuntimeException e) {
            throw damaged(what, id, e);
        }
    }

    private static DecampException damaged(String what, WorkloadId id, Exception cause) {
        return DecampException.fatal(
                "handoff-files",
                "The " + what + " of " + id + " is damaged",
                "Nothing is done for this workload until the file is repaired, or deleted if no copy runs here",
                cause);
    }
}
