package io.decamp.requesters.rebalance;

/**
 * A node as the plan sees it.
 *
 * @param memoryBytes of the machine
 * @param loadBytes what is to be evened out
 * @param roomBytes available for processes and replicas beyond the reserve
 * @param replicaRoomBytes of it, what replicas may still take
 */
public record Node(String name, long memoryBytes, long loadBytes, long roomBytes, long replicaRoomBytes) {
    public Node {
        if (memoryBytes <= 0) {
            throw new IllegalArgumentException(name + " has " + memoryBytes + " bytes of memory");
        }
    }

    double fill() {
        return (double) loadBytes / memoryBytes;
    }
}
