package io.decamp.requesters.rebalance;

import static org.junit.jupiter.api.Assertions.assertEquals;

import com.google.protobuf.Message;
import io.decamp.contracts.event.Event;
import io.decamp.contracts.event.EventHeader;
import io.decamp.contracts.event.EventType;
import io.decamp.contracts.v1.MigrationFailed;
import io.decamp.contracts.v1.MigrationProgress;
import io.decamp.contracts.v1.MigrationRequested;
import io.decamp.contracts.v1.Restored;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.Set;
import org.junit.jupiter.api.Test;

class OpenRequestsTest {
    private static final Instant NOW = Instant.parse("2026-01-01T00:00:00Z");

    private final OpenRequests requests = new OpenRequests(Clock.fixed(NOW, ZoneOffset.UTC));

    private static <T extends Message> Event<T> event(EventType<T> type, String id, Duration ago, T data) {
        return new Event<>(type, new EventHeader(id, "/test", type.ceType(), NOW.minus(ago)), data);
    }

    private void asked(String id, String workload, Duration ago) {
        requests.requested(event(
                EventType.MIGRATION_REQUESTED,
                id,
                ago,
                MigrationRequested.newBuilder().setWorkload(workload).setNode("alpha").build()));
    }

    private void failed(String id, String code) {
        requests.failed(event(
                EventType.MIGRATION_FAILED,
                "f",
                Duration.ZERO,
                MigrationFailed.newBuilder().setMigration(id).setCode(code).build()));
    }

    @Test
    void shouldHoldWhatWasAskedAMomentAgo() {
        asked("m1", "pid:17", Duration.ofSeconds(5));

        assertEquals(Set.of("pid:17@alpha"), requests.workloads());
    }

    @Test
    void shouldForgetWhatNobodyTookUpInTime() {
        asked("m1", "runc:a", Duration.ofSeconds(61));

        assertEquals(Set.of(), requests.workloads());
    }

    @Test
    void shouldHoldAnOldRequestThatIsBeingWorkedOn() {
        asked("m1", "runc:a", Duration.ofMinutes(5));
        requests.progress(event(
                EventType.MIGRATION_PROGRESS,
                "p",
                Duration.ofSeconds(1),
                MigrationProgress.newBuilder().setMigration("m1").setWorkload("runc:a").build()));

        assertEquals(Set.of("runc:a"), requests.workloads());
    }

    @Test
    void shouldForgetWhatHasEndedInWhateverOrderThatIsRead() {
        requests.restored(event(
                EventType.RESTORED, "r", Duration.ZERO, Restored.newBuilder().setMigration("m1").build()));
        asked("m1", "runc:a", Duration.ofSeconds(1));
        asked("m2", "runc:b", Duration.ofSeconds(1));
        failed("m2", "destination-full");

        assertEquals(Set.of(), requests.workloads());
    }

    @Test
    void shouldHoldWhatIsFrozenStill() {
        asked("m1", "runc:a", Duration.ofSeconds(1));
        failed("m1", "still-frozen");

        assertEquals(Set.of("runc:a"), requests.workloads());
    }
}
