package io.decamp.introspector.engine.vm.freeze;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.decamp.contracts.error.DecampException;
import io.decamp.testkit.Await;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class GdbStubTest {
    private static final Duration LIMIT = Duration.ofSeconds(5);

    @TempDir
    Path directory;

    @Test
    void shouldWriteAnInterruptAsADeviceWouldAndResume() throws IOException {
        try (FakeVm vm = FakeVm.stub(directory.resolve("gdb"))) {
            try (GdbStub stub = GdbStub.pause(directory.resolve("gdb"), LIMIT)) {
                assertEquals("paused", vm.state);
                stub.writePhysical(0xfee01000L, 0xfb);
                stub.resume();
            }

            assertEquals(
                    List.of(
                            "$?#3f",
                            "$Qqemu.PhyMemMode:1#77",
                            "$Mfee01000,4:fb000000#f0",
                            "$Qqemu.PhyMemMode:0#76",
                            "$D#44"),
                    vm.packets);
            assertEquals("running", vm.state);
        }
    }

    @Test
    void shouldSendNothingAfterTheAnswerThatTheVmRuns() throws IOException {
        try (FakeVm vm = FakeVm.stub(directory.resolve("gdb"))) {
            GdbStub stub = GdbStub.pause(directory.resolve("gdb"), LIMIT);
            stub.resume();
            stub.close();
            // a second connection is served after the first one has been read to its end
            GdbStub.pause(directory.resolve("gdb"), LIMIT).close();
            Await.until("the second connection", LIMIT, () -> vm.packets.size() == 3);

            assertEquals(List.of(), vm.afterDetach);
        }
    }

    @Test
    void shouldPassOverStopRepliesThatComeUnasked() throws IOException {
        try (FakeVm vm = FakeVm.stub(directory.resolve("gdb"))) {
            vm.answers = body -> body.equals("?")
                    ? "+" + FakeVm.framed("T02thread:01;") + FakeVm.framed("T05thread:01;")
                    : "+" + FakeVm.framed("T02thread:01;") + FakeVm.framed("OK");

            try (GdbStub stub = GdbStub.pause(directory.resolve("gdb"), LIMIT)) {
                stub.writePhysical(0xfee00000L, 0xfb);
                stub.resume();
            }

            assertEquals("running", vm.state);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"$E14#aa", "$OK#00", "$#00", "-", ""})
    void shouldNameWhatIsWrongWithAnAnswer(String answer) throws IOException {
        requireFailure(body -> answer.isEmpty() ? null : answer, LIMIT);
    }

    @Test
    void shouldNotTakeMoreThanAPacketCanHave() throws IOException {
        requireFailure(body -> "$" + "x".repeat(100_000), LIMIT);
    }

    @Test
    void shouldNotWaitForeverForAnAnswer() throws IOException {
        long begin = System.nanoTime();
        requireFailure(body -> "$T05", Duration.ofMillis(300));
        assertTrue(System.nanoTime() - begin < LIMIT.toNanos(), "waited");
    }

    private void requireFailure(UnaryOperator<String> answers, Duration limit) throws IOException {
        try (FakeVm vm = FakeVm.stub(directory.resolve("gdb"))) {
            vm.answers = answers;
            DecampException failure = assertThrows(
                    DecampException.class, () -> GdbStub.pause(directory.resolve("gdb"), limit));
            assertEquals("vm-gdbstub-failed", failure.code());
        }
    }
}
