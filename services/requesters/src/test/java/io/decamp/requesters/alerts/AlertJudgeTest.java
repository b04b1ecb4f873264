package io.decamp.requesters.alerts;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.decamp.contracts.error.DecampException;
import io.decamp.contracts.id.NodeId;
import io.decamp.contracts.v1.MigrationRequested;
import io.decamp.contracts.v1.Reason;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.HashMap;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class AlertJudgeTest {
    private static final Instant START = Instant.parse("2026-01-31T12:00:00Z");
    private static final Instant NOW = START.plusSeconds(30);
    private static final Set<String> NODES = Set.of("alpha", "beta");
    private static final AlertPolicy DEFAULTS = AlertPolicy.defaults();

    private static Verdict judge(AlertPolicy policy, String... labels) {
        Map<String, String> map = new HashMap<>();
        for (int i = 0; i < labels.length; i += 2) {
            map.put(labels[i], labels[i + 1]);
        }
        Map<String, String> annotations =
                map.containsKey("summary") ? Map.of("summary", map.remove("summary")) : Map.of();
        return new AlertJudge(policy, Clock.fixed(NOW, ZoneOffset.UTC))
                .judge(new Alert("abc", true, START, map, annotations), NODES);
    }

    private static MigrationRequested asked(AlertPolicy policy, String... labels) {
        return assertInstanceOf(Verdict.Ask.class, judge(policy, labels)).request();
    }

    private static DecampException refusal(AlertPolicy policy, String... labels) {
        return assertThrows(DecampException.class, () -> judge(policy, labels));
    }

    private static AlertPolicy atLeast(double probability) {
        return new AlertPolicy("decamp_probability", probability, Duration.ofSeconds(60), Map.of());
    }

    private static AlertPolicy mapping(String instance, String node) {
        return new AlertPolicy("decamp_probability", 0, Duration.ofSeconds(60), Map.of(instance, new NodeId(node)));
    }

    @Test
    void shouldAskForAllOfTheNodeWhenNoWorkloadIsNamed() {
        MigrationRequested request = asked(
                DEFAULTS, "alertname", "MemoryWillFail", "decamp_node", "alpha", "decamp_probability", "0.93",
                "decamp_lead_time", "2h", "summary", "412 corrected errors");

        assertEquals(
                MigrationRequested.newBuilder()
                        .setNode("alpha")
                        .setReason(Reason.FAILURE_PREDICTED)
                        .setProbability(0.93)
                        .setDeadlineUnixMillis(START.plusSeconds(7200).toEpochMilli())
                        .setValidUntilUnixMillis(NOW.plusSeconds(60).toEpochMilli())
                        .setNote("MemoryWillFail: 412 corrected errors")
                        .build(),
                request);
    }

    @ParameterizedTest
    @CsvSource({"runc:redis,runc:redis", "pid:17,pid:17@alpha", "pid:17@beta,pid:17@beta"})
    void shouldAskForTheWorkloadThatIsNamed(String label, String expected) {
        assertEquals(expected, asked(DEFAULTS, "decamp_node", "alpha", "decamp_workload", label).getWorkload());
    }

    @Test
    void shouldGiveEveryNotificationOfAnOccurrenceTheSameIdAndEachOccurrenceItsOwn() {
        Alert first = new Alert("abc", true, START, Map.of(), Map.of());
        Alert again = new Alert("abc", true, START, Map.of(), Map.of("summary", "still so"));
        Alert later = new Alert("abc", true, START.plusMillis(1), Map.of(), Map.of());

        assertEquals(AlertJudge.id(first), AlertJudge.id(again));
        assertTrue(!AlertJudge.id(first).equals(AlertJudge.id(later)));
    }

    @Test
    void shouldAskForNothingWhenAnAlertIsResolved() {
        Alert resolved = new Alert("abc", false, START, Map.of("decamp_node", "alpha"), Map.of());

        Verdict verdict = new AlertJudge(DEFAULTS, Clock.fixed(NOW, ZoneOffset.UTC)).judge(resolved, NODES);

        assertInstanceOf(Verdict.Nothing.class, verdict);
    }

    @ParameterizedTest
    @ValueSource(strings = {"alertname", "instance", "decamp_probability", "decamp_workload"})
    void shouldMoveNothingByAnAlertThatIsNoFailurePrediction(String label) {
        assertInstanceOf(Verdict.Nothing.class, judge(DEFAULTS, label, "alpha"));
    }

    @ParameterizedTest
    @ValueSource(strings = {"alpha", "alpha:9100"})
    void shouldTakeTheHostOfAnInstanceForTheNodeOfThatName(String instance) {
        assertEquals("alpha", asked(DEFAULTS, "decamp", "failure-predicted", "instance", instance).getNode());
    }

    @ParameterizedTest
    @CsvSource({"10.1.2.3:9100,10.1.2.3:9100", "10.1.2.3,10.1.2.3:9100", "10.1.2.3,10.1.2.3", "fd00::1,[fd00::1]:9100"})
    void shouldMapInstancesToNodes(String mapped, String instance) {
        assertEquals(
                "beta", asked(mapping(mapped, "beta"), "decamp", "failure-predicted", "instance", instance).getNode());
    }

    @Test
    void shouldRefuseANodeThatNobodyHasHeardOf() {
        DecampException refusal = refusal(DEFAULTS, "decamp_node", "gamma");

        assertEquals("unknown-node", refusal.code());
        assertTrue(refusal.getMessage().contains("gamma"), refusal::getMessage);
    }

    @Test
    void shouldRefuseAnInstanceThatIsNoNodes() {
        DecampException refusal = refusal(DEFAULTS, "decamp", "failure-predicted", "instance", "10.1.2.3:9100");

        assertEquals("unknown-node", refusal.code());
        assertTrue(refusal.advice().contains("--map 10.1.2.3=NODE"), refusal::advice);
    }

    @Test
    void shouldRefuseAPredictionAboutNoNodeAtAll() {
        assertEquals("alert-malformed", refusal(DEFAULTS, "decamp", "failure-predicted").code());
    }

    @ParameterizedTest
    @CsvSource({"decamp_node,a b,bad-node", "decamp_workload,docker:x,bad-workload"})
    void shouldRefuseNamesThatAreNone(String label, String value, String code) {
        assertEquals(code, refusal(DEFAULTS, "decamp_node", "alpha", label, value).code());
    }

    @ParameterizedTest
    @CsvSource({"0.93,0.93", "93%,0.93", "93 %,0.93", "1,1", "9.3e-01,0.93", "0,0"})
    void shouldReadProbabilities(String text, double expected) {
        assertEquals(
                expected,
                asked(DEFAULTS, "decamp_node", "alpha", "decamp_probability", text).getProbability(),
                1e-12);
    }

    @ParameterizedTest
    @ValueSource(strings = {"likely", "93", "-0.1", "1.01", "NaN", "+Inf", "101%", "0x1p-1", "0.5f", "{{ $value }}"})
    void shouldRefuseAProbabilityThatIsNone(String text) {
        DecampException refusal = refusal(DEFAULTS, "decamp_node", "alpha", "decamp_probability", text);

        assertEquals("alert-malformed", refusal.code());
        assertTrue(refusal.getMessage().contains(text), refusal::getMessage);
    }

    @Test
    void shouldAskForNothingBelowTheLeastProbability() {
        assertInstanceOf(
                Verdict.Nothing.class, judge(atLeast(0.8), "decamp_node", "alpha", "decamp_probability", "0.79"));
        assertInstanceOf(Verdict.Ask.class, judge(atLeast(0.8), "decamp_node", "alpha", "decamp_probability", "0.8"));
    }

    @Test
    void shouldRefuseAnAlertWithoutAProbabilityWhenOneIsAskedFor() {
        assertEquals("alert-malformed", refusal(atLeast(0.8), "decamp_node", "alpha").code());
    }

    @ParameterizedTest
    @ValueSource(strings = {"soon", "-2h", "1.5h"})
    void shouldRefuseALeadTimeThatIsNone(String text) {
        DecampException refusal = refusal(DEFAULTS, "decamp_node", "alpha", "decamp_lead_time", text);

        assertEquals("alert-malformed", refusal.code());
        assertTrue(refusal.getMessage().contains(text), refusal::getMessage);
    }

    @Test
    void shouldPassOnNoDeadlineThatHasPassed() {
        assertEquals(0, asked(DEFAULTS, "decamp_node", "alpha", "decamp_lead_time", "10s").getDeadlineUnixMillis());
    }

    @ParameterizedTest
    @ValueSource(doubles = {-0.1, 1.1, Double.NaN})
    void shouldRefuseALeastProbabilityThatIsNone(double probability) {
        assertEquals("bad-option", assertThrows(DecampException.class, () -> atLeast(probability)).code());
    }
}
