package io.decamp.edge.kafka;

import static io.decamp.edge.kafka.BusFixture.ALPHA;
import static io.decamp.edge.kafka.BusFixture.LIMIT;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.decamp.contracts.event.TopicSettings;
import io.decamp.contracts.event.Topics;
import io.decamp.contracts.v1.Finding;
import io.decamp.contracts.v1.Severity;
import io.decamp.testkit.KafkaBroker;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.NewTopic;
import org.junit.jupiter.api.Test;

class TopicAdminTest {
    @Test
    void shouldCreateWhatIsMissingAndReportWhatIsTooWeak() throws Exception {
        try (KafkaBroker broker = KafkaBroker.start()) {
            Bus bus = BusFixture.bus(broker.bootstrap(), ALPHA);
            try (Admin admin = Admin.create(bus.settings().common("test"))) {
                NewTopic weak = new NewTopic(Topics.HANDOFF, 3, (short) 1).configs(Map.of("cleanup.policy", "compact"));
                admin.createTopics(List.of(weak)).all().get(30, TimeUnit.SECONDS);

                List<Finding> findings = new TopicAdmin(bus).ensure(LIMIT);

                assertEquals(
                        List.of("handoff-compacted", "handoff-expires"),
                        codes(findings.stream()
                                .filter(f -> f.getSeverity() == Severity.BLOCKER)
                                .toList()));
                assertEquals(
                        TopicSettings.all().size(),
                        admin.listTopics().names().get(30, TimeUnit.SECONDS).size());
            }
        }
    }

    @Test
    void shouldFindNothingWrongWithWhatItCreated() {
        try (KafkaBroker broker = KafkaBroker.start()) {
            TopicAdmin admin = new TopicAdmin(BusFixture.bus(broker.bootstrap(), ALPHA));
            admin.ensure(LIMIT);

            List<Finding> findings = admin.ensure(LIMIT);

            assertEquals(List.of("handoff-one-copy"), codes(findings));
        }
    }

    @Test
    void shouldReportARegisterThatAClusterKeepsOnce() {
        List<Finding> findings = TopicCheck.check(handoff(), facts(1, Map.of("min.insync.replicas", "1")), true);

        assertEquals(List.of("topic-too-few-replicas", "topic-acknowledged-by-one"), codes(findings));
        assertTrue(findings.stream().allMatch(f -> f.getSeverity() == Severity.BLOCKER));
    }

    @Test
    void shouldReportARegisterThatMayElectAnybody() {
        List<Finding> findings =
                TopicCheck.check(handoff(), facts(3, Map.of("unclean.leader.election.enable", "true")), true);

        assertEquals(List.of("handoff-unclean"), codes(findings));
    }

    @Test
    void shouldAcceptAClusterSetUpAsItShouldBe() {
        assertEquals(List.of(), TopicCheck.check(handoff(), facts(3, Map.of()), true));
    }

    private static TopicCheck.Facts facts(int replicas, Map<String, String> otherwise) {
        Map<String, String> config = new HashMap<>(handoff().configFor(true));
        config.putAll(otherwise);
        return new TopicCheck.Facts(1, replicas, config);
    }

    private static TopicSettings handoff() {
        return TopicSettings.all().stream()
                .filter(TopicSettings::isRegister)
                .findFirst()
                .orElseThrow();
    }

    private static List<String> codes(List<Finding> findings) {
        return findings.stream().map(Finding::getCode).toList();
    }
}
