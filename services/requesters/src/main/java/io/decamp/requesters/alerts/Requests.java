package io.decamp.requesters.alerts;

import io.decamp.contracts.v1.MigrationRequested;
import java.util.Set;
import java.util.concurrent.CompletableFuture;

/** What the intake needs of the topics. */
interface Requests {
    /** Names of the nodes that have announced themselves. */
    Set<String> nodes();

    /** Whether a request with this id is on the topic already, whoever wrote it. */
    boolean isThere(String id);

    /**
     * Asks.
     *
     * @return completes when the brokers have acknowledged it; exceptionally, with a {@code DecampException}, when it
     *     was given up
     */
    CompletableFuture<Void> ask(String id, MigrationRequested request);
}
