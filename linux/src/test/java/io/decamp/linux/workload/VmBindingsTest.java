package io.decamp.linux.workload;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.decamp.contracts.id.NodeId;
import io.decamp.contracts.id.WorkloadId;
import java.nio.file.Path;
import java.util.Optional;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class VmBindingsTest {
    private static final WorkloadId BORN_HERE = new WorkloadId("vm:a/pid:7@alpha");
    private static final WorkloadId FROM_ELSEWHERE = new WorkloadId("vm:b/pid:9@beta");
    private static final GuestProcess PROCESS = new GuestProcess("a", "6f1c", 7, 4711);

    @TempDir
    Path state;

    private VmBindings bindings;

    @BeforeEach
    void open() {
        bindings = new VmBindings(new NodeId("alpha"), state);
    }

    @Test
    void shouldTakeAnIdLiterallyOnlyWhereItWasBorn() {
        assertTrue(bindings.isUnbound(BORN_HERE));
        assertFalse(bindings.isUnbound(FROM_ELSEWHERE));
        assertEquals(Optional.empty(), bindings.bound(BORN_HERE));
    }

    @Test
    void shouldRememberTheLastProcessBound() {
        bindings.bind(FROM_ELSEWHERE, PROCESS);
        bindings.bind(FROM_ELSEWHERE, new GuestProcess("c", "77", 12, 5));
        bindings = new VmBindings(new NodeId("alpha"), state);
        assertEquals(Optional.of(new GuestProcess("c", "77", 12, 5)), bindings.bound(FROM_ELSEWHERE));
    }

    @Test
    void shouldNameNobodyOnceAWorkloadHasLeftItsBirthplace() {
        bindings.bind(BORN_HERE, PROCESS);
        bindings.unbind(BORN_HERE);
        bindings.unbind(BORN_HERE);
        assertEquals(Optional.empty(), bindings.bound(BORN_HERE));
        assertFalse(bindings.isUnbound(BORN_HERE));
    }

    @Test
    void shouldForgetAGuestThatLeft() {
        bindings.bind(FROM_ELSEWHERE, PROCESS);
        bindings.unbind(FROM_ELSEWHERE);
        assertEquals(Optional.empty(), bindings.bound(FROM_ELSEWHERE));
    }
}
