package io.decamp.introspector.engine.vm.state;

import io.decamp.contracts.criu.PagemapEntry;
import io.decamp.contracts.criu.PagemapHead;
import io.decamp.introspector.engine.vm.guest.GuestKernel;
import io.decamp.introspector.engine.vm.guest.GuestRam;
import io.decamp.introspector.engine.vm.guest.GuestTasks;
import io.decamp.introspector.engine.vm.guest.KernelObject;
import io.decamp.introspector.engine.vm.guest.MemoryLayout;
import io.decamp.introspector.engine.vm.guest.VmcoreInfo;
import io.decamp.introspector.engine.vm.image.ImageDirectory;
import io.decamp.introspector.engine.vm.image.ImageFile;
import io.decamp.introspector.engine.vm.image.ImageWriter;
import io.decamp.linux.qemu.Qmp;
import io.decamp.testkit.Command;
import io.decamp.testkit.vm.GuestSpec;
import io.decamp.testkit.vm.GuestVm;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;

/** A guest whose memory is read from here, and workloads in it that its own cgroup freezer freezes. */
final class CaptureLab implements AutoCloseable {
    private static final Duration CRIU_LIMIT = Duration.ofSeconds(120);

    final GuestVm guest;
    final GuestKernel kernel;
    final GuestTasks tasks;

    CaptureLab(GuestSpec spec) throws IOException {
        guest = GuestVm.boot(spec);
        try (Qmp qmp = Qmp.connect(guest.qmp())) {
            MemoryLayout layout = MemoryLayout.parse(qmp.hmp("info mtree -f"), "ram");
            VmcoreInfo info = VmcoreInfo.scan(guest.ram(), layout, any -> true).orElseThrow();
            kernel = GuestKernel.attach(GuestRam.open(guest.ram(), layout), info);
        } catch (IOException | RuntimeException e) {
            guest.close();
            throw e;
        }
        tasks = new GuestTasks(kernel);
    }

    /** Starts the command as init of a PID namespace in a cgroup of that name. Returns its PID in the guest. */
    int start(String cgroup, String command) {
        return start(cgroup, "setsid " + command, "");
    }

    /** @param namespaces more options for unshare */
    int start(String cgroup, String command, String namespaces) {
        guest.shell("mkdir -p /sys/fs/cgroup/" + cgroup + "; cd /; sh -c 'echo $$ > /sys/fs/cgroup/" + cgroup
                        + "/cgroup.procs; exec unshare -p -f " + namespaces + " " + command + "' </dev/null "
                                + ">/dev/null 2>&1 &")
                .check();
        return Integer.parseInt(guest.shell("i=0; while [ $i -lt 100 ]; do for p in $(cat /sys/fs/cgroup/" + cgroup
                        + "/cgroup.procs); do grep -q '^NSpid:.*[[:space:]]1$' /proc/$p/status && "
                        + "! grep -q '^Name:.*unshare' /proc/$p/status && echo $p && exit; done; i=$((i+1)); "
                                + "sleep 0.1; done; exit 1")
                .check()
                .output()
                .strip());
    }

    /** Takes a running workload into a cgroup of that name. */
    void adopt(String cgroup, int init) {
        guest.shell("mkdir -p /sys/fs/cgroup/" + cgroup + "; for p in $(ls /proc | grep '^[0-9]'); do "
                        + "[ \"$(readlink /proc/$p/ns/pid)\" = \"$(readlink /proc/" + init + "/ns/pid)\" ] && "
                                + "echo $p > /sys/fs/cgroup/"
                        + cgroup + "/cgroup.procs; done; true")
                .check();
    }

    void awaitFile(String path) {
        guest.shell("i=0; while [ ! -e " + path + " ]; do i=$((i+1)); [ $i -lt 200 ] || exit 1; sleep 0.1; done")
                .check();
    }

    KernelObject init(int pid) {
        return tasks.find(pid).orElseThrow();
    }

    void freeze(String cgroup, boolean frozen) {
        String directory = "/sys/fs/cgroup/" + cgroup;
        guest.shell("echo " + (frozen ? 1 : 0) + " > " + directory + "/cgroup.freeze; i=0; until grep -q 'frozen "
                        + (frozen ? 1 : 0) + "' " + directory
                        + "/cgroup.events; do i=$((i+1)); [ $i -lt 100 ] || exit 1; sleep 0.1; done")
                .check();
    }

    /** Ends all that is in the cgroup, frozen or not, and removes it. */
    void kill(String cgroup) {
        String directory = "/sys/fs/cgroup/" + cgroup;
        guest.shell("echo 1 > " + directory + "/cgroup.kill; echo 0 > " + directory
                        + "/cgroup.freeze; i=0; until rmdir " + directory
                        + " 2>/dev/null; do i=$((i+1)); [ $i -lt 100 ] || exit 1; sleep 0.1; done")
                .check();
    }

