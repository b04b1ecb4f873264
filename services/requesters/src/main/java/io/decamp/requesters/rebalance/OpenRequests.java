package io.decamp.requesters.rebalance;

import io.decamp.contracts.event.Event;
import io.decamp.contracts.event.MigrationFailedCodes;
import io.decamp.contracts.v1.EvictionMeasured;
import io.decamp.contracts.v1.MigrationFailed;
import io.decamp.contracts.v1.MigrationProgress;
import io.decamp.contracts.v1.MigrationRequested;
import io.decamp.contracts.v1.Restored;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;

/**
 * Which workloads somebody has asked to move, where no end was told yet. A request that nobody has taken up is over
 * when it is not valid any more. Topics come in any order, so an end may be read before its request. Thread-safe.
 */
final class OpenRequests {
    /** Of a request that names no end; see {@code RequestGate} of the snapshotter. */
    private static final Duration DEFAULT_VALIDITY = Duration.ofSeconds(60);
    /** A move that goes on tells its progress more often. */
    private static final Duration PROGRESS_WITHIN = Duration.ofSeconds(30);

    private record Open(String workload, Instant until) {}

    private final Clock clock;
    private final Map<String, Open> open = new HashMap<>();
    private final Set<String> ended = new HashSet<>();

    OpenRequests(Clock clock) {
        this.clock = clock;
    }

    void requested(Event<MigrationRequested> event) {
        MigrationRequested request = event.data();
        Instant until = request.getValidUntilUnixMillis() > 0
                ? Instant.ofEpochMilli(request.getValidUntilUnixMillis())
                : event.header().time().plus(DEFAULT_VALIDITY);
        boolean bare = !request.getWorkload().startsWith("runc:") && request.getWorkload().indexOf('@') < 0;
        String workload = request.getWorkload() + (bare ? "@" + request.getNode() : "");
        hold(event.header().id(), workload, until);
    }

    void progress(Event<MigrationProgress> event) {
        hold(event.data().getMigration(), event.data().getWorkload(), event.header().time().plus(PROGRESS_WITHIN));
    }

    void restored(Event<Restored> event) {
        end(event.data().getMigration());
    }

    void measured(Event<EvictionMeasured> event) {
        end(event.data().getMigration());
    }

    void failed(Event<MigrationFailed> event) {
        if (!event.data().getCode().equals(MigrationFailedCodes.STILL_FROZEN)) {
            end(event.data().getMigration());
        }
    }

    synchronized Set<String> workloads() {
        Instant now = clock.instant();
        Set<String> workloads = new HashSet<>();
        open.values().stream().filter(o -> o.until().isAfter(now)).forEach(o -> workloads.add(o.workload()));
        return workloads;
    }

    private synchronized void hold(String migration, String workload, Instant until) {
        if (!ended.contains(migration)) {
            open.merge(migration, new Open(workload, until), (a, b) -> a.until().isAfter(b.until()) ? a : b);
        }
    }

    private synchronized void end(String migration) {
        ended.add(migration);
        open.remove(migration);
    }
}
