package io.decamp.requesters.alerts;

import java.time.Instant;
import java.util.Map;

/**
 * One alert of a notification.
 *
 * @param fingerprint Alertmanager's hash of the labels: the same as long as it is the same alert
 * @param firing else it is resolved
 * @param startsAt when it began to fire; with the fingerprint it names this one occurrence
 */
record Alert(
        String fingerprint,
        boolean firing,
        Instant startsAt,
        Map<String, String> labels,
        Map<String, String> annotations) {

    Alert {
        labels = Map.copyOf(labels);
        annotations = Map.copyOf(annotations);
    }

    /** A label, else the annotation of that name, stripped; null when there is neither, or only blanks. */
    String said(String name) {
        String text = labels.getOrDefault(name, annotations.get(name));
        return text == null || text.isBlank() ? null : text.strip();
    }

    /** For people: its name and what tells it from others. */
    @Override
    public String toString() {
        return labels.getOrDefault("alertname", "alert") + " (" + fingerprint + ")";
    }
}
