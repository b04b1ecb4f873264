package io.decamp.introspector.engine.vm.files;

import io.decamp.contracts.v1.Finding;
import io.decamp.contracts.v1.VmFiles;
import io.decamp.introspector.engine.vm.guest.GuestFault;
import io.decamp.introspector.engine.vm.guest.GuestFault.Reason;
import io.decamp.introspector.engine.vm.guest.GuestKernel;
import io.decamp.introspector.engine.vm.guest.GuestTasks;
import io.decamp.introspector.engine.vm.guest.GuestVmas;
import io.decamp.introspector.engine.vm.guest.KernelObject;
import io.decamp.introspector.engine.vm.image.ImageDirectory;
import java.nio.file.Path;
import java.util.List;

/** Reads all that some processes have open, mapped and executed, as a save does. */
record OpenFilesReading(GuestKernel kernel, List<Integer> pids) {
    /** Where the timekeeper lies behind its sequence counter. */
    private static final int TIMEKEEPER = 8;

    VmFiles capture(Path to) {
        VmFiles.Builder files = VmFiles.newBuilder();
        FileImages images = FileImages.capture(kernel, task(pids.getFirst()), this::monotonicNanos);
        name(images);
        ImageDirectory directory = new ImageDirectory(to);
        images.write(directory, files);
        directory.parts();
        return files.build();
    }

    List<Finding> check() {
        FileImages images = FileImages.check(kernel, task(pids.getFirst()), this::monotonicNanos);
        name(images);
        return images.findings();
    }

    private void name(FileImages images) {
        for (int pid : pids) {
            KernelObject task = task(pid);
            KernelObject mm = task.follow("mm");
            images.regular(mm.follow("exe_file"), "executable of " + pid);
            for (KernelObject vma : new GuestVmas(kernel).of(mm)) {
                vma.tryFollow("vm_file").ifPresent(file -> images.mapped(file, 0, "mapping of " + pid));
            }
            images.descriptors(task.follow("files"), pid);
            images.path(task.follow("fs").at("pwd"), "cwd of " + pid);
            images.path(task.follow("fs").at("root"), "root of " + pid);
        }
    }

    private KernelObject task(int pid) {
        return new GuestTasks(kernel)
                .find(pid)
                .orElseThrow(() -> new GuestFault(Reason.NULL, "There is no process " + pid));
    }

    private long monotonicNanos() {
        KernelObject keeper = kernel.object("timekeeper", kernel.symbol("tk_core") + TIMEKEEPER);
        return keeper.number("tkr_mono.base")
                + (keeper.number("tkr_mono.xtime_nsec") >>> keeper.number("tkr_mono.shift"));
    }
}
