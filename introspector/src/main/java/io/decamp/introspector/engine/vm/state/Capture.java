package io.decamp.introspector.engine.vm.state;

import io.decamp.contracts.criu.CoreEntry;
import io.decamp.contracts.criu.FsEntry;
import io.decamp.contracts.criu.InventoryEntry;
import io.decamp.contracts.criu.SeccompEntry;
import io.decamp.contracts.criu.TaskKobjIdsEntry;
import io.decamp.contracts.v1.VmFiles;
import io.decamp.introspector.engine.vm.files.FileImages;
import io.decamp.introspector.engine.vm.guest.GuestKernel;
import io.decamp.introspector.engine.vm.guest.GuestTasks;
import io.decamp.introspector.engine.vm.guest.KernelObject;
import io.decamp.introspector.engine.vm.guest.PidNumbers;
import io.decamp.introspector.engine.vm.image.Concerns;
import io.decamp.introspector.engine.vm.image.ImageDirectory;
import io.decamp.introspector.engine.vm.image.ImageFile;
import io.decamp.introspector.engine.vm.image.ImageWriter;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * One reading of a workload: first everything is read, which finds what can't be carried; then the images are written.
 */
final class Capture {
    /** {@code CRTOOLS_IMAGES_V1_1}: images begin with a common magic. */
    private static final int IMAGE_VERSION = 2;

    private static final int ROOT_OBJECT = 1;

    /** The clocks of CRIU's own time namespace, which the copy starts from. */
    private static final int ROOT_TIME = 0;

    private final GuestKernel kernel;
    private final KernelObject init;
    private final Concerns concerns;
    private final GuestTasks tasks;
    private final PidNumbers numbers;
    private final GuestClock clock;
    private final FileImages files;
    private final Fpu fpu;
    private final Timers timers;
    private final AddressSpaceState memory;

    /** @param files the number of the table of descriptors */
    private record Living(
            ProcessState process,
            Map<Integer, CoreEntry> cores,
            AddressSpaceState.Images memory,
            FsEntry directories,
            int files) {}

    Capture(GuestKernel kernel, KernelObject init, Concerns concerns) {
        this.kernel = kernel;
        this.init = init;
        this.concerns = concerns;
        tasks = new GuestTasks(kernel);
        numbers = PidNumbers.of(tasks, init);
        clock = GuestClock.of(kernel);
        files = concerns.checksOnly()
                ? FileImages.check(kernel, init, () -> clock.now(GuestClock.MONOTONIC))
                : FileImages.capture(kernel, init, () -> clock.now(GuestClock.MONOTONIC));
        fpu = new Fpu(kernel);
        timers = new Timers(clock, numbers, concerns);
        memory = new AddressSpaceState(kernel, files, concerns);
    }

    void check() {
        Namespaces namespaces = Namespaces.of(kernel, tasks, init, concerns);
        namespaces.check(concerns);
        List<ProcessState> processes = processes(namespaces);
        processes.stream().filter(process -> !process.isDead()).forEach(this::read);
        CgroupState.of(init);
        concerns.addAll(files.findings());
    }

    void write(ImageDirectory images) {
        Namespaces namespaces = Namespaces.of(kernel, tasks, init, concerns);
        namespaces.check(concerns);
        List<ProcessState> processes = processes(namespaces);
        processes.forEach(ProcessState::requireFrozen);
        List<Living> living = new ArrayList<>();
        processes.stream().filter(process -> !process.isDead()).forEach(process -> living.add(read(process)));
        processes.stream()
                .filter(ProcessState::isDead)
                .forEach(process -> cores(images, process.cores(fpu, timers)));
        for (int i = 0; i < living.size(); i++) {
            process(images, living.get(i), i + 1, namespaces);
        }
        whole(images, processes, namespaces);
    }

    private List<ProcessState> processes(Namespaces namespaces) {
        List<ProcessState> processes = new ArrayList<>();
        for (KernelObject leader : tasks.inNamespaceOf(init)) {
            ProcessState process = new ProcessState(leader, tasks, numbers, concerns);
            process.check();
            if (!process.isDead()) {
                process.threads().forEach(thread -> namespaces.check(thread, concerns));
            }
            processes.add(process);
        }
        ProcessState.requireUnshared(processes, "mm", "vm-shared-memory-map", concerns);
        ProcessState.requireUnshared(processes, "fs", "vm-shared-directories", concerns);
        ProcessState.requireUnshared(processes, "sighand", "vm-shared-handlers", concerns);
        return processes;
    }

    private Living read(ProcessState process) {
        int pid = process.pid();
        KernelObject leader = process.leader();
        int descriptors = files.descriptors(leader.follow("files"), pid);
        AddressSpaceState.Images images = memory.read(leader.follow("mm"), pid);
        KernelObject fs = leader.follow("fs");
        FsEntry directories = FsEntry.newBuilder()
                .setCwdId(files.path(fs.at("pwd"), "working directory of process " + pid))
                .setRootId(files.path(fs.at("root"), "root directory of process " + pid))
                .setUmask((int) fs.number("umask"))
                .build();
        return new Living(process, process.cores(fpu, timers), images, directories, descriptors);
    }

    /** @param number of the process among the living; all its objects get one that no other has */
    private void process(ImageDirectory images, Living one, int number, Namespaces namespaces) {
        int pid = one.process.pid();
        cores(images, one.cores);
        one.memory.write(images, number);
        images.write(ImageFile.FS, pid, one.directories);
        int own = number + ROOT_OBJECT;
        images.write(
                ImageFile.IDS,
                pid,
                namespaces
                        .workload()
                        .setVmId(own)
                        .setFilesId(one.files)
                        .setFsId(own)
                        .setSighandId(own)
                        .build());
    }

    private static void cores(ImageDirectory images, Map<Integer, CoreEntry> cores) {
        cores.forEach((thread, core) -> images.write(ImageFile.CORE, thread, core));
    }

    private void whole(ImageDirectory images, List<ProcessState> processes, Namespaces namespaces) {
        images.write(ImageFile.PSTREE, ProcessState.tree(processes));
        images.write(ImageFile.SECCOMP, List.of(SeccompEntry.getDefaultInstance()));
        images.write(ImageFile.TIMENS, ROOT_TIME, clock.asSeenBy(init));
        namespaces.write(images);
        VmFiles.Builder needed = VmFiles.newBuilder()
                .addAllCgroup(CgroupState.of(init))
                .setKernelRelease(kernel.release());
        files.write(images, needed);
        try (ImageWriter part = images.open(StateCapture.FILES_PART)) {
            part.raw(MemorySegment.ofArray(needed.build().toByteArray()));
        }
        // last, as CRIU's own: without it the images are not a save
        images.write(ImageFile.INVENTORY, List.of(inventory()));
    }

    private static InventoryEntry inventory() {
        TaskKobjIdsEntry root = Namespaces.root()
                .setVmId(ROOT_OBJECT)
                .setFilesId(ROOT_OBJECT)
                .setFsId(ROOT_OBJECT)
                .setSighandId(ROOT_OBJECT)
                .build();
        return InventoryEntry.newBuilder()
                .setImgVersion(IMAGE_VERSION)
                .setFdinfoPerId(true)
                .setRootIds(root)
                .setNsPerId(true)
                .setRootCgSet(ProcessState.CGROUP_SET)
                .setLsmtype(0)
                .setNetworkLockMethod(0)
                .build();
    }
}
