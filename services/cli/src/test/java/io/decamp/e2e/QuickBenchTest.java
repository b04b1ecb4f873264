package io.decamp.e2e;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.decamp.cli.bench.BenchCommand;
import io.decamp.linux.probe.KernelFeature;
import io.decamp.testkit.Host;
import io.decamp.testkit.Kernel;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import picocli.CommandLine;

/** Every benchmark from end to end with small sizes: that it works, that its workloads come out right; no time is judged. */
class QuickBenchTest {
    @TempDir
    Path directory;

    @BeforeAll
    static void needsTheKernelAndServers() {
        Kernel.require(KernelFeature.UFFD_WRITE_PROTECT_ASYNC, KernelFeature.PAGEMAP_SCAN, KernelFeature.PTRACE_ANY);
        Host.requireProgram("redis-server");
        Host.requireProgram("memcached");
    }

    @Test
    void shouldCompareOrdersOfSending() throws Exception {
        JsonNode figures = figures("propagation", "--writers", "hot-half,skew", "--plot", directory.toString());

        assertEquals(3 * 2 * 2, figures.get("runs").size());
        for (JsonNode run : figures.get("runs")) {
            assertTrue(run.get("verified").asBoolean(), run.toString());
            if (run.get("part").asText().equals("a")) {
                long sent = run.get("pagesFirst").asLong() + run.get("pagesAgain").asLong();
                long inRounds = 0;
                for (JsonNode round : run.get("sent")) {
                    inRounds += round.get(2).asLong();
                }
                assertTrue(run.get("pagesFirst").asLong() >= (32L << 20) / 4096, "every page goes once: " + run);
                assertEquals(run.get("rounds").asInt() + 1, run.get("sent").size(), "each round and the final delta");
                assertEquals(sent, inRounds);
                assertTrue(run.get("linkBytes").asLong() >= 0.95 * sent * 4096, "it crossed the link: " + run);
            }
        }
        assertEquals(5, figures.get("targets").size());
        assertTrue(Files.readString(directory.resolve("propagation.svg")).endsWith("</svg>\n"));
    }

    @Test
    void shouldAskForDryEvictionsThenMoveForReal() throws Exception {
        JsonNode figures = figures("objective", "--plot", directory.toString());

        assertFalse(figures.get("samples").isEmpty());
        figures.get("samples").forEach(s -> assertFalse(s.has("failure"), s.toString()));
        assertTrue(figures.get("realEviction").get("verified").asBoolean());
        assertTrue(Files.readString(directory.resolve("interval.svg")).endsWith("</svg>\n"));
    }

    @Test
    void shouldMeasureWritersAndServersWithProtectionAndWithout() throws Exception {
        JsonNode figures = figures("overhead");

        assertEquals(7, figures.get("writers").size());
        assertEquals(2, figures.get("servers").size());
        for (JsonNode server : figures.get("servers")) {
            assertEquals(2, server.get("runs").size());
            server.get("runs").forEach(r -> assertTrue(r.get("perSecond").asLong() > 0, r.toString()));
        }
    }

    private JsonNode figures(String... words) throws Exception {
        Path json = directory.resolve("figures.json");
        String[] all = new String[words.length + 3];
        System.arraycopy(words, 0, all, 0, words.length);
        all[words.length] = "--quick";
        all[words.length + 1] = "--json";
        all[words.length + 2] = json.toString();
        assertEquals(0, new CommandLine(new BenchCommand()).execute(all));
        return new ObjectMapper().readTree(Files.readString(json));
    }
}
