package io.decamp.coordinator.engine.plan;

import java.util.Arrays;
import java.util.List;
import java.util.TreeMap;

/**
 * The memory that is left on the nodes that a workload may go to. A workload whose replica is there needs room to run;
 * elsewhere it needs room for the replica too. One thread.
 */
public final class Rooms {
    /**
     * @param availableBytes for processes, as the kernel says
     * @param replicaBytes that replicas may still take
     */
    public record Room(String node, long availableBytes, long replicaBytes) {}

    private final String[] nodes;
    private final long[] available;
    private final long[] replica;

    private Rooms(String[] nodes, long[] available, long[] replica) {
        this.nodes = nodes;
        this.available = available;
        this.replica = replica;
    }

    /** @param rooms one for each node that is there; never the source */
    public static Rooms of(List<Room> rooms) {
        TreeMap<String, Room> sorted = new TreeMap<>();
        rooms.forEach(room -> sorted.put(room.node(), room));
        return new Rooms(
                sorted.keySet().toArray(String[]::new),
                sorted.values().stream().mapToLong(Room::availableBytes).toArray(),
                sorted.values().stream().mapToLong(Room::replicaBytes).toArray());
    }

    Rooms copy() {
        return new Rooms(nodes, available.clone(), replica.clone());
    }

    /**
     * Takes the room that a workload needs: on the node that it must go to, else on its standby, else where most is
     * left.
     *
     * @return the node, null when there is no room
     */
    String take(Candidate c) {
        int chosen = choose(c);
        if (chosen < 0) {
            return null;
        }
        available[chosen] -= c.bytes();
        if (!nodes[chosen].equals(c.standby())) {
            replica[chosen] -= c.bytes();
        }
        return nodes[chosen];
    }

    private int choose(Candidate c) {
        if (!c.wanted().isEmpty()) {
            int wanted = indexOf(c.wanted());
            return wanted >= 0 && roomFor(wanted, c) >= c.bytes() ? wanted : -1;
        }
        int standby = indexOf(c.standby());
        return standby >= 0 && roomFor(standby, c) >= c.bytes() ? standby : roomiest(c);
    }

    /** By name where it makes no difference, so that every coordinator finds the same. */
    private int roomiest(Candidate c) {
        int best = -1;
        for (int i = 0; i < nodes.length; i++) {
            long room = roomFor(i, c);
            if (room >= c.bytes() && (best < 0 || room > roomFor(best, c))) {
                best = i;
            }
        }
        return best;
    }

    /** Negative where it may not go: nothing fits there, not even what needs no memory. */
    private long roomFor(int node, Candidate c) {
        if (c.avoided().contains(nodes[node])) {
            return -1;
        }
        return nodes[node].equals(c.standby()) ? available[node] : Math.min(available[node], replica[node]);
    }

    private int indexOf(String node) {
        return node.isEmpty() ? -1 : Arrays.binarySearch(nodes, node);
    }
}
