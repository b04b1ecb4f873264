package io.decamp.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.decamp.contracts.v1.MigrationRequested;
import io.decamp.contracts.v1.Reason;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The command against a fleet on a real broker: 400 MiB on alpha, nothing on beta. */
class RebalanceCommandTest {
    @TempDir
    private Path directory;

    private FakeFleet fleet;

    @BeforeEach
    void bringUp() {
        fleet = new FakeFleet(directory);
        for (String workload : List.of("runc:a", "runc:b", "runc:c", "runc:d")) {
            fleet.protect(workload, 100);
        }
    }

    @AfterEach
    void takeDown() {
        fleet.close();
    }

    private int rebalance(String... options) {
        List<String> all = new ArrayList<>(List.of(
                "rebalance",
                "--bootstrap-servers",
                fleet.bootstrap(),
                "--by",
                "workloads",
                "--threshold",
                "64MiB",
                "--json",
                directory.resolve("plan.json").toString()));
        all.addAll(List.of(options));
        return Main.commandLine().execute(all.toArray(String[]::new));
    }

    private JsonNode report() throws IOException {
        return new ObjectMapper().readTree(directory.resolve("plan.json").toFile());
    }

    @Test
    void shouldShowThePlanAndMoveNothing() throws IOException {
        int status = rebalance();

        assertEquals(ExitCode.DONE, status);
        assertEquals(2, report().path("moves").size());
        assertTrue(report().path("even").asBoolean());
        assertFalse(report().path("moves").get(0).has("result"));
        assertEquals(List.of(), fleet.asked());
    }

    @Test
    void shouldMakeTheMovesOfThePlanAndFindNothingToDoThen() throws IOException {
        int status = rebalance("--execute");

        assertEquals(ExitCode.DONE, status);
        assertEquals(List.of("beta", "beta"), fleet.asked().stream().map(MigrationRequested::getDestination).toList());
        for (MigrationRequested request : fleet.asked()) {
            assertEquals(Reason.REBALANCE, request.getReason());
            assertTrue(request.getValidUntilUnixMillis() > System.currentTimeMillis());
            assertEquals("beta", fleet.owner(request.getWorkload()));
            fleet.shipped(request.getWorkload(), "beta", "alpha", 100);
        }
        assertEquals("moved", report().path("moves").get(1).path("result").asText());
        assertEquals(ExitCode.DONE, rebalance("--execute"));
        assertEquals(2, fleet.asked().size());
    }

    @Test
    void shouldStopAtTheFirstFailure() throws IOException {
        fleet.fail("runc:a");

        int status = rebalance("--execute");

        assertEquals(ExitCode.FAILED, status);
        assertEquals(List.of("runc:a"), fleet.asked().stream().map(MigrationRequested::getWorkload).toList());
        assertEquals("destination-full", report().path("moves").get(0).path("code").asText());
        assertFalse(report().path("moves").get(1).has("result"));
    }

    @Test
    void shouldFollowTheOthersToTheirEndsWhenSeveralMoveAtATime() {
        int status = rebalance("--execute", "--parallel", "2");

        assertEquals(ExitCode.DONE, status);
        assertEquals(2, fleet.asked().size());
    }

    @Test
    void shouldLeaveWhatIsMovingAlready() throws IOException {
        fleet.ask("runc:a");

        rebalance();

        assertEquals("runc:b", report().path("moves").get(0).path("workload").asText());
        assertEquals("runc:a: is being moved already", report().path("leftOut").get(0).asText());
    }
}
