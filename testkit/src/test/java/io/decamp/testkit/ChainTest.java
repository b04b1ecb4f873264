package io.decamp.testkit;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** The judge must find every kind of damage, or it proves nothing about a migration. */
class ChainTest {
    private static List<String> sound;

    @TempDir
    Path directory;

    @BeforeAll
    static void recordASoundRun(@TempDir Path at) throws Exception {
        Path log = at.resolve("sound.log");
        ChainSpec spec = ChainSpec.of(8, 2000).withTree(2, 2).withZeroPercent(30);
        Process chain = new ProcessBuilder(spec.command(Victims.compiled("chain"), log)).start();
        Await.until("200 lines", Duration.ofSeconds(20), () -> lineCount(log) > 200);
        chain.destroy();
        assertEquals(0, chain.waitFor());
        sound = Files.readAllLines(log);
    }

    @Test
    void shouldAcceptATreeOfProcessesWithThreadsThatWasLeftAlone() throws IOException {
        ChainOracle.Report report = ChainOracle.judgeEnded(written(sound));

        assertTrue(report.verified(), () -> report.errors().toString());
        assertEquals(6, report.writers());
        assertEquals(6, report.audits());
    }

    @Test
    void shouldRefuseAChainThatDiffersInOneBit() throws IOException {
        var lines = new ArrayList<>(sound);
        String line = lines.get(100);
        int space = line.indexOf(' ');
        char digit = line.charAt(space + 1) == '0' ? '1' : '0';
        lines.set(100, line.substring(0, space + 1) + digit + line.substring(space + 2));

        assertRefused(lines, "line=101 wrong chain");
    }

    @Test
    void shouldRefuseAMissingStep() throws IOException {
        var lines = new ArrayList<>(sound);
        lines.remove(100);

        assertRefused(lines, "steps missing");
    }

    @Test
    void shouldRefuseAStepThatWasWrittenTwiceByASecondCopy() throws IOException {
        var lines = new ArrayList<>(sound);
        lines.add(101, lines.get(100));

        assertRefused(lines, "line=102 step again");
    }

    @Test
    void shouldRefuseMemoryThatDiffersAtTheEnd() throws IOException {
        var lines = new ArrayList<>(sound);
        int audit = lines.size() - 1;
        assertTrue(lines.get(audit).startsWith("# audit"));
        String line = lines.get(audit);
        lines.set(audit, line.substring(0, line.length() - 1) + (line.endsWith("0") ? "1" : "0"));

        assertRefused(lines, "memory differs");
    }

    @Test
    void shouldRefuseALogWhoseWritersNeverEndedWhenTheEndIsAskedFor() throws IOException {
        Path log = written(sound.subList(0, 150));

        assertTrue(ChainOracle.judge(log).verified());
        assertFalse(ChainOracle.judgeEnded(log).verified());
    }

    @Test
    void shouldFindTheLargestGapAndItsPlace() throws IOException {
        var lines = new ArrayList<String>();
        for (String line : sound.subList(0, 150)) {
            lines.add(lines.size() < 120 ? line : later(line, 3.0));
        }

        ChainOracle.Report report = ChainOracle.judge(written(lines));

        assertTrue(report.verified());
        assertTrue(report.largest().millis() >= 3000 && report.largest().millis() < 3500, report.largest().toString());
        assertTrue(report.largest().line() > 120, report.largest().toString());
    }

    @ParameterizedTest
    @EnumSource(WritePattern.class)
    void shouldAcceptEveryPatternOfWrites(WritePattern pattern) throws Exception {
        ChainSpec words = ChainSpec.of(6, 4000).withTree(1, 2).withPhases(100).withPattern(pattern);

        for (ChainSpec spec : List.of(words, words.withWholePages(true), words.unpaced())) {
            Path log = directory.resolve("pattern.log");
            Files.deleteIfExists(log);
            Process chain = new ProcessBuilder(spec.command(Victims.compiled("chain"), log)).start();
            Await.until("500 lines", Duration.ofSeconds(20), () -> lineCount(log) > 500);
            chain.destroy();
            assertEquals(0, chain.waitFor());

            assertEquals(4, ChainOracle.judgeEnded(log).check().audits(), spec.toString());
        }
    }

    @Test
    void shouldRefuseALogThatClaimsAnotherPattern() throws IOException {
        var lines = new ArrayList<>(sound);
        lines.set(0, lines.getFirst().replace("pattern=laps", "pattern=skew"));

        assertRefused(lines, "wrong chain");
    }

    private void assertRefused(List<String> lines, String reason) throws IOException {
        ChainOracle.Report report = ChainOracle.judge(written(lines));
        assertFalse(report.verified());
        assertTrue(report.errors().getFirst().contains(reason), () -> report.errors().toString());
    }

    private static String later(String line, double seconds) {
        int at = line.indexOf(" t=") + 3;
        int end = line.indexOf(' ', at);
        double moved = Double.parseDouble(line.substring(at, end)) + seconds;
        return line.substring(0, at) + String.format(Locale.ROOT, "%.6f", moved) + line.substring(end);
    }

    private Path written(List<String> lines) throws IOException {
        return Files.write(directory.resolve("chain.log"), lines);
    }

    private static long lineCount(Path log) {
        try (Stream<String> lines = Files.lines(log)) {
            return lines.count();
        } catch (IOException notYet) {
            return 0;
        }
    }
}
