package io.decamp.requesters.alerts;

import java.nio.charset.StandardCharsets;

/** Bodies as Alertmanager 0.25 posts them. */
final class Notifications {
    static final String STARTED = "2026-01-31T12:00:00.5Z";
    static final long STARTED_MILLIS = 1_769_860_800_500L;

    private Notifications() {}

    static byte[] of(String... alerts) {
        return """
                {"receiver":"decamp","status":"firing","alerts":[%s],
                 "groupLabels":{"alertname":"MemoryWillFail"},"commonLabels":{},"commonAnnotations":{},
                 "externalURL":"http://monitoring.example:9093","version":"4","groupKey":"{}:{}","truncatedAlerts":0}
                """
                .formatted(String.join(",", alerts))
                .getBytes(StandardCharsets.UTF_8);
    }

    /** @param labels name, value, name, value... */
    static String firing(String fingerprint, String... labels) {
        return alert("firing", fingerprint, STARTED, "{}", labels);
    }

    static String resolved(String fingerprint, String... labels) {
        return alert("resolved", fingerprint, STARTED, "{}", labels);
    }

    static String alert(String status, String fingerprint, String startsAt, String annotations, String... labels) {
        StringBuilder pairs = new StringBuilder();
        for (int i = 0; i < labels.length; i += 2) {
            pairs.append(i == 0 ? "" : ",").append("\"%s\":\"%s\"".formatted(labels[i], labels[i + 1]));
        }
        return """
                {"status":"%s","labels":{%s},"annotations":%s,"startsAt":"%s","endsAt":"0001-01-01T00:00:00Z",
                 "generatorURL":"http://prometheus.example/graph","fingerprint":"%s"}"""
                .formatted(status, pairs, annotations, startsAt, fingerprint);
    }
}
