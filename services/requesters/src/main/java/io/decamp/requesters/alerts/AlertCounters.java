package io.decamp.requesters.alerts;

import java.util.concurrent.atomic.AtomicLong;

/** What came of all that was received, since the start, in the text format of Prometheus. For many threads. */
final class AlertCounters {
    private final AtomicLong asked = new AtomicLong();
    private final AtomicLong known = new AtomicLong();
    private final AtomicLong ignored = new AtomicLong();
    private final AtomicLong refused = new AtomicLong();
    private final AtomicLong unreadable = new AtomicLong();
    private final AtomicLong unavailable = new AtomicLong();

    void asked() {
        asked.incrementAndGet();
    }

    void known(int alerts) {
        known.addAndGet(alerts);
    }

    void ignored(int alerts) {
        ignored.addAndGet(alerts);
    }

    void refused(int alerts) {
        refused.addAndGet(alerts);
    }

    void unreadable() {
        unreadable.incrementAndGet();
    }

    void unavailable() {
        unavailable.incrementAndGet();
    }

    String toText() {
        return """
                # HELP decamp_alerts_total Alerts received, by what they came to.
                # TYPE decamp_alerts_total counter
                decamp_alerts_total{outcome="asked"} %d
                decamp_alerts_total{outcome="known"} %d
                decamp_alerts_total{outcome="ignored"} %d
                decamp_alerts_total{outcome="refused"} %d
                # HELP decamp_alert_notifications_failed_total Notifications answered with an error as a whole.
                # TYPE decamp_alert_notifications_failed_total counter
                decamp_alert_notifications_failed_total{reason="unreadable"} %d
                decamp_alert_notifications_failed_total{reason="broker"} %d
                """
                .formatted(
                        asked.get(), known.get(), ignored.get(), refused.get(), unreadable.get(), unavailable.get());
    }
}
