package io.decamp.transfer.engine.replica;

import io.decamp.contracts.error.DecampException;
import io.decamp.contracts.id.WorkloadId;
import io.decamp.contracts.page.AddressSpace;
import io.decamp.contracts.page.ControlFrame;
import io.decamp.contracts.page.FrameException;
import io.decamp.contracts.page.FrameHeader;
import io.decamp.contracts.page.PageRuns;
import io.decamp.contracts.page.PageSource;
import io.decamp.contracts.port.SealedReplica;
import io.decamp.contracts.port.StandingReplica;
import io.decamp.contracts.v1.Part;
import io.decamp.linux.file.SparseFile;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.HashSet;
import java.util.Optional;
import java.util.Set;
import java.util.function.BooleanSupplier;
import org.jboss.logging.Logger;

/**
 * The replica of one generation of a workload: {@code receive(epoch) -> seal -> apply}. A half-received epoch never
 * touches what is sealed. The first epoch is written in place, as there is nothing to protect; each later one is staged,
 * counts from the moment its marker is renamed into place, and is then applied, again after a crash if need be. Memory
 * that applying will need is reserved while receiving, so that a full file system shows before the seal.
 *
 * <p>Used by one thread at a time, the holder of the lease; {@link #sealed} by any.
 */
final class Replica {
    private static final Logger LOG = Logger.getLogger(Replica.class);

    private final WorkloadId workload;
    private final long generation;
    private final Path directory;
    private final MemoryBudget budget;
    private final MemoryBudget.Account account;
    private final Checkpoints checkpoints;
    private volatile ReplicaState state = new ReplicaState.Empty();
    private SpaceFiles spaces;
    private Staging staging;
    private PartFiles parts;
    private long partBytes;
    private Preparer preparer = new Preparer();
    private final PageDecoder decoder = new PageDecoder();

    private Replica(WorkloadId workload, long generation, Path directory, MemoryBudget budget, Checkpoints checkpoints) {
        this.workload = workload;
        this.generation = generation;
        this.directory = directory;
        this.budget = budget;
        this.checkpoints = checkpoints;
        account = budget.new Account(this::allocatedBytes);
    }

    /** Opens what there is in {@code directory}: keeps what is sealed, throws away what was half received. */
    static Replica open(
            WorkloadId workload, long generation, Path directory, MemoryBudget budget, Checkpoints checkpoints)
            throws IOException {
        Replica replica = new Replica(workload, generation, directory, budget, checkpoints);
        replica.load();
        return replica;
    }

    private void load() throws IOException {
        boolean sealing = Files.exists(sealingMarker());
        boolean sealed = Files.exists(sealedMarker());
        if (!sealing && !sealed) {
            Trees.delete(directory);
        }
        Files.createDirectories(directory);
        spaces = new SpaceFiles(directory);
        if (sealing) {
            staging = new Staging(stagingDirectory());
            become(new ReplicaState.Sealing(Manifest.read(sealingMarker())), "found at start");
        } else if (sealed) {
            Manifest manifest = Manifest.read(sealedMarker());
            Trees.delete(stagingDirectory());
            spaces.discard(manifest::lists);
            become(new ReplicaState.Sealed(manifest), "found at start");
        }
        account.measure();
    }

    /** Applies what a crash, or a lack of memory, kept from being applied. */
    void finishSealing() {
        if (state instanceof ReplicaState.Sealing sealing) {
            guarded(() -> apply(sealing.manifest()));
        }
    }

    long generation() {
        return generation;
    }

    long lastSealedEpoch() {
        Manifest m = state instanceof ReplicaState.Sealing s ? s.manifest() : manifest();
        return m == null ? 0 : m.epoch();
    }

    /** The replica if its last sealed epoch is final and applied. */
    Optional<SealedReplica> sealed() {
        return Optional.ofNullable(manifest())
                .filter(Manifest::isFinal)
                .map(m -> new SealedReplica(directory, generation, m.epoch(), m.digest(), m.spaces(), m.parts()));
    }

    /** As the last sealed epoch left it, be it final or not. */
    Optional<StandingReplica> standing() {
        return Optional.ofNullable(manifest()).map(m -> new StandingReplica(directory, generation, m.spaces()));
    }

    /** Whether a final epoch is sealed, be it applied or not. */
    boolean holdsFinal() {
        Manifest m = state instanceof ReplicaState.Sealing s ? s.manifest() : manifest();
        return m != null && m.isFinal();
    }

