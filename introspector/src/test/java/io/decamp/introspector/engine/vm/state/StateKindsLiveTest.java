package io.decamp.introspector.engine.vm.state;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.decamp.contracts.error.DecampException;
import io.decamp.contracts.v1.CgroupValue;
import io.decamp.contracts.v1.Finding;
import io.decamp.contracts.v1.VmFiles;
import io.decamp.testkit.Host;
import io.decamp.testkit.Victims;
import io.decamp.testkit.vm.GuestSpec;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Collectors;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class StateKindsLiveTest {
    private static final String PROGRAM = "/tmp/unmovable";

    private static CaptureLab lab;

    @TempDir
    Path directory;

    @BeforeAll
    static void boot() throws IOException {
        Host.requireGuests();
        lab = new CaptureLab(GuestSpec.named("kinds"));
        lab.guest.send(Victims.compiled("unmovable"), PROGRAM);
    }

    @AfterAll
    static void end() {
        if (lab != null) {
            lab.close();
        }
    }

    private static int start(String kind, String session, String namespaces) {
        lab.guest.shell("rm -f /tmp/made");
        int pid = lab.start("source", session + PROGRAM + " " + kind + " /tmp/made", namespaces);
        lab.awaitFile("/tmp/made");
        return pid;
    }

    private static List<String> codes(int pid) {
        return StateCapture.check(lab.kernel, lab.init(pid)).stream()
                .map(Finding::getCode)
                .distinct()
                .toList();
    }

    @Test
    void shouldNameEverythingThatCantBeCarriedWhileItRuns() {
        Map<String, String> expected = new TreeMap<>(Map.of(
                "shared-memory", "vm-shared-memory",
                "sysv", "vm-shared-memory",
                "filter", "vm-seccomp-filter",
                "userfaultfd", "vm-userfaultfd",
                "traced", "vm-traced",
                "memory", "vm-shared-memory-map",
                "directories", "vm-shared-directories",
                "descriptors", "vm-thread-descriptors",
                "timer", "vm-timer-clock",
                "aio", "vm-aio"));
        expected.putAll(Map.of(
                "namespace", "vm-nested-namespace",
                "landlock", "vm-lsm-profile",
                "key", "vm-cpu-state",
                "dispatch", "vm-syscall-dispatch",
                "undo", "vm-sysv-ipc",
                "future", "vm-not-restored",
                "affinity", "vm-not-restored"));
        List<String> wrong = new ArrayList<>();
        expected.forEach((kind, code) -> {
            List<String> found = codes(start(kind, "setsid ", ""));
            if (!found.contains(code)) {
                wrong.add(kind + " is told as " + found);
            }
            lab.kill("source");
        });
        // semaphores outlive who made them
        lab.guest.shell(PROGRAM + " settled /tmp/made").check();
        assertEquals(List.of(), wrong);
    }

    @Test
    void shouldRefuseNamespacesThatItDoesNotCarryAndTakeThoseItDoes() {
        Map<String, List<String>> expected = Map.of(
                "-m", List.of("vm-mount-namespace"),
                "-n", List.of("vm-network-namespace"),
                "-U", List.of("vm-user-namespace"),
                "-u -i", List.of());
        expected.forEach((namespaces, codes) -> {
            assertEquals(codes, codes(start("nothing", "setsid ", namespaces)), namespaces);
            lab.kill("source");
        });
    }

    @Test
    void shouldRefuseASessionFromOutside() {
        assertEquals(List.of("vm-session-outside"), codes(start("nothing", "", "")));
        lab.kill("source");
    }

    @Test
    void shouldRefuseAProcessThatEnteredFromOutside() {
        int pid = start("nothing", "setsid ", "");
        lab.guest.shell("(nsenter -t " + pid + " -p setsid sleep 1000 </dev/null >/dev/null 2>&1 &); i=0; "
                        + "until [ $(grep -l '^Name:.*sleep' /proc/[0-9]*/status 2>/dev/null | wc -l) -gt 0 ]; do "
                        + "i=$((i+1)); [ $i -lt 100 ] || exit 1; sleep 0.1; done")
                .check();
        assertEquals(List.of("vm-parent-outside"), codes(pid));
        lab.kill("source");
    }

    @Test
    void shouldNameTheAppArmorProfileThatConfinesIt() throws IOException {
        Path profile = Files.write(directory.resolve("profile"), AppArmorProfile.complaining("decamp-test"));
        lab.guest.send(profile, "/tmp/profile");
        lab.guest.shell("mount -t securityfs none /sys/kernel/security 2>/dev/null; "
                        + "cat /tmp/profile > /sys/kernel/security/apparmor/.load")
                .check();
        lab.guest.shell("rm -f /tmp/made; printf '#!/bin/sh\\n"
                        + "echo changeprofile decamp-test > /proc/self/attr/current\\n"
                        + "exec " + PROGRAM + " nothing /tmp/made\\n' > /tmp/confined; chmod +x /tmp/confined")
                .check();
        int pid = lab.start("source", "setsid /tmp/confined", "");
        lab.awaitFile("/tmp/made");

        Finding finding = StateCapture.check(lab.kernel, lab.init(pid)).getFirst();

        assertEquals("vm-lsm-profile", finding.getCode());
        assertTrue(finding.getWhat().contains("decamp-test"), finding.getWhat());
        lab.kill("source");
    }

    @Test
    void shouldRefuseToSaveWhatIsNotFrozen() {
        int pid = start("nothing", "setsid ", "");

        DecampException refusal = assertThrows(
                DecampException.class, () -> StateCapture.write(lab.kernel, lab.init(pid), directory));

        assertEquals("not-frozen", refusal.code());
        lab.kill("source");
    }

    @Test
    void shouldCarryTheHostNameAndTheValuesOfItsCgroup() throws IOException {
        lab.guest.shell("for c in memory cpu pids; do echo +$c > /sys/fs/cgroup/cgroup.subtree_control; done").check();
        int pid = start("nothing", "setsid ", "-u -i");
        lab.guest.shell("nsenter -u -t " + pid + " hostname carried").check();
        Map<String, String> limits = Map.of(
                "memory.max", "268435456",
                "memory.high", "201326592",
                "memory.low", "4096",
                "cpu.max", "70000 100000",
                "cpu.weight", "250",
                "pids.max", "50");
        limits.forEach((file, value) ->
                lab.guest.shell("echo '" + value + "' > /sys/fs/cgroup/source/" + file).check());
        lab.freeze("source", true);

        StateCapture.write(lab.kernel, lab.init(pid), directory);

        VmFiles files = VmFiles.parseFrom(Files.readAllBytes(directory.resolve(StateCapture.FILES_PART)));
        Map<String, String> carried =
                files.getCgroupList().stream().collect(Collectors.toMap(CgroupValue::getFile, CgroupValue::getValue));
        carried.forEach((file, value) -> assertEquals(
                lab.guest.shell("cat /sys/fs/cgroup/source/" + file).check().output().strip(), value, file));
        limits.forEach((file, value) -> assertEquals(value, carried.get(file), file));
        lab.addPages(lab.init(pid), directory);
        lab.kill("source");
        lab.restore(directory, "copy", "criu");
        String name = lab.guest.shell("nsenter -u -t " + lab.pidIn("copy") + " hostname").check().output();
        assertEquals("carried", name.strip());
        lab.kill("copy");
    }
}
