package io.decamp.restorer.engine.lazy;

import io.decamp.contracts.error.DecampException;
import io.decamp.linux.abi.FileAbi;
import io.decamp.linux.fd.FileDescriptor;
import io.decamp.linux.pid.ProcessIdentity;
import io.decamp.linux.socket.Received;
import io.decamp.linux.socket.UnixSocket;
import io.decamp.linux.spawn.Keeper;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Consumer;
import org.jboss.logging.Logger;

/**
 * Keeps userfaultfds alive when this process dies: without, whoever waits for a page would go on with zeros.
 *
 * <p>A keeper is a process that sleeps and holds both ends of a socket pair. Descriptors are sent into the pair and
 * never received: while they lie in the queue, the kernel keeps them open. Storing one costs a sendmsg, so it can come
 * before anything else is done with it; starting a process for each would take milliseconds in which it could be lost.
 *
 * <p>One thread at a time.
 */
final class UffdVault implements AutoCloseable {
    /**
     * Which userfaultfd it is. For a child of a fork, {@code parent}, {@code generation} and {@code message} name the
     * message that brought it; else they are 0.
     */
    record Tag(int space, int parent, long generation, int message) {
        private static final int BYTES = 3 * Integer.BYTES + Long.BYTES;

        byte[] encode() {
            return ByteBuffer.allocate(BYTES)
                    .putInt(space)
                    .putInt(parent)
                    .putLong(generation)
                    .putInt(message)
                    .array();
        }

        static Tag decode(byte[] bytes) {
            if (bytes.length != BYTES) {
                throw new IllegalArgumentException("a tag has " + BYTES + " bytes, not " + bytes.length);
            }
            ByteBuffer in = ByteBuffer.wrap(bytes);
            return new Tag(in.getInt(), in.getInt(), in.getLong(), in.getInt());
        }
    }

    /** What was found in a predecessor's keepers. */
    record Stored(Tag tag, FileDescriptor descriptor) {}

    /** A message takes about 800 bytes of a send buffer of 208 KiB (net.core.wmem_default); a full one would block. */
    private static final int DESCRIPTORS_PER_KEEPER = 128;

    private static final Logger LOG = Logger.getLogger(UffdVault.class);

    /** Spaces count from 1. */
    private static final Tag REHEARSAL = new Tag(0, 0, 0, 0);

    /** Numbers of the pair's ends in the keeper. */
    private static final int KEEPER_IN = 3;

    private static final int KEEPER_OUT = 4;

    private final Consumer<List<ProcessIdentity>> record;
    private final List<Keeper> keepers = new ArrayList<>();
    private UnixSocket in;
    private int stored;

    /** @param record writes down who the keepers are, before anything is stored in a new one */
    UffdVault(Consumer<List<ProcessIdentity>> record) {
        this.record = record;
    }

    /** Starts a keeper ahead of the next {@link #put}, if that would have to. */
    void warm() {
        if (in != null && stored < DESCRIPTORS_PER_KEEPER) {
            return;
        }
        UnixSocket.Pair pair = UnixSocket.pair(UnixSocket.Type.SEQPACKET);
        try (UnixSocket out = pair.second()) {
            Keeper keeper = Keeper.start(
                    Map.of(KEEPER_IN, pair.first().descriptor(), KEEPER_OUT, out.descriptor()));
            keepers.add(keeper);
            if (!keeper.isSafeFromOom()) {
                LOG.warnf("Keeper %d is not exempt from the out-of-memory killer", keeper.record().pid());
            }
        }
        record();
        closeIn();
        in = pair.first();
        // loads what put needs: the first fork would else take a hundred times as long to be safe
        try (FileDescriptor anything = FileDescriptor.open("/dev/null", FileAbi.O_RDONLY, 0)) {
            in.send(REHEARSAL.encode(), List.of(anything));
        }
        stored = 1;
    }

    private void record() {
        record.accept(keepers.stream()
                .map(Keeper::record)
                .map(keeper -> new ProcessIdentity(keeper.pid(), keeper.startTicks()))
                .toList());
    }

    /** Returns when the descriptor no longer depends on this process. */
    void put(Tag tag, FileDescriptor descriptor) {
        warm();
        in.send(tag.encode(), List.of(descriptor));
        stored++;
    }

    /**
     * Takes over what predecessors have stored, and ends them. Each descriptor is stored here as soon as it has left
     * there; should this process die in between, the journal of its space tells that it is missing.
     *
     * @throws DecampException {@code lazy-keeper-died}
     */
    List<Stored> adopt(List<ProcessIdentity> predecessors) {
        List<Keeper> old = predecessors.stream().map(UffdVault::find).toList();
        List<Stored> all = new ArrayList<>();
        keepers.addAll(old);
        warm();
        for (Keeper keeper : old) {
            drain(keeper, all);
        }
        keepers.removeAll(old);
        record();
        for (Keeper keeper : old) {
            keeper.stop();
            keeper.close();
        }
        return all;
    }

    private void drain(Keeper keeper, List<Stored> all) {
        try (UnixSocket queue = UnixSocket.of(keeper.fetch(KEEPER_OUT), UnixSocket.Type.SEQPACKET)) {
            while (queue.awaitReadable(Duration.ZERO)) {
                Received received = queue.receive(Tag.BYTES, 1);
                Stored one = new Stored(
                        Tag.decode(received.bytes()), received.descriptors().getFirst());
                if (one.tag().equals(REHEARSAL)) {
                    one.descriptor().close();
                } else {
                    put(one.tag(), one.descriptor());
                    all.add(one);
                }
            }
        }
    }

    private static Keeper find(ProcessIdentity keeper) {
        return Keeper.find(new Keeper.Record(keeper.pid(), keeper.startTicks(), Set.of(KEEPER_IN, KEEPER_OUT)))
                .orElseThrow(() -> DecampException.fatal(
                        "lazy-keeper-died",
                        "Process " + keeper.pid() + ", which kept the copy's page-fault descriptors, is gone",
                        "Keep the copy frozen and restore it anew from its replica",
                        null));
    }

    /** Ends the keepers: what was stored is open only where else it is. */
    void end() {
        keepers.forEach(Keeper::stop);
        close();
    }

    /** Leaves the keepers to a successor. */
    @Override
    public void close() {
        closeIn();
        keepers.forEach(Keeper::close);
        keepers.clear();
    }

    private void closeIn() {
        if (in != null) {
            in.close();
            in = null;
        }
    }
}
