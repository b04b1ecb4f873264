package io.decamp.testkit;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.decamp.contracts.event.TopicSettings;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** What {@code deploy/} says twice must agree with what the program says. */
class DeployTest {
    private static final Path DEPLOY = Repository.root().resolve("deploy");

    @Test
    void shouldMakeTheTopicsThatTheNodesWouldMake() {
        Map<String, String> scripted = new TreeMap<>();
        for (String line : Command.run("sh", DEPLOY.resolve("kafka/topics.sh").toString(), "--print").check().lines()) {
            String[] word = line.split(" ");
            scripted.put(word[0], word[1] + " " + new TreeMap<>(settings(word[2])));
        }

        Map<String, String> wanted = new TreeMap<>();
        for (TopicSettings topic : TopicSettings.all()) {
            wanted.put(topic.topic(), topic.partitions() + " " + new TreeMap<>(topic.configFor(true)));
        }
        assertEquals(wanted, scripted);
    }

    @Test
    void shouldLetWhatAServiceStartedOutliveIt() throws IOException {
        for (String service : List.of("node", "introspector", "transfer", "snapshotter", "restorer", "coordinator")) {
            String unit = Files.readString(DEPLOY.resolve("systemd/decamp-" + service + ".service"));
            assertTrue(unit.contains("\nKillMode=process\n"), service);
            assertTrue(unit.contains("service.sh " + service + "\n"), service);
        }
    }

    @Test
    void shouldBeScriptsThatAPosixShellReads() throws IOException {
        List<Path> scripts;
        try (Stream<Path> all = Files.walk(DEPLOY)) {
            scripts = all.filter(file -> file.toString().endsWith(".sh")).toList();
        }
        assertTrue(scripts.size() > 5);
        for (Path script : scripts) {
            Command.run("sh", "-n", script.toString()).check();
        }
    }

    private static Map<String, String> settings(String text) {
        Map<String, String> settings = new TreeMap<>();
        for (String setting : text.split(",")) {
            int equals = setting.indexOf('=');
            settings.put(setting.substring(0, equals), setting.substring(equals + 1));
        }
        return settings;
    }
}
