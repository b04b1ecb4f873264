package io.decamp.coordinator.engine;

import java.nio.charset.StandardCharsets;
import java.util.UUID;

/** Ids of the requests that an evacuation makes: every coordinator gives the same request the same id. */
final class Requests {
    private Requests() {}

    /** @param attempt from 1 */
    static String id(String evacuation, String workload, int attempt) {
        // neither an event id of ours nor a workload has a blank
        String name = evacuation + " " + workload + " " + attempt;
        return UUID.nameUUIDFromBytes(name.getBytes(StandardCharsets.UTF_8)).toString();
    }

    /** Which attempt an id stands for; 0 for none of them. */
    static int attemptOf(String evacuation, String workload, String id, int attempts) {
        for (int attempt = 1; attempt <= attempts; attempt++) {
            if (id(evacuation, workload, attempt).equals(id)) {
                return attempt;
            }
        }
        return 0;
    }
}
