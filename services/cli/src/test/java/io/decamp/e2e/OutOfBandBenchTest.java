package io.decamp.e2e;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
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

/** The benchmark of saving from outside a VM, with small sizes: that both sides save what they say; no time is judged. */
class OutOfBandBenchTest {
    @BeforeAll
    static void needsQemu() {
        Kernel.require(KernelFeature.UFFD_WRITE_PROTECT_ASYNC, KernelFeature.PAGEMAP_SCAN, KernelFeature.PTRACE_ANY);
        Host.requireProgram("qemu-system-x86_64");
    }

    @Test
    void shouldSaveFromInsideAndOutsideIdleAndUnderLoad(@TempDir Path directory) throws Exception {
        Path json = directory.resolve("figures.json");

        int status = new CommandLine(new BenchCommand()).execute("out-of-band", "--quick", "--json", json.toString());

        assertEquals(0, status);
        JsonNode figures = new ObjectMapper().readTree(Files.readString(json));
        assertEquals(2 * 2 * 2, figures.get("runs").size(), "sizes, loads, engines");
        for (JsonNode run : figures.get("runs")) {
            assertTrue(run.get("bytes").asLong() >= run.get("mib").asLong() << 20, "all memory was saved: " + run);
            assertTrue(run.get("frozenMillis").asDouble() > 0, run.toString());
            assertTrue(run.get("frozenMillis").asDouble() <= run.get("savedMillis").asDouble() + 1, run.toString());
        }
        assertTrue(figures.at("/reading/guestBytesPerSecond").asLong() > 0);
        assertTrue(figures.at("/footprint/wordsWritten").asLong() > 0, "a freeze can't do without");
        assertTrue(figures.at("/memcached/runs").findValuesAsText("storedMillis").size() >= 3);
        assertNotNull(figures.get("accelerator"));
        for (JsonNode freeze : figures.at("/proactive/runs")) {
            assertEquals(0, freeze.get("mismatchingPages").asLong(), "replica and process are equal: " + freeze);
            assertTrue(freeze.get("deltaPages").asLong() < (32 << 20) / 4096, "it was followed before: " + freeze);
        }
        assertEquals(2, figures.at("/proactive/runs").size());
    }
}
