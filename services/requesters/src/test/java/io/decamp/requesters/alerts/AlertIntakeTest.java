package io.decamp.requesters.alerts;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.decamp.contracts.error.DecampException;
import io.decamp.contracts.v1.MigrationRequested;
import java.time.Clock;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

class AlertIntakeTest {
    private final FakeTopic topic = new FakeTopic();
    private final List<String> journal = new ArrayList<>();
    private final AlertCounters counters = new AlertCounters();
    private final AlertIntake intake = new AlertIntake(
            topic,
            AlertPolicy.defaults(),
            Clock.fixed(Instant.parse("2026-01-31T12:00:30Z"), ZoneOffset.UTC),
            counters,
            journal::add);

    private static final class FakeTopic implements Requests {
        private final Set<String> ids = new HashSet<>();
        private final List<MigrationRequested> written = new ArrayList<>();
        private CompletableFuture<Void> answer = CompletableFuture.completedFuture(null);
        private CountDownLatch reached = new CountDownLatch(1);

        @Override
        public Set<String> nodes() {
            return Set.of("alpha", "beta");
        }

        @Override
        public synchronized boolean isThere(String id) {
            return ids.contains(id);
        }

        @Override
        public synchronized CompletableFuture<Void> ask(String id, MigrationRequested request) {
            written.add(request);
            reached.countDown();
            return answer.thenRun(() -> ids.add(id));
        }

        void isAway() {
            answer = CompletableFuture.failedFuture(
                    DecampException.retry("broker-unreachable", "Nobody answered", "Start a broker", null));
        }
    }

    private static String about(String node, String fingerprint) {
        return Notifications.firing(fingerprint, "alertname", "MemoryWillFail", "decamp_node", node);
    }

    @Test
    void shouldAskOnceHoweverOftenAnOccurrenceIsTold() {
        intake.take(Notifications.of(about("alpha", "aa")));

        AlertIntake.Answer again = intake.take(Notifications.of(about("alpha", "aa")));

        assertEquals(200, again.status());
        assertEquals(1, again.known());
        assertEquals(1, topic.written.size());
    }

    @Test
    void shouldAskForEachFiringAlertOfANotification() {
        AlertIntake.Answer answer = intake.take(
                Notifications.of(
                        about("alpha", "aa"),
                        about("beta", "bb"),
                        Notifications.resolved("cc", "decamp_node", "alpha")));

        assertEquals(200, answer.status());
        assertEquals(List.of("alpha", "beta"), topic.written.stream().map(MigrationRequested::getNode).toList());
        assertEquals(1, answer.ignored());
    }

    @Test
    void shouldAskForTheGoodOnesAndNameTheBadOne() {
        AlertIntake.Answer answer = intake.take(Notifications.of(about("gamma", "aa"), about("beta", "bb")));

        assertEquals(422, answer.status());
        assertEquals("unknown-node", answer.refused().getFirst().code());
        assertEquals(1, topic.written.size());
        assertTrue(journal.getLast().contains("gamma"), journal::toString);
    }

    @Test
    void shouldMakeAlertmanagerTryAgainWhenNoBrokerAnswersAndAskThen() {
        topic.isAway();
        AlertIntake.Answer inVain = intake.take(Notifications.of(about("alpha", "aa"), about("beta", "bb")));
        assertEquals(503, inVain.status());
        assertEquals(1, topic.written.size(), "tried after the first had failed");
        topic.answer = CompletableFuture.completedFuture(null);

        AlertIntake.Answer answer = intake.take(Notifications.of(about("alpha", "aa"), about("beta", "bb")));

        assertEquals(200, answer.status());
        assertEquals(2, answer.asked().size());
    }

    @Test
    void shouldTryAgainRatherThanRefuseWhenBothAreDue() {
        topic.isAway();

        AlertIntake.Answer answer = intake.take(Notifications.of(about("gamma", "aa"), about("beta", "bb")));

        assertEquals(503, answer.status());
    }

    @Test
    void shouldNotAnswerBeforeTheBrokerHasAndNotAskTwiceMeanwhile() throws Exception {
        topic.answer = new CompletableFuture<>();
        var first = CompletableFuture.supplyAsync(() -> intake.take(Notifications.of(about("alpha", "aa"))));
        assertTrue(topic.reached.await(10, TimeUnit.SECONDS));

        var second = CompletableFuture.supplyAsync(() -> intake.take(Notifications.of(about("alpha", "aa"))));

        assertTrue(!first.isDone() && !second.isDone());
        topic.answer.complete(null);
        assertEquals(200, first.get(10, TimeUnit.SECONDS).status());
        assertEquals(200, second.get(10, TimeUnit.SECONDS).status());
        assertEquals(1, topic.written.size());
    }

    @Test
    void shouldRefuseAsAWholeWhatItCantRead() {
        AlertIntake.Answer answer = intake.take(new byte[] {(byte) 0x7b});

        assertEquals(400, answer.status());
        assertTrue(counters.toText().contains("failed_total{reason=\"unreadable\"} 1"), counters::toText);
    }
}