    private Manifest manifest() {
        return switch (state) {
            case ReplicaState.Sealed s -> s.manifest();
            case ReplicaState.Receiving s -> s.sealed();
            case ReplicaState.Sealing s -> null;
            case ReplicaState.Empty() -> null;
            case ReplicaState.Dropped() -> null;
        };
    }

    void begin(long epoch, long baseEpoch) {
        abandon("another epoch begins");
        long sealed = lastSealedEpoch();
        if (baseEpoch != sealed || epoch <= sealed) {
            throw DecampException.retry(
                    "epoch-mismatch",
                    "Epoch " + epoch + " of " + workload + " builds on epoch " + baseEpoch + ", sealed here is " + sealed,
                    "Connect again and go on from the epoch that the answer names",
                    null);
        }
        guarded(() -> {
            Manifest manifest = manifest();
            if (staging == null) {
                staging = new Staging(stagingDirectory());
            }
            staging.reset();
            parts = new PartFiles(staging.parts());
            preparer = new Preparer();
            become(new ReplicaState.Receiving(epoch, manifest), "begin");
        });
    }

    /** The epoch that is being received, 0 when none. */
    long receivingEpoch() {
        return state instanceof ReplicaState.Receiving r ? r.epoch() : 0;
    }

    /** A hint; what does not fit is left to the runs themselves, and so are runs that are staged. */
    void prepare(long space, long address, int pages) {
        boolean direct = receiving().direct();
        FrameHeader.checkRange(space, address, pages);
        long bytes = (long) pages * PageRuns.PAGE_BYTES;
        if (!direct) {
            return;
        }
        guarded(() -> {
            SparseFile file = spaces.file(space);
            if (bytes <= budget.freeBytes()) {
                preparer.add(file, address, bytes);
            }
        });
    }

    /**
     * @param payload whose checksum was right
     * @param older drops what the workload holds of older generations; false when there is nothing left to drop
     */
    void pages(FrameHeader run, ByteBuffer payload, BooleanSupplier older) {
        boolean direct = receiving().direct();
        guarded(() -> {
            if (run.source == PageSource.SAME_AS && !spaces.exists(run.sameAs)) {
                throw FrameException.malformed(run.describeRun() + " refers to address space " + run.sameAs + ", which is not known");
            }
            long staged = run.source == PageSource.BYTES && !direct ? payload.remaining() : 0;
            long kept = run.source == PageSource.ZERO ? 0 : run.runBytes();
            charge(staged + kept, older);
            spaces.file(run.space);
            if (!direct) {
                // noted before it is reserved, so that giving up finds it
                staging.add(run, payload);
                if (kept > 0) {
                    spaces.reserve(run.space, run.address, kept);
                }
                return;
            }
            switch (run.source) {
                case BYTES -> spaces.write(run.space, run.address, payload);
                case ZERO -> spaces.punch(run.space, run.address, run.runBytes());
                case SAME_AS -> spaces.copy(run.sameAs, run.space, run.address, run.runBytes());
            }
        });
    }

    /** As {@link #pages}, for a run that comes in another form: decoded, it is kept as any other. */
    void encodedPages(FrameHeader run, ByteBuffer payload, BooleanSupplier older) {
        ReplicaState.Receiving receiving = receiving();
        if (run.codec.isBased() && (receiving.direct() || run.baseEpoch != receiving.sealed().epoch())) {
            throw FrameException.base(run.describeRun() + " builds on epoch " + run.baseEpoch + ", sealed here is "
                    + lastSealedEpoch());
        }
        guarded(() -> pages(run, decoder.decode(run, payload, spaces), older));
    }

    void part(ControlFrame.PartChunk chunk, int runningCrc, ByteBuffer payload, BooleanSupplier older) {
        receiving();
        guarded(() -> {
            charge(payload.remaining(), older);
            partBytes += payload.remaining();
            parts.add(chunk, runningCrc, payload);
        });
    }

    private void charge(long bytes, BooleanSupplier older) throws IOException {
        while (!account.charge(bytes)) {
            if (!older.getAsBoolean()) {
                throw account.refusal(bytes);
            }
        }
    }