    /** Pages that the images leave to the replica are put into the images, so that plain criu can restore them. */
    void addPages(KernelObject init, Path images) throws IOException {
        for (KernelObject leader : tasks.inNamespaceOf(init)) {
            if (leader.number("mm") == 0) {
                continue;
            }
            int pid = tasks.pidIn(leader, tasks.level(init));
            ImageSet set = ImageSet.read(images);
            int pagesId = set.of("pagemap-" + pid + ".img", PagemapHead.class).getFirst().getPagesId();
            byte[] own = Files.readAllBytes(images.resolve("pages-" + pagesId + ".img"));
            long pgd = kernel.physical(leader.follow("mm").number("pgd"));
            ImageDirectory rewritten = new ImageDirectory(images);
            try (ImageWriter pagemap = rewritten.open(ImageFile.PAGEMAP, pid);
                    ImageWriter pages = rewritten.open(ImageFile.PAGES, pagesId)) {
                pagemap.message(PagemapHead.newBuilder().setPagesId(pagesId).build());
                int at = 0;
                for (PagemapEntry run : set.of("pagemap-" + pid + ".img", PagemapEntry.class)) {
                    pagemap.message(run.toBuilder().setFlags(PageRuns.IN_IMAGE).build());
                    for (int i = 0; i < run.getCompatNrPages(); i++) {
                        if (run.getFlags() == PageRuns.IN_IMAGE) {
                            pages.raw(java.lang.foreign.MemorySegment.ofArray(own).asSlice(at, 4096));
                            at += 4096;
                        } else {
                            pages.raw(page(pgd, run.getVaddr() + i * 4096L));
                        }
                    }
                }
            }
        }
    }

    private java.lang.foreign.MemorySegment page(long pgd, long va) {
        long entry = kernel.pageTables().entry(pgd, va);
        if ((entry & 1) == 0) {
            return kernel.ram().slice(io.decamp.introspector.engine.vm.guest.PageTables.frame(entry, 4096), 4096);
        }
        return kernel.ram().slice(kernel.pageTables().translate(pgd, va), 4096);
    }

    /** Plain criu restores the images in the guest, into a cgroup of that name. */
    void restore(Path images, String cgroup, String criu) throws IOException {
        Path tar = Files.createTempFile("images", ".tar");
        try {
            Command.run(List.of("tar", "-C", images.toString(), "-cf", tar.toString(), "."));
            guest.send(tar, "/img/in.tar");
        } finally {
            Files.delete(tar);
        }
        var result = guest.shell(
                "rm -rf /img/in; mkdir -p /img/in /sys/fs/cgroup/" + cgroup + "; cd /img/in; tar xf ../in.tar; "
                        + "sh -c 'echo $$ > /sys/fs/cgroup/"
                        + cgroup + "/cgroup.procs; exec " + criu
                        + " restore -d -D /img/in -o log -v4 --manage-cgroups=ignore' </dev/null >/dev/null 2>&1",
                CRIU_LIMIT);
        if (result.status() != 0) {
            throw new AssertionError("criu refuses the images: " + guest.shell("tail -n 25 /img/in/log").output());
        }
    }

    int pidIn(String cgroup) {
        return Integer.parseInt(guest.shell("for p in $(cat /sys/fs/cgroup/" + cgroup
                        + "/cgroup.procs); do grep -q '^NSpid:.*[[:space:]]1$' /proc/$p/status && echo $p; done; true")
                .check()
                .output()
                .strip());
    }

    /** Plain criu dumps the workload in the guest and lets it run; its images are fetched. */
    void dump(int pid, Path to, String options) throws IOException {
        var result = guest.shell(
                "rm -rf /img/out; mkdir -p /img/out; criu dump -t " + pid + " -D /img/out -o log -v4 -R " + options
                        + " </dev/null >/dev/null 2>&1",
                CRIU_LIMIT);
        if (result.status() != 0) {
            throw new AssertionError("criu doesn't dump: " + guest.shell("tail -n 25 /img/out/log").output());
        }
        guest.shell("rm -f /img/out/pages*; tar -C /img/out -cf /img/out.tar .").check();
        Path tar = Files.createTempFile("images", ".tar");
        try {
            guest.fetch("/img/out.tar", tar);
            Command.run(List.of("tar", "-C", to.toString(), "-xf", tar.toString()));
        } finally {
            Files.delete(tar);
        }
    }

    @Override
    public void close() {
        kernel.close();
        guest.close();
    }
}
