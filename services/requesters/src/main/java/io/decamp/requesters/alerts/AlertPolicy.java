package io.decamp.requesters.alerts;

import io.decamp.contracts.error.DecampException;
import io.decamp.contracts.id.NodeId;
import java.time.Duration;
import java.util.Map;

/**
 * What an alert must say, and what is made of it.
 *
 * @param probabilityName label or annotation that holds the probability of the failure
 * @param minProbability below it nothing is asked for, 0..1; above 0 an alert must name its probability
 * @param validFor how long a request holds from the moment it is made
 * @param nodesByInstance which node an {@code instance} is: {@code host:port} or {@code host}
 */
public record AlertPolicy(
        String probabilityName, double minProbability, Duration validFor, Map<String, NodeId> nodesByInstance) {
    public static final String DEFAULT_PROBABILITY_NAME = "decamp_probability";
    /** What a node takes for a request that names no end. */
    public static final Duration DEFAULT_VALID_FOR = Duration.ofSeconds(60);

    public AlertPolicy {
        nodesByInstance = Map.copyOf(nodesByInstance);
        if (!(minProbability >= 0 && minProbability <= 1)) {
            throw DecampException.refused(
                    "bad-option", "A probability of " + minProbability + " is none", "Give a number from 0 to 1");
        }
        if (validFor.compareTo(Duration.ofSeconds(1)) < 0 || validFor.compareTo(Duration.ofDays(1)) > 0) {
            throw DecampException.refused(
                    "bad-option",
                    "Requests that are valid for " + validFor.toMillis() + " ms are of no use",
                    "Give from 1s to 1d: a request that comes late must not move a healthy copy");
        }
    }

    /** Takes every alert that names its node. */
    public static AlertPolicy defaults() {
        return new AlertPolicy(DEFAULT_PROBABILITY_NAME, 0, DEFAULT_VALID_FOR, Map.of());
    }
}
