package io.decamp.requesters.alerts;

import io.decamp.contracts.v1.MigrationRequested;

/** What an alert comes to, when it can be understood. */
sealed interface Verdict {
    /** @param id {@code ce_id}: the same for every notification of the same occurrence */
    record Ask(String id, MigrationRequested request) implements Verdict {}

    /** @param why for people */
    record Nothing(String why) implements Verdict {}
}
