package io.decamp.repository;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;

import java.util.Collections;
import java.util.List;
import java.util.Set;
import java.util.function.Function;
import org.junit.jupiter.api.Test;

/** Each check of {@link RepositoryTest} on a text that it must refuse, beside one that it must let pass. */
class ChecksTest {
    private static final String ENGINE = "transfer/src/main/java/io/decamp/transfer/engine/A.java";
    private static final String EDGE = "transfer/src/main/java/io/decamp/transfer/edge/A.java";

    @Test
    void shouldFindJnaOutsideItsModule() {
        String text = "import com.sun" + ".jna.Pointer;";

        refuses(CodeChecks::jna, EDGE, text);
        passes(CodeChecks::jna, "linux/src/main/java/io/decamp/linux/A.java", text);
    }

    @Test
    void shouldFindAFrameworkInAnEngine() {
        for (String text : List.of(
                "import io.quarkus.runtime.StartupEvent;",
                "import org.apache.kafka.clients.producer.Producer;",
                "import io.smallrye.mutiny.Uni;",
                "import jakarta.inject.Inject;")) {
            refuses(CodeChecks::frameworks, ENGINE, text);
            passes(CodeChecks::frameworks, EDGE, text);
        }
        passes(CodeChecks::frameworks, ENGINE, "import org.jboss.logging.Logger;");
    }

    @Test
    void shouldFindAnEngineThatKnowsAnother() {
        refuses(CodeChecks::enginesOfOthers, ENGINE, "import io.decamp.restorer.engine.lazy.LazyPages;");
        passes(CodeChecks::enginesOfOthers, ENGINE, "import io.decamp.transfer.engine.wire.Wire;");
        passes(CodeChecks::enginesOfOthers, EDGE, "import io.decamp.restorer.engine.lazy.LazyPages;");
    }

    @Test
    void shouldFindASleep() {
        refuses(CodeChecks::sleeps, ENGINE, "        Thread.sleep(5);");
        refuses(CodeChecks::sleeps, EDGE, "TimeUnit.SECONDS.sleep(1);");
        passes(CodeChecks::sleeps, ENGINE, "condition.await(5, MILLISECONDS);");
        passes(CodeChecks::sleeps, "transfer/src/test/java/A.java", "Thread.sleep(5);");
    }

    @Test
    void shouldFindWhatIsUnfinished() {
        refuses(CodeChecks::unfinished, "a.sh", "# TO" + "DO later");
        refuses(CodeChecks::unfinished, ENGINE, "// FIX" + "ME");
        passes(CodeChecks::unfinished, "a.sh", "# what there is to do");
    }

    @Test
    void shouldFindAFileThatIsTooLong() {
        String full = String.join("\n", Collections.nCopies(CodeChecks.MAX_JAVA_LINES, "x"));

        passes(CodeChecks::length, ENGINE, full);
        refuses(CodeChecks::length, ENGINE, full + "\nx");
    }

    @Test
    void shouldFindARegistryAndADirectoryOfAMachine() {
        refuses(CodeChecks::places, "pom.xml", "<url>https:/" + "/repo1." + "maven.org/maven2</url>");
        refuses(CodeChecks::places, "a.sh", "deb http://deb." + "debian.org/debian sid main");
        refuses(CodeChecks::places, "a.md", "see /wor" + "k/shared");
        refuses(CodeChecks::places, ENGINE, "Path.of(\"/hom" + "e/ann/decamp\")");
        passes(CodeChecks::places, "a.md", "in ~/.cache, /var/lib/decamp, /opt/decamp; it does its work/sleep");
    }

    @Test
    void shouldFindALinkToNothing() {
        List<Source> tree = List.of(new Source("docs/b.md", "# The one\n"), new Source("deploy/a.sh", ""));

        refuses(s -> DocChecks.links(s, tree), "docs/a.md", "[x](c.md)");
        refuses(s -> DocChecks.links(s, tree), "docs/a.md", "[x](b.md#another)");
        passes(s -> DocChecks.links(s, tree), "docs/a.md", "[x](b.md#the-one) [y](../deploy) [z](https://example.org/c)");
    }

    @Test
    void shouldFindATestThatIsNotThere() {
        List<Source> tree = List.of(
                new Source("a/src/test/java/FoldTest.java", "void shouldFold() {}"), new Source("deploy/lab/lab.sh", ""));

        refuses(s -> DocChecks.testsAndFiles(s, tree), "docs/a.md", "`FoldTest#shouldFly`");
        refuses(s -> DocChecks.testsAndFiles(s, tree), "docs/a.md", "`OtherTest`");
        refuses(s -> DocChecks.testsAndFiles(s, tree), "docs/a.md", "`deploy/lab/other.sh`");
        passes(s -> DocChecks.testsAndFiles(s, tree), "docs/a.md", "`FoldTest#shouldFold`, `FoldTest`, `deploy/lab`");
    }

    @Test
    void shouldFindAWordThatIsMissing() {
        refuses(s -> DocChecks.mentions(s, List.of("handoff")), "a.sh", "handoffs 4 delete");
        passes(s -> DocChecks.mentions(s, List.of("handoff")), "a.sh", "handoff 1 delete");
        passes(s -> DocChecks.mentions(s, List.of("handoff")), "a.md", "topic `handoff`.");
    }

    @Test
    void shouldReadErrorCodesAndSettingsOutOfCode() {
        Source code = new Source(ENGINE, """
                throw DecampException.refused(
                        "bad-thing", "Message", "Advice");
                new DecampException(DecampException.Category.FATAL, "worse-thing", "Message", "Advice", null);
                in.required("state-directory"); in.bytes("data.max-replica-bytes", 0);
                """);

        assertEquals(Set.of("bad-thing", "worse-thing"), DocChecks.errorCodes(code));
        assertEquals(Set.of("state-directory", "data.max-replica-bytes"), DocChecks.settings(code));
    }

    private static void refuses(Function<Source, List<String>> check, String path, String text) {
        assertFalse(check.apply(new Source(path, text)).isEmpty(), "passed: " + text);
    }

    private static void passes(Function<Source, List<String>> check, String path, String text) {
        assertEquals(List.of(), check.apply(new Source(path, text)));
    }
}
