package io.decamp.linux.proc;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.junit.jupiter.api.Test;

class ProcParsersTest {
    private static final String STATUS = """
            Name:\tredis: a b
            Umask:\t0022
            State:\tS (sleeping)
            Tgid:\t4711
            Ngid:\t0
            Pid:\t4711
            PPid:\t1
            TracerPid:\t0
            NSpid:\t4711\t12\t1
            VmLck:\t       8 kB
            VmRSS:\t    1024 kB
            Threads:\t5
            SigPnd:\t0000000000000000
            ShdPnd:\t0000000000000100
            Seccomp:\t2
            """;
    private static final String ZOMBIE = """
            Name:\tsh
            State:\tZ (zombie)
            Tgid:\t9
            Pid:\t9
            PPid:\t1
            TracerPid:\t0
            NSpid:\t9
            Threads:\t1
            SigPnd:\t0000000000000000
            ShdPnd:\t0000000000000000
            """;

    @Test
    void shouldReadAStatus() {
        ProcessStatus status = ProcessStatus.parse(STATUS);

        assertEquals(
                new ProcessStatus("redis: a b", 'S', 4711, 1, 0, List.of(4711, 12, 1), 5, 1 << 20, 8192, 0, 0x100, 2),
                status);
        assertEquals(1, status.innermostPid());
    }

    @Test
    void shouldSeeThatAKillIsPending() {
        assertTrue(ProcessStatus.parse(STATUS).isKillPending());
        assertFalse(ProcessStatus.parse(ZOMBIE).isKillPending());
    }

    @Test
    void shouldReadAZombieThatHasNoMemory() {
        ProcessStatus zombie = ProcessStatus.parse(ZOMBIE);

        assertTrue(zombie.isZombie());
        assertEquals(0, zombie.residentBytes());
    }

    @Test
    void shouldRefuseAStatusThatWasCutOff() {
        assertThrows(IllegalArgumentException.class, () -> ProcessStatus.parse("Name:\tx\nState:\tS"));
    }

    @Test
    void shouldReadTheFlagsOfEachMapping() {
        List<VmFlags> flags = VmFlags.parse("""
                7f1c2c000000-7f1c2c021000 rw-p 00000000 00:00 0
                Size:                132 kB
                Locked:                0 kB
                VmFlags: rd wr mr mw me lo uw
                7f1c34000000-7f1c34001000 rw-s 00001000 00:01 2049       /memfd:a-b: c
                AnonHugePages:         0 kB
                VmFlags: rd ht
                """);

        assertEquals(2, flags.size());
        assertTrue(flags.get(0).isLocked());
        assertTrue(flags.get(0).isWriteTracked());
        assertFalse(flags.get(0).isHugeTlb());
        assertEquals(new VmFlags(0x7f1c34000000L, 0x7f1c34001000L, Set.of("rd", "ht")), flags.get(1));
    }

    @Test
    void shouldRefuseFlagsWithoutAMapping() {
        assertThrows(IllegalArgumentException.class, () -> VmFlags.parse("VmFlags: rd"));
        assertThrows(
                IllegalArgumentException.class, () -> VmFlags.parse("7f1c2c000000-7f1c2c021000 rw-p 00000000 00:00 0\n"));
    }

    @Test
    void shouldAgreeWithTheMapsOfThisProcess() {
        int us = (int) ProcessHandle.current().pid();

        List<VmFlags> flags = VmFlags.ofProcess(us).orElseThrow();

        assertTrue(flags.size() > 20);
        assertTrue(flags.stream().anyMatch(one -> one.flags().contains("ex")));
    }

    @Test
    void shouldReadAHybridCgroup() {
        List<CgroupMembership> all = CgroupMembership.parse("""
                4:freezer:/a:b
                2:cpu,cpuacct:/
                1:name=systemd:/init.scope
                0::/user.slice
                """);

        assertEquals(new CgroupMembership(4, Set.of("freezer"), "/a:b"), all.get(0));
        assertEquals(Set.of("cpu", "cpuacct"), all.get(1).controllers());
        assertFalse(all.get(2).isV2());
        assertTrue(all.get(3).isV2());
        assertThrows(IllegalArgumentException.class, () -> CgroupMembership.parse("0:/x"));
    }

    @Test
    void shouldReadMountsWithBlanksInTheirNames() {
        List<Mount> mounts = Mount.parse(
                "36 35 98:0 /mnt1 /mnt/a\\040b\\134 rw,noatime master:1 shared:2 - ext3 /dev/root rw,errors=continue\n"
                        + "37 35 0:5 / /proc rw - proc proc rw\n");

        assertEquals("/mnt/a b\\", mounts.get(0).point());
        assertEquals(Set.of("master:1", "shared:2"), mounts.get(0).tags());
        assertEquals(Set.of("rw", "errors=continue"), mounts.get(0).superOptions());
        assertEquals(Set.of(), mounts.get(1).tags());
        assertThrows(IllegalArgumentException.class, () -> Mount.parse("36 35 98:0 /mnt1 /mnt"));
    }

    @Test
    void shouldSayThatAProcessIsGone() {
        int beyondEveryPid = 4_194_304 + 1;

        assertEquals(Optional.empty(), ProcessStatus.ofProcess(beyondEveryPid));
        assertEquals(Optional.empty(), MapsParser.ofProcess(beyondEveryPid));
        assertEquals(Optional.empty(), PidNamespace.linkOf(beyondEveryPid));
    }
}
