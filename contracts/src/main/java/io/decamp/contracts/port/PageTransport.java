package io.decamp.contracts.port;

import io.decamp.contracts.id.NodeId;
import io.decamp.contracts.id.WorkloadId;
import io.decamp.contracts.page.AddressSpace;
import io.decamp.contracts.page.PageRuns;
import io.decamp.contracts.v1.Part;
import io.decamp.contracts.v1.WireSavings;
import java.nio.file.Path;
import java.util.List;

/** The sending half of the page stream. */
public interface PageTransport {
    /** Where a replica is kept and how fast it may be reached; {@code bandwidthBytesPerSecond} 0 means no cap. */
    record Target(NodeId source, NodeId destination, String dataAddress, long bandwidthBytesPerSecond) {}

    /**
     * What a sealed epoch cost and is: {@code digest} is the SHA-256 of its manifest, computed by both ends; {@code
     * savings} says what did not have to go over the wire.
     */
    record Seal(byte[] digest, long wireBytes, List<Part> parts, WireSavings savings) {}

    /**
     * Connects (or connects again) for one workload.
     *
     * @throws io.decamp.contracts.error.DecampException {@code destination-unreachable}, {@code destination-full},
     *     {@code generation-stale}, {@code peer-not-trusted}
     */
    Session open(WorkloadId workload, long generation, Target target);

    /** One generation of one workload. Used by one thread at a time; may be closed by any. */
    interface Session extends AutoCloseable {
        /** Last epoch that the destination has sealed of this generation, 0 when none. */
        long lastSealedEpoch();

        /** A half-received epoch of the same number is forgotten. */
        void begin(long epoch);

        /**
         * Tells which pages the epoch will send, so that the destination gets memory ready ahead of them: fresh tmpfs pages
         * are slower than the network. A hint: it may be left out, be wrong or come late.
         */
        default void prepare(long epoch, PageRuns runs) {}

        /** Blocks while the peer or the bandwidth cap holds back. @return bytes on the wire */
        long send(long epoch, Segment segment);

        /** What the link gives, bytes a second, measured while it was the bottleneck; 0 until that could be told. */
        default long linkBytesPerSecond() {
            return 0;
        }

        /** @return bytes on the wire */
        long sendPart(long epoch, String name, Path file);

        /**
         * Returns when the destination has everything of the epoch and applied it.
         *
         * @param isFinal the epoch was taken frozen and its parts are complete
         */
        Seal seal(long epoch, boolean isFinal, List<AddressSpace> spaces);

        @Override
        void close();
    }
}
