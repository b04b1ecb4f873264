package io.decamp.restorer.engine.vm;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.decamp.contracts.id.WorkloadId;
import io.decamp.linux.pid.ProcessIdentity;
import io.decamp.linux.qemu.VmRegistration;
import io.decamp.linux.workload.GuestProcess;
import io.decamp.restorer.engine.vm.VmCopyRecord.State;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class VmCopyRecordTest {
    private static final State.Held HELD =
            new State.Held(new GuestProcess("b", "boot", 12, 345), "/sys/fs/cgroup/x", 1000);

    @TempDir
    Path directory;

    static Stream<State> states() {
        return Stream.of(
                new State.Standing(4, new TreeMap<>()),
                new State.Standing(5, new TreeMap<>(Map.of(1L << 40, 1, 7L, 23))),
                new State.Plugging(),
                new State.Restoring(),
                HELD,
                new State.Released(HELD),
                new State.Thawed(HELD),
                new State.Finished(HELD));
    }

    private static VmCopyRecord record(State state, Optional<ProcessIdentity> qemu, Optional<Path> agent) {
        WorkloadId id = new WorkloadId("vm:a/pid:7@alpha");
        return new VmCopyRecord(
                id, new VmRegistration("b", Path.of("/q"), agent, true), GuestJob.of(id, -1), qemu, state);
    }

    @ParameterizedTest
    @MethodSource("states")
    void shouldBeReadAsItWasWritten(State state) {
        VmCopyRecords records = new VmCopyRecords(directory);
        VmCopyRecord copy = record(state, Optional.of(new ProcessIdentity(4711, 99)), Optional.of(Path.of("/a")));

        records.put(copy);

        assertEquals(Optional.of(copy), records.find(copy.id()));
        assertEquals(List.of(copy), records.all());
    }

    @Test
    void shouldKnowNothingOfWhatWasRemoved() {
        VmCopyRecords records = new VmCopyRecords(directory);
        assertEquals(List.of(), records.all());
        VmCopyRecord copy = record(new State.Plugging(), Optional.empty(), Optional.empty());
        records.put(copy);
        assertEquals(Optional.of(copy), records.find(copy.id()));

        records.remove(copy.id());

        assertEquals(Optional.empty(), records.find(copy.id()));
        assertEquals(List.of(), records.all());
    }
}
