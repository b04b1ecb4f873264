package io.decamp.introspector.engine.memory;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.decamp.contracts.error.DecampException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The texts that are parsed: our own record, and what /proc says of a process. */
class TrackingTextTest {
    private static final String REST = " 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 3 21 4711 23\n";

    @TempDir
    Path directory;

    @Test
    void shouldReadBackWhatWasRecorded() {
        TrackingRecord.Entry entry = new TrackingRecord.Entry(9, 4711, 123456, 1);
        TrackingRecord.open(directory).save(7, List.of(entry));
        TrackingRecord read = TrackingRecord.open(directory);
        assertEquals(7, read.generation());
        assertEquals(List.of(entry), read.entries());
    }

    @Test
    void shouldNeverGiveAnIdTwice() {
        long first = TrackingRecord.open(directory).takeId();
        assertTrue(TrackingRecord.open(directory).takeId() > first);
    }

    @Test
    void shouldRefuseADamagedRecord() throws Exception {
        for (String text :
                List.of("", "decamp-tracking 2\n", "decamp-tracking 1\nspace 1\n", "decamp-tracking 1\nx 1\n")) {
            Files.writeString(directory.resolve("record"), text);
            assertEquals(
                    "tracking-record-unusable",
                    assertThrows(DecampException.class, () -> TrackingRecord.open(directory))
                            .code());
        }
    }

    @Test
    void shouldReadAProcessWhoseNameLooksLikeFields() {
        ProcessLine line = ProcessLine.parse("77 (a) S 1 (b)) S 42" + REST, "Name:\tx\nNSpid:\t77\t12\t1\nVmPeak: 3\n");
        assertEquals(new ProcessLine(false, 42, 3, 4711, 1), line);
    }

    @Test
    void shouldTellAnEndedProcess() {
        assertTrue(ProcessLine.parse("77 (a) Z 42" + REST, "x\nNSpid:\t77\n").ended());
        assertEquals(2, ProcessLine.namespaceDepth("x\nNSpid:\t77\t1\n"));
    }

    @Test
    void shouldRefuseWhatIsNoProcess() {
        assertThrows(IllegalArgumentException.class, () -> ProcessLine.parse("77 (a) S", "x\nNSpid:\t1\n"));
        assertThrows(IllegalArgumentException.class, () -> ProcessLine.parse("77 (a) S 42" + REST, "Name: x\n"));
    }
}
