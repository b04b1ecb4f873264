package io.decamp.restorer.engine.vm;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.decamp.contracts.error.DecampException;
import io.decamp.contracts.id.WorkloadId;
import io.decamp.contracts.v1.CgroupValue;
import io.decamp.contracts.v1.RequiredFile;
import io.decamp.contracts.v1.TravellingFile;
import io.decamp.contracts.v1.VmFiles;
import io.decamp.restorer.engine.image.ProcessTree;
import io.decamp.testkit.Command;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The script is run by the shell that is here, with functions that print how they were called. */
class JobScriptTest {
    private static final GuestJob JOB = GuestJob.of(new WorkloadId("vm:a/pid:7@alpha"), 0xbeef);
    private static final Map<Integer, String> DISKS =
            new TreeMap<>(Map.of(1, JOB.spaceDisk(1), 2, JOB.standbyDisk(7)));
    private static final String HOSTILE = "/a'; echo $(id) `id` \"$HOME\" \\ *\n;reboot";

    private static String run(VmFiles files, String call) {
        String functions = "for f in space need size place limit; do"
                + " eval \"$f() { printf '<%s>' $f \\\"\\$@\\\"; echo; }\"; done\n";
        Command.Result result =
                Command.run("sh", "-c", functions + JobScript.of(JOB, DISKS, true, 4096, files) + "\n" + call);
        assertEquals(0, result.status(), result.output());
        return result.output();
    }

    private static RequiredFile required(String path, int kind, long size) {
        return RequiredFile.newBuilder().setPath(path).setKind(kind).setSize(size).setUser("it's").build();
    }

    @Test
    void shouldCallForEachThingOnce() {
        VmFiles files = VmFiles.newBuilder()
                .addRequired(required("/bin/x", 0100755, -1))
                .addRequired(required("/var", 0040000, -1))
                .addTravelling(TravellingFile.newBuilder().setPath("/tmp/log"))
                .addCgroup(CgroupValue.newBuilder().setFile("cpu.max").setValue("100 200"))
                .addCgroup(CgroupValue.newBuilder().setFile("cpu.weight").setValue("3"))
                .addCgroup(CgroupValue.newBuilder().setFile("pids.max").setValue("max"))
                .build();

        String said = run(
                files,
                "echo $job $bytes $standby; spaces; requirements; placements undo; limits names; limits set; sizes each");

        assertEquals(
                """
                vm_a+pid_7@alpha-0000beef 4096 1
                <space><dc0000beef-1><1>
                <space><dc0000beef-s7><2>
                <need><-f></bin/x><it's>
                <need><-d></var><it's>
                <place><0><contents/0></tmp/log><undo>
                cpu pids
                <limit><cpu.max><100 200>
                <limit><cpu.weight><3>
                <limit><pids.max><max>
                """,
                said);
    }

    @Test
    void shouldTakeNamesOfFilesForNothingElse() {
        VmFiles files = VmFiles.newBuilder()
                .addRequired(required(HOSTILE, 0100000, 3))
                .addTravelling(TravellingFile.newBuilder().setPath(HOSTILE))
                .addCgroup(CgroupValue.newBuilder().setFile("cpu.max").setValue(HOSTILE))
                .build();

        String said = run(files, "requirements; placements do; limits set; sizes each; sizes wanted");

        assertEquals(
                "<need><-f><" + HOSTILE + "><it's>\n<place><0><contents/0><" + HOSTILE + "><do>\n<limit><cpu.max><"
                        + HOSTILE + ">\n<size><3><" + HOSTILE + ">\n3 " + HOSTILE,
                said);
    }

    @Test
    void shouldAskForAllSizesAtOnceInTheFormThatIsExpected() {
        long size = Long.parseLong(Command.run("stat", "-L", "-c", "%s", "/bin/sh").output().strip());
        VmFiles files = VmFiles.newBuilder()
                .addRequired(required("/bin/sh", 0100000, size))
                .addRequired(required("/etc/passwd", 0100000, -1))
                .addRequired(required("/etc", 0040000, 0))
                .build();

        String said = run(files, "[ \"$(sizes wanted)\" = \"$(sizes found)\" ] && echo same");

        assertEquals("same\n", said);
    }

    @ParameterizedTest
    @ValueSource(strings = {"relative", "", "/nul\0"})
    void shouldRefusePathsThatNameNothing(String path) {
        VmFiles files = VmFiles.newBuilder().addRequired(required(path, 0100000, -1)).build();

        DecampException e =
                assertThrows(DecampException.class, () -> JobScript.of(JOB, Map.of(), false, 0, files));

        assertEquals("bad-image", e.code());
    }

    @ParameterizedTest
    @ValueSource(strings = {"../../x", "cgroup.procs", "memory.current", "cpu.max/../x"})
    void shouldRefuseToSetWhatIsNoLimit(String file) {
        VmFiles files = VmFiles.newBuilder()
                .addCgroup(CgroupValue.newBuilder().setFile(file).setValue("1"))
                .build();

        DecampException e =
                assertThrows(DecampException.class, () -> JobScript.of(JOB, Map.of(), false, 0, files));

        assertTrue(e.getMessage().contains(file), e.getMessage());
    }

    @Test
    void shouldNameDisksWithinTheBytesOfASerialNumber() {
        assertTrue(JOB.spaceDisk(ProcessTree.MAX_PROCESSES).length() <= 20);
        assertTrue(JOB.standbyDisk(StandbyDisks.MAX_SPACES).length() <= 20);
        assertTrue(JOB.largeJobDisk().length() <= 20);
        assertTrue(JOB.jobDisk().startsWith(JOB.mark()));
    }
}
