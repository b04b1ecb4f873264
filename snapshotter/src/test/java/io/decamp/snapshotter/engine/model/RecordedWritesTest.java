package io.decamp.snapshotter.engine.model;

import static org.junit.jupiter.api.Assertions.assertTrue;

import io.decamp.contracts.page.AddressSpace;
import io.decamp.contracts.page.PageRuns;
import io.decamp.contracts.page.PageSource;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.zip.GZIPInputStream;
import org.junit.jupiter.api.Test;

/**
 * The model on scans of a real Redis: 32 768 values of 512 bytes, of which 400 a second, chosen at random, are replaced and
 * as many read, recorded by {@code WorkloadMemorySource} every half second. A line has the microseconds since the scan before
 * and the runs that were found written: distance from the run before in pages, and the length where it is not 1, to the
 * base of 36. 34 scans: after these the machine was busy with other things and the load fell behind.
 */
class RecordedWritesTest {
    private static final List<AddressSpace> SPACES = List.of(new AddressSpace(1, 1));
    private static final int LEARNED = 17;

    private record Scan(long elapsedMicros, PageRuns written) {}

    private static List<Scan> recorded() {
        List<Scan> scans = new ArrayList<>();
        try (var in = new BufferedReader(new InputStreamReader(
                new GZIPInputStream(RecordedWritesTest.class.getResourceAsStream("/recorded/redis-scans.txt.gz")),
                StandardCharsets.US_ASCII))) {
            for (String line = in.readLine(); line != null; line = in.readLine()) {
                String[] words = line.split(" ");
                PageRuns runs = new PageRuns();
                long page = 0;
                for (int i = 1; i < words.length; i++) {
                    int plus = words[i].indexOf('+');
                    page += Long.parseLong(plus < 0 ? words[i] : words[i].substring(0, plus), 36);
                    int pages = plus < 0 ? 1 : Integer.parseInt(words[i].substring(plus + 1), 36);
                    runs.add(1, page * PageRuns.PAGE_BYTES, pages, PageSource.BYTES);
                }
                scans.add(new Scan(Long.parseLong(words[0]), runs));
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return scans;
    }

    private static void addPages(PageRuns runs, Set<Long> pages) {
        for (int i = 0; i < runs.size(); i++) {
            for (int p = 0; p < runs.pages(i); p++) {
                pages.add(runs.address(i) + (long) p * PageRuns.PAGE_BYTES);
            }
        }
    }

    @Test
    void shouldPredictWhatARealRedisWritesNext() {
        List<Scan> scans = recorded();
        WriteModel model = new WriteModel();
        for (Scan scan : scans.subList(0, LEARNED)) {
            model.observed(scan.written(), new PageRuns(), SPACES, scan.elapsedMicros());
        }

        Set<Long> union = new HashSet<>();
        double seconds = 0;
        for (Scan scan : scans.subList(LEARNED, scans.size())) {
            addPages(scan.written(), union);
            seconds += scan.elapsedMicros() / 1e6;
            double told = model.writtenPages(seconds);
            System.out.printf("D(%.1f s): %.0f pages told, %d written%n", seconds, told, union.size());
            assertTrue(Math.abs(told - union.size()) <= 0.2 * union.size(), "at " + seconds + " s");
        }
    }
}
