package io.decamp.contracts.event;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.reflect.Field;
import java.util.HashSet;
import java.util.Set;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;

class TopicSettingsTest {
    @Test
    void shouldSetUpEveryTopicThereIs() throws IllegalAccessException {
        Set<Object> named = new HashSet<>();
        for (Field constant : Topics.class.getFields()) {
            named.add(constant.get(null));
        }

        Set<String> setUp =
                TopicSettings.all().stream().map(TopicSettings::topic).collect(Collectors.toSet());

        assertEquals(named, setUp);
    }

    @Test
    void shouldNeverForgetNorReorderARecordOfTheRegister() {
        TopicSettings handoff = TopicSettings.all().stream()
                .filter(TopicSettings::isRegister)
                .findFirst()
                .orElseThrow();

        assertEquals(1, handoff.partitions());
        assertEquals("delete", handoff.config().get("cleanup.policy"));
        assertEquals("-1", handoff.config().get("retention.ms"));
        assertEquals("-1", handoff.config().get("retention.bytes"));
        assertEquals("false", handoff.config().get("unclean.leader.election.enable"));
    }

    @Test
    void shouldBoundWhatIsNeitherCompactedNorTheRegister() {
        assertTrue(TopicSettings.all().stream()
                .filter(t ->
                        !t.isRegister() && !t.config().get("cleanup.policy").equals("compact"))
                .allMatch(t -> Long.parseLong(t.config().get("retention.bytes")) > 0));
    }
}