    /** Seals and applies; the caller has compared the digests. */
    void seal(ControlFrame.Seal seal) {
        ReplicaState.Receiving receiving = receiving();
        Set<Long> ids = new HashSet<>();
        for (AddressSpace space : seal.spaces()) {
            if (space.id() <= 0 || !ids.add(space.id())) {
                throw FrameException.malformed("SEAL lists address space " + space.id() + " twice, or it is not greater than 0");
            }
        }
        Manifest manifest = new Manifest(
                receiving.epoch(), seal.isFinal(), seal.digest(), seal.spaces(), parts.complete());
        guarded(() -> {
            preparer.stop();
            for (AddressSpace space : manifest.spaces()) {
                spaces.file(space.id());
            }
            if (receiving.direct()) {
                checkpoints.reached("direct-complete");
                putInPlace(manifest);
                manifest.write(sealedMarker());
                checkpoints.reached("direct-sealed");
                sealedNow(manifest);
            } else {
                staging.complete();
                checkpoints.reached("journal-complete");
                manifest.write(sealingMarker());
                become(new ReplicaState.Sealing(manifest), "all received");
                checkpoints.reached("sealing");
                apply(manifest);
            }
        });
    }

    private void apply(Manifest manifest) throws IOException {
        staging.apply(spaces, checkpoints);
        checkpoints.reached("runs-applied");
        putInPlace(manifest);
        Files.move(sealingMarker(), sealedMarker(), StandardCopyOption.ATOMIC_MOVE);
        checkpoints.reached("sealed");
        sealedNow(manifest);
    }

    private void putInPlace(Manifest manifest) throws IOException {
        spaces.drop(manifest::lists);
        checkpoints.reached("spaces-dropped");
        PartFiles.putInPlace(staging.parts(), directory.resolve("parts"), checkpoints);
    }

    private void sealedNow(Manifest manifest) throws IOException {
        parts = null;
        staging.reset();
        become(new ReplicaState.Sealed(manifest), manifest.isFinal() ? "final epoch applied" : "epoch applied");
        account.measure();
    }

    /** Forgets a half-received epoch. */
    void abandon(String why) {
        preparer.stop();
        if (!(state instanceof ReplicaState.Receiving receiving)) {
            return;
        }
        guarded(() -> {
            parts.close();
            parts = null;
            if (receiving.direct()) {
                closeFiles();
                Trees.delete(directory);
                Files.createDirectories(directory);
                spaces = new SpaceFiles(directory);
                become(new ReplicaState.Empty(), why);
            } else {
                spaces.discard(receiving.sealed()::lists);
                Trees.delete(staging.parts());
                staging.discard(spaces);
                become(new ReplicaState.Sealed(receiving.sealed()), why);
            }
            account.measure();
        });
    }

    /** Gives all memory back; that of a final replica when whoever serves a copy from it has closed its files, too. */
    void drop(String why) {
        preparer.stop();
        boolean served = holdsFinal();
        guarded(() -> {
            // without the markers a crash in the middle leaves something that is thrown away at the next start
            Files.deleteIfExists(sealedMarker());
            Files.deleteIfExists(sealingMarker());
            become(new ReplicaState.Dropped(), why);
            if (!served) {
                spaces.giveBack();
            }
            closeFiles();
            Trees.delete(directory);
        });
        account.release();
    }

    /** Closes the files and leaves them as they are. */
    void close() throws IOException {
        preparer.stop();
        closeFiles();
    }

    private void closeFiles() throws IOException {
        if (parts != null) {
            parts.close();
        }
        if (staging != null) {
            staging.close();
            staging = null;
        }
        spaces.close();
        decoder.close();
    }

    private ReplicaState.Receiving receiving() {
        if (state instanceof ReplicaState.Receiving r) {
            return r;
        }
        throw FrameException.malformed("No epoch of " + workload + " has begun");
    }

    private void become(ReplicaState next, String why) {
        LOG.debugf("Replica of %s, generation %d: %s -> %s (%s)", workload, generation, state, next, why);
        state = next;
        Manifest manifest = manifest();
        partBytes = manifest == null ? 0 : manifest.parts().stream().mapToLong(Part::getSize).sum();
    }

    private long allocatedBytes() throws IOException {
        return spaces.allocatedBytes() + (staging == null ? 0 : staging.allocatedBytes()) + partBytes;
    }

    private Path sealedMarker() {
        return directory.resolve("sealed");
    }

    private Path sealingMarker() {
        return directory.resolve("sealing");
    }

    private Path stagingDirectory() {
        return directory.resolve("staging");
    }

    private interface FileWork {
        void run() throws IOException;
    }

    private void guarded(FileWork work) {
        try {
            work.run();
        } catch (SparseFile.NoSpaceException e) {
            throw budget.fileSystemFull(e);
        } catch (IOException e) {
            if (e.getMessage() != null && e.getMessage().contains("No space left on device")) {
                throw budget.fileSystemFull(e);
            }
            throw DecampException.retry(
                    "replica-io",
                    "Cannot read or write the replica of " + workload + " in " + directory,
                    "Look at the file system of that directory",
                    e);
        }
    }
}
