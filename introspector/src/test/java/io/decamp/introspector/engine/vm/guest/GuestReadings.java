package io.decamp.introspector.engine.vm.guest;

import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.stream.Collectors;

/**
 * Tells of a container's processes what {@code /proc} of the guest tells, in its words, but read from outside. {@link
 * GuestFacts} asks the guest: both must say the same.
 */
final class GuestReadings {
    private static final int VM_MAYSHARE = 0x80;
    private static final int O_CLOEXEC = 02000000;

    private final GuestTasks tasks;
    private final GuestVmas vmas;
    private final GuestPaths paths;
    private final Map<String, String> told = new TreeMap<>();

    private GuestReadings(GuestKernel kernel) {
        tasks = new GuestTasks(kernel);
        vmas = new GuestVmas(kernel);
        paths = new GuestPaths(kernel);
    }

    /** @param init the number of a PID namespace's first process */
    static Map<String, String> of(GuestKernel kernel, int init) {
        GuestReadings readings = new GuestReadings(kernel);
        KernelObject first = readings.tasks.find(init).orElseThrow();
        readings.told.put("release", kernel.release());
        readings.told.put("processors", Integer.toString(kernel.cpus()));
        List<KernelObject> members = readings.tasks.inNamespaceOf(first);
        readings.told.put("members", numbers(members));
        members.forEach(readings::process);
        return readings.told;
    }

    private static long pid(KernelObject task) {
        return task.number("pid");
    }

    private static String numbers(List<KernelObject> tasks) {
        return tasks.stream().map(GuestReadings::pid).sorted().map(String::valueOf).collect(Collectors.joining(" "));
    }

    private void process(KernelObject task) {
        String prefix = pid(task) + "/";
        KernelObject mm = task.follow("mm");
        KernelObject root = task.follow("fs").at("root");
        told.put(prefix + "comm", task.text("comm", 16));
        told.put(prefix + "ppid", Long.toString(task.follow("real_parent").number("tgid")));
        told.put(prefix + "nspid", pid(task) + " " + tasks.pidIn(task, tasks.level(task)));
        told.put(prefix + "threads", numbers(tasks.threads(task)));
        told.put(
                prefix + "maps",
                vmas.of(mm).stream().map(v -> mapping(mm, v, root)).collect(Collectors.joining("\n")));
        told.put(prefix + "exe", paths.ofFile(mm.follow("exe_file"), root));
        told.put(prefix + "cwd", paths.path(task.follow("fs").at("pwd"), root));
        told.put(prefix + "cmdline", commandLine(mm));
        descriptors(prefix, task.follow("files").follow("fdt"), root);
    }

    private String mapping(KernelObject mm, KernelObject vma, KernelObject root) {
        long start = vma.number("vm_start");
        long end = vma.number("vm_end");
        long flags = vma.number("vm_flags");
        String permissions = ((flags & 1) != 0 ? "r" : "-")
                + ((flags & 2) != 0 ? "w" : "-")
                + ((flags & 4) != 0 ? "x" : "-")
                + ((flags & VM_MAYSHARE) != 0 ? "s" : "p");
        String range = Long.toHexString(start) + "-" + Long.toHexString(end) + " " + permissions + " ";
        Optional<KernelObject> file = vma.tryFollow("vm_file");
        if (file.isEmpty()) {
            return range + "0 0:0 0 " + special(mm, vma, start, end);
        }
        KernelObject inode = file.get().follow("f_inode");
        long device = inode.follow("i_sb").number("s_dev");
        return range + Long.toHexString(vma.number("vm_pgoff") * GuestRam.PAGE_BYTES) + " "
                + Long.toHexString(device >>> 20) + ":" + Long.toHexString(device & 0xfffff) + " "
                + inode.number("i_ino") + " " + name(file.get(), root);
    }

    private static String special(KernelObject mm, KernelObject vma, long start, long end) {
        if (vma.number("vm_ops") == mm.kernel().symbol("special_mapping_vmops")) {
            return mm.kernel()
                    .object("vm_special_mapping", vma.number("vm_private_data"))
                    .text("name", 64);
        }
        if (start <= mm.number("brk") && end >= mm.number("start_brk")) {
            return "[heap]";
        }
        long stack = mm.number("start_stack");
        return start <= stack && end >= stack ? "[stack]" : "";
    }

    private String name(KernelObject file, KernelObject root) {
        KernelObject dentry = file.follow("f_path.dentry");
        String name = paths.ofFile(file, root);
        return paths.isDeleted(dentry) && !paths.isNameless(dentry) ? name + " (deleted)" : name;
    }

    private static String commandLine(KernelObject mm) {
        long start = mm.number("arg_start");
        byte[] arguments = AddressSpace.of(mm).bytes(start, (int) Math.min(4096, mm.number("arg_end") - start));
        return new String(arguments, java.nio.charset.StandardCharsets.UTF_8).replace('\0', ' ').strip();
    }

    private void descriptors(String prefix, KernelObject table, KernelObject root) {
        int count = (int) Math.min(1024, table.number("max_fds"));
        long[] closing = table.numbers("close_on_exec", (count + 63) / 64);
        for (int i = 0; i < count; i++) {
            int fd = i;
            table.tryElement("fd", fd).ifPresent(file -> {
                boolean close = (closing[fd / 64] >>> fd & 1) != 0;
                told.put(prefix + "fd/" + fd, name(file, root));
                String flags = Long.toOctalString(file.number("f_flags") | (close ? O_CLOEXEC : 0));
                told.put(prefix + "fdinfo/" + fd, file.number("f_pos") + " 0" + flags);
            });
        }
    }
}
