package io.decamp.repository;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.decamp.contracts.event.EventCodec;
import io.decamp.contracts.event.EventType;
import io.decamp.contracts.event.RawEvent;
import io.decamp.contracts.event.TopicSettings;
import io.decamp.contracts.event.Topics;
import io.decamp.contracts.v1.MigrationRequested;
import io.decamp.contracts.v1.Reason;
import io.decamp.linux.probe.KernelFeature;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.Arrays;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** What holds for every file: layers, limits, and documents that say what is there. */
class RepositoryTest {
    private static List<Source> tree;

    @BeforeAll
    static void readTheTree() throws IOException {
        tree = Tree.read();
        assertTrue(tree.stream().filter(Source::isJava).count() > 300, "this is not the repository");
    }

    @Test
    void shouldCallTheSystemInOneModuleOnly() {
        requireNone(tree, CodeChecks::jna);
    }

    @Test
    void shouldKeepFrameworksOutOfEngines() {
        requireNone(tree, CodeChecks::frameworks);
    }

    @Test
    void shouldKeepEnginesApart() {
        requireNone(tree, CodeChecks::enginesOfOthers);
    }

    @Test
    void shouldNeverSleepInsteadOfWaiting() {
        requireNone(tree, CodeChecks::sleeps);
    }

    @Test
    void shouldHaveNothingUnfinished() {
        requireNone(tree, CodeChecks::unfinished);
    }

    @Test
    void shouldKeepFilesShort() {
        requireNone(tree, CodeChecks::length);
    }

    @Test
    void shouldNameNoRegistryAndNoDirectoryOfAMachine() {
        requireNone(tree, CodeChecks::places);
    }

    @Test
    void shouldLinkToWhatIsThere() {
        requireNone(documents(), document -> DocChecks.links(document, tree));
    }

    @Test
    void shouldNameTestsAndFilesThatAreThere() {
        requireNone(documents(), document -> DocChecks.testsAndFiles(document, tree));
    }

    @Test
    void shouldNameEveryTopicWhereTopicsAreMadeAndExplained() {
        List<String> topics =
                TopicSettings.all().stream().map(TopicSettings::topic).toList();
        requireNone(
                List.of(file("deploy/kafka/topics.sh"), file("docs/protocol.md")),
                document -> DocChecks.mentions(document, topics));
    }

    @Test
    void shouldExplainEveryErrorCode() {
        Collection<String> codes = tree.stream()
                .filter(s -> s.isJava() && s.isProduct() && !s.path().startsWith("testkit/"))
                .flatMap(s -> DocChecks.errorCodes(s).stream())
                .collect(Collectors.toCollection(TreeSet::new));
        assertTrue(codes.size() > 100, "found only " + codes);
        requireNone(List.of(file("docs/protocol.md")), document -> DocChecks.mentions(document, codes));
    }

    @Test
    void shouldExplainEverySetting() {
        Collection<String> settings = DocChecks.settings(
                file("services/edge/src/main/java/io/decamp/edge/config/DecampConfig.java"));
        assertTrue(settings.size() > 10, "found only " + settings);
        requireNone(
                List.of(file("docs/operations.md")),
                document -> DocChecks.mentions(
                        document, settings.stream().map(s -> "decamp." + s).toList()));
    }

    @Test
    void shouldExplainEveryKernelFeature() {
        List<String> features =
                Arrays.stream(KernelFeature.values()).map(Enum::name).toList();
        requireNone(List.of(file("docs/kernel-support.md")), document -> DocChecks.mentions(document, features));
    }

    @Test
    void shouldAcceptTheRequestThatIsShown() {
        String shown = file("docs/protocol.md").text().split("```json\n", 2)[1].split("```", 2)[0];
        RawEvent record = new RawEvent(
                Topics.MIGRATION_REQUESTED, 0, 0, Instant.EPOCH, Map.of(), null, shown.getBytes(StandardCharsets.UTF_8));

        MigrationRequested request =
                EventCodec.decode(EventType.MIGRATION_REQUESTED, record).data();

        assertEquals("runc:redis", request.getWorkload());
        assertEquals(Reason.FAILURE_PREDICTED, request.getReason());
        assertTrue(request.getValidUntilUnixMillis() > 0 && request.getDeadlineUnixMillis() > 0, "times");
    }

    private static List<Source> documents() {
        return tree.stream().filter(Source::isMarkdown).toList();
    }

    private static Source file(String path) {
        return tree.stream()
                .filter(s -> s.path().equals(path))
                .findFirst()
                .orElseThrow(() -> new AssertionError(path + " is not there"));
    }

    private static void requireNone(List<Source> sources, Function<Source, List<String>> check) {
        List<String> problems =
                sources.stream().flatMap(s -> check.apply(s).stream()).toList();
        assertEquals("", String.join("\n", problems));
    }
}
