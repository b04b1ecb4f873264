package io.decamp.transfer.engine.replica;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * How much memory replicas may take.
 *
 * @param nodeBytes of all workloads together; what the node's own containers need must stay free
 * @param workloadBytes of one workload, so that a growing one cannot take the room of all others
 */
public record ReplicaLimits(long nodeBytes, long workloadBytes) {
    public ReplicaLimits {
        if (nodeBytes <= 0 || workloadBytes <= 0) {
            throw new IllegalArgumentException("limits must be positive: " + nodeBytes + ", " + workloadBytes);
        }
    }

    /** Half of the memory that is available now, for one workload as for all. */
    public static ReplicaLimits halfOfFreeMemory() throws IOException {
        long half = availableBytes(Path.of("/proc/meminfo")) / 2;
        return new ReplicaLimits(half, half);
    }

    static long availableBytes(Path meminfo) throws IOException {
        for (String line : Files.readAllLines(meminfo)) {
            if (line.startsWith("MemAvailable:")) {
                return Long.parseLong(line.replaceAll("[^0-9]", "")) << 10;
            }
        }
        throw new IOException("no MemAvailable in " + meminfo);
    }
}
