package io.decamp.coordinator.engine;

import io.decamp.contracts.error.DecampException;
import io.decamp.contracts.id.NodeId;
import io.decamp.contracts.v1.Evacuation;
import io.decamp.contracts.v1.MigrationRequested;
import java.time.Duration;
import java.time.Instant;

/** Decides whether a node is to be emptied because somebody asked for it. */
final class EvacuationGate {
    /** As for the move of one workload: longer than a broker's restart, shorter than a change of mind. */
    private static final Duration DEFAULT_VALIDITY = Duration.ofSeconds(60);

    private final Fleet fleet;

    EvacuationGate(Fleet fleet) {
        this.fleet = fleet;
    }

    /**
     * @param id of the request, which becomes the evacuation's
     * @throws DecampException REFUSED: {@code request-expired}, {@code deadline-passed}, {@code unknown-node},
     *     {@code destination-is-source}, {@code destination-unknown}, {@code already-evacuating}, {@code
     *     dry-run-of-a-node}
     */
    Evacuation admit(String id, Instant saidAt, MigrationRequested request) {
        String node = new NodeId(request.getNode()).value();
        requireInTime(saidAt, request);
        if (request.getDryRun()) {
            throw DecampException.refused(
                    "dry-run-of-a-node",
                    "A dry run is of one workload, not of all of " + node,
                    "Ask for a dry run of each workload");
        }
        if (fleet.node(node).isEmpty()) {
            throw DecampException.refused(
                    "unknown-node", "No node " + node + " has announced itself", "Known: " + fleet.knownNodes());
        }
        requireDestination(node, request.getDestination());
        fleet.evacuationsUnderWay().stream()
                .filter(e -> e.getNode().equals(node))
                .findFirst()
                .ifPresent(other -> {
                    throw DecampException.refused(
                            "already-evacuating",
                            "Node " + node + " is being emptied already: evacuation " + other.getEvacuation(),
                            "Wait for its end");
                });
        return Evacuation.newBuilder()
                .setEvacuation(id)
                .setNode(node)
                .setRequestedUnixMillis(saidAt.toEpochMilli())
                .setDeadlineUnixMillis(request.getDeadlineUnixMillis())
                .setDestination(request.getDestination())
                .setReason(request.getReason())
                .build();
    }

    private void requireInTime(Instant saidAt, MigrationRequested request) {
        long now = fleet.nowMillis();
        long end = request.getValidUntilUnixMillis() > 0
                ? request.getValidUntilUnixMillis()
                : saidAt.plus(DEFAULT_VALIDITY).toEpochMilli();
        if (now > end) {
            throw DecampException.refused(
                    "request-expired",
                    "The request to empty " + request.getNode() + " was valid until " + Instant.ofEpochMilli(end),
                    "Ask again if the reason still holds");
        }
        if (request.getDeadlineUnixMillis() != 0 && request.getDeadlineUnixMillis() <= now) {
            throw DecampException.refused(
                    "deadline-passed",
                    "The deadline " + Instant.ofEpochMilli(request.getDeadlineUnixMillis()) + " for "
                            + request.getNode() + " is in the past",
                    "Ask with a deadline that is still to come, or with none");
        }
    }

    private void requireDestination(String node, String destination) {
        if (destination.equals(node)) {
            throw DecampException.refused(
                    "destination-is-source", "All of " + node + " is on " + node + " already", "Name another node");
        }
        if (!destination.isEmpty() && !fleet.isPresent(destination)) {
            throw DecampException.refused(
                    "destination-unknown",
                    "Node " + destination + " is not there",
                    "Start Decamp on it, or leave the choice to the coordinator");
        }
    }
}
