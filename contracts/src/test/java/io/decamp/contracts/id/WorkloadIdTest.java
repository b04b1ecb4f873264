package io.decamp.contracts.id;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.decamp.contracts.error.DecampException;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class WorkloadIdTest {
    @ParameterizedTest
    @CsvSource({
        "runc:web-1, runc:web-1, runc, web-1, runc_web-1",
        "pid:7, pid:7@alpha, pid, 7, pid_7@alpha",
        "pid:7@beta, pid:7@beta, pid, 7, pid_7@beta",
        "vm:a/pid:7, vm:a/pid:7@alpha, vm, 7, vm_a+pid_7@alpha",
        "vm:db.1/pid:310@beta, vm:db.1/pid:310@beta, vm, 310, vm_db.1+pid_310@beta"
    })
    void shouldReadWhatAPersonNames(String text, String value, String kind, String name, String fileName) {
        WorkloadId id = WorkloadId.of(text, new NodeId("alpha"));
        assertEquals(value, id.value());
        assertEquals(kind, id.kind());
        assertEquals(name, id.name());
        assertEquals(fileName, id.fileName());
    }

    @Test
    void shouldNameTheVmOnlyOfWhatRunsInOne() {
        assertEquals(Optional.of("a"), new WorkloadId("vm:a/pid:7@alpha").vm());
        assertEquals(Optional.empty(), new WorkloadId("pid:7@alpha").vm());
        assertEquals(Optional.empty(), new WorkloadId("runc:vm").vm());
    }

    @ParameterizedTest
    @ValueSource(
            strings = {"vm:a", "vm:/pid:7@n", "vm:a/pid:0@n", "vm:a/runc:x@n", "vm:a/b/pid:7@n", "vm:a/pid:7@", "vm:../pid:7@n", "pid:7@n@m"})
    void shouldRefuseWhatNamesNothing(String text) {
        DecampException refusal =
                assertThrows(DecampException.class, () -> WorkloadId.of(text, new NodeId("alpha")));
        assertEquals("bad-workload", refusal.code());
    }
}
