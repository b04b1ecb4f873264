package io.decamp.introspector.engine.vm.files;

import io.decamp.contracts.v1.Finding;
import io.decamp.contracts.v1.VmFiles;
import io.decamp.introspector.engine.vm.guest.GuestKernel;
import io.decamp.introspector.engine.vm.guest.GuestTasks;
import io.decamp.introspector.engine.vm.guest.QemuMemory;
import io.decamp.linux.qemu.Qmp;
import io.decamp.testkit.Await;
import io.decamp.testkit.Command;
import io.decamp.testkit.Victims;
import io.decamp.testkit.vm.GuestSpec;
import io.decamp.testkit.vm.GuestVm;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;

/** A guest with programs in it that have files open, read from outside while the whole machine is stopped. */
final class OpenFilesGuest implements AutoCloseable {
    private static final Duration START_LIMIT = Duration.ofSeconds(20);

    final GuestVm vm;
    private final Qmp qmp;
    final GuestKernel kernel;

    OpenFilesGuest(GuestSpec spec) {
        vm = GuestVm.boot(spec);
        try {
            qmp = Qmp.connect(vm.qmp());
            kernel = QemuMemory.attach(qmp, vm.ram(), null);
        } catch (RuntimeException e) {
            vm.close();
            throw e;
        }
    }

    /** Runs a victim of ours until it says that it is ready. @return its processes, parents first */
    List<Integer> start(String victim, String directory) {
        vm.send(Victims.compiled(victim), "/" + victim);
        vm.shell("rm -rf " + directory + "; mkdir -p " + directory + " && (setsid /" + victim + " " + directory
                        + " < /dev/null > /dev/null 2>&1 &)")
                .check();
        Await.until("the victim", START_LIMIT, () -> vm.shell("[ -e " + directory + "/ready ]").status() == 0);
        return Arrays.stream(vm.shell("pidof " + victim).check().output().strip().split("\\s+"))
                .map(Integer::valueOf)
                .sorted()
                .toList();
    }

    void kill(List<Integer> pids) {
        vm.shell("kill -9 " + words(pids)).check();
        Await.until(
                "the victim's end",
                START_LIMIT,
                () -> vm.shell("ls -d " + words(pids).replaceAll("(\\d+)", "/proc/$1") + " 2> /dev/null")
                        .output()
                        .isEmpty());
    }

    private static String words(List<Integer> pids) {
        return String.join(" ", pids.stream().map(String::valueOf).toList());
    }

    /** Everything that these have open, mapped and executed, while nothing in the machine runs. */
    VmFiles capture(List<Integer> pids, Path to) {
        qmp.execute("stop");
        try {
            return new OpenFilesReading(kernel, pids).capture(to);
        } finally {
            qmp.execute("cont");
        }
    }

    /** What a process has open under that number. */
    Inode opened(int pid, int descriptor) {
        long file = new GuestTasks(kernel)
                .find(pid)
                .orElseThrow()
                .follow("files")
                .follow("fdt")
                .numbers("fd", descriptor + 1)[descriptor];
        return new Inode(kernel.object("file", file).follow("f_inode"));
    }

    /** What can't be carried, while everything runs. */
    List<Finding> check(int pid) {
        return new OpenFilesReading(kernel, List.of(pid)).check();
    }

    /** Its memory as it is now. */
    CopiedGuest copy() throws IOException {
        qmp.execute("stop");
        try {
            return new CopiedGuest(qmp, vm.ram());
        } finally {
            qmp.execute("cont");
        }
    }

    /** criu's own images of the same processes, which go on. */
    void dump(List<Integer> pids, Path to) {
        vm.shell("rm -rf /criu; mkdir /criu && criu dump -t " + pids.getFirst()
                        + " -D /criu -o dump.log --file-locks --leave-running || { tail /criu/dump.log; false; }")
                .check();
        vm.shell("tar -C /criu -cf /criu.tar .").check();
        Path archive = to.resolveSibling(to.getFileName() + ".tar");
        vm.fetch("/criu.tar", archive);
        Command.run("tar", "-C", to.toString(), "-xf", archive.toString()).check();
    }

    /** Puts a directory into the guest. */
    void send(Path directory, String to) {
        Path archive = directory.resolveSibling(directory.getFileName() + ".sent.tar");
        Command.run("tar", "-C", directory.toString(), "-cf", archive.toString(), ".").check();
        vm.send(archive, "/sent.tar");
        vm.shell("rm -rf " + to + "; mkdir -p " + to + " && tar -C " + to + " -xf /sent.tar").check();
    }

    @Override
    public void close() {
        kernel.close();
        qmp.close();
        vm.close();
    }
}
