package io.decamp.snapshotter.engine.model;

/**
 * What things cost for one workload at its present size.
 *
 * @param faultNanos one write fault of tracking, taken from the workload
 * @param scanMicros one scan
 * @param readBytesPerSecond copying out of the workload
 * @param sendBytesPerSecond what the way to the standby gives, payload
 * @param roundMicros a round that sends nothing, beside its scan: planning, a seal's round trip
 * @param wireShare bytes on the wire per byte of a page that was found written; what is saved makes it less than 1
 * @param fixedRoundsMicros from a request to the freeze beside sending: asking runtime and register
 * @param freezeMicros state capture
 * @param finalDeltaMicros last scan, state images and seal
 * @param handOffMicros restore and hand-off
 * @param downtimeShare downtime, as a share of freeze, final delta and hand-off
 */
public record Costs(
        long trackedBytes,
        double faultNanos,
        double scanMicros,
        double readBytesPerSecond,
        double sendBytesPerSecond,
        double roundMicros,
        double wireShare,
        double fixedRoundsMicros,
        double freezeMicros,
        double finalDeltaMicros,
        double handOffMicros,
        double downtimeShare) {

    /** Payload bytes a second of pages that go through reading and sending overlapped. */
    public double shippedBytesPerSecond() {
        return Math.min(readBytesPerSecond, sendBytesPerSecond / Math.max(wireShare, 0.01));
    }

    /** The same where the link gives another rate. */
    public Costs withLink(double bytesPerSecond) {
        return new Costs(
                trackedBytes,
                faultNanos,
                scanMicros,
                readBytesPerSecond,
                bytesPerSecond,
                roundMicros,
                wireShare,
                fixedRoundsMicros,
                freezeMicros,
                finalDeltaMicros,
                handOffMicros,
                downtimeShare);
    }
}
