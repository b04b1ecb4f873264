package io.decamp.contracts.port;

import io.decamp.contracts.id.NodeId;
import io.decamp.contracts.v1.NodeAnnounced;
import java.util.List;
import java.util.Optional;

/** Who is there and how it is reached, as announced in topic {@code nodes}. */
public interface NodeDirectory {
    Optional<NodeAnnounced> find(NodeId node);

    /** All that have announced themselves, this node included. */
    List<NodeId> all();
}
