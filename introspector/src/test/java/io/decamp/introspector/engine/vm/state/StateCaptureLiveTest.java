package io.decamp.introspector.engine.vm.state;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.decamp.contracts.criu.CoreEntry;
import io.decamp.contracts.criu.ItimerEntry;
import io.decamp.contracts.criu.TaskTimersEntry;
import io.decamp.introspector.engine.vm.guest.KernelObject;
import io.decamp.testkit.Host;
import io.decamp.testkit.Scratch;
import io.decamp.testkit.Victims;
import io.decamp.testkit.vm.GuestImage;
import io.decamp.testkit.vm.GuestSpec;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class StateCaptureLiveTest {
    /** What may differ between our images and those that criu 3.17.1 dumps of the same workload. */
    private static final Map<String, String> UNLIKE_CRIU = Map.of(
            ".*\\.cg_set", "the destination decides about cgroups, criu describes its own",
            ".*\\.tc\\.flags", "flags of the kernel's own, which nobody restores; they change with what the task "
                    + "just did",
            ".*\\.timers\\..*\\.v(sec|usec|nsec)", "time went on between the two",
            ".*\\.timers\\.(prof|virt|real)\\.isec", "a timer that rings once has an interval here, else criu drops it",
            ".*\\.notify_thread_id", "criu 3.17.1 writes what happened to be in its memory",
            ".*\\.xsave\\.bndreg_state.*", "criu leaves bound registers out, also where the processor has them",
            "timens-0.img.*", "time went on between the two",
            "pstree\\.img\\[.*\\]\\.threads\\[0\\]", "criu gives a zombie the thread 0; nobody reads it",
            "mm-.*at-.*", "compared apart",
            "inventory.*", "says what this criu is able to do");

    /** What may differ between a workload and its copy. */
    private static final Map<String, String> UNLIKE_COPY = Map.of(
            ".*\\.tc\\.flags", "flags of the kernel's own",
            ".*\\.timers\\..*\\.v(sec|usec|nsec)", "compared apart",
            "timens-0.img.*", "clocks go on",
            "ids-.*_id", "numbers are by the order of the tree, in which children may have changed places",
            "pstree\\.img.*", "compared apart",
            ".*\\.gpregs\\.orig_ax", "who was in a system call that begins anew returned from a signal instead");

    @TempDir
    Path directory;

    @BeforeAll
    static void require() {
        Host.requireGuests();
    }

    @ParameterizedTest
    @EnumSource(GuestImage.Kernel.class)
    void shouldWriteWhatCriuWritesAndBeRestoredByIt(GuestImage.Kernel kernel) throws IOException {
        try (CaptureLab lab = new CaptureLab(GuestSpec.named("state").withKernel(kernel))) {
            lab.guest.send(Victims.compiled("vmstate"), "/tmp/vmstate");
            int pid = lab.start("source", "/tmp/vmstate /tmp/ready");
            lab.awaitFile("/tmp/ready");
            assertEquals(List.of(), StateCapture.check(lab.kernel, lab.init(pid)));

            Path theirs = directory("theirs");
            lab.dump(pid, theirs, "");
            lab.freeze("source", true);
            Path ours = capture(lab, lab.init(pid), "ours");
            assertEquals(List.of(), unlike(ours, theirs, UNLIKE_CRIU));
            comparePages(ImageSet.read(ours), ImageSet.read(theirs));
            lab.addPages(lab.init(pid), ours);
            measure(lab, lab.init(pid));

            lab.kill("source");
            lab.restore(ours, "copy", "criu");
            int copy = lab.pidIn("copy");
            lab.freeze("copy", true);
            Path again = capture(lab, lab.init(copy), "again");
            assertEquals(List.of(), unlike(ours, again, UNLIKE_COPY));
            assertEquals(tree(ours), tree(again));
            compareTimers(ours, again);
            assertEquals("", lab.guest.shell("dmesg | grep -E 'WARNING:|BUG:|Oops'; true").output());
        }
    }

    private Path directory(String name) throws IOException {
        return Files.createDirectory(directory.resolve(name));
    }

    private Path capture(CaptureLab lab, KernelObject init, String name) throws IOException {
        Path images = directory(name);
        StateCapture.write(lab.kernel, init, images);
        return images;
    }

    private static List<String> unlike(Path one, Path other, Map<String, String> allowed) {
        return ImageSet.differences(ImageSet.read(one), ImageSet.read(other), allowed);
    }

    private static List<String> tree(Path images) {
        return ImageSet.read(images).images().get("pstree.img").stream()
                .map(Object::toString)
                .sorted()
                .toList();
    }

    /**
     * Criu copies one page of program text in each process to run its own code there; else the pages must be the same.
     */
    private static void comparePages(ImageSet ours, ImageSet theirs) {
        for (int pid : theirs.pids()) {
            TreeSet<Long> missing = new TreeSet<>(theirs.pages(pid));
            missing.removeAll(ours.pages(pid));
            TreeSet<Long> more = new TreeSet<>(ours.pages(pid));
            more.removeAll(theirs.pages(pid));
            List<String> where = new ArrayList<>();
            missing.forEach(page -> where.add("criu has " + Long.toHexString(page)));
            more.forEach(page -> where.add("we have " + Long.toHexString(page)));
            assertTrue(missing.size() <= 1 && more.size() <= 1, () -> "Pages of process " + pid + ": " + where);
        }
    }

    /** Timers of the copy must be running where those of the source were, and none may have rung or begun anew. */
    private static void compareTimers(Path ours, Path again) {
        TaskTimersEntry before = timers(ours);
        TaskTimersEntry after = timers(again);
        Map<String, Long> left = left(before);
        left(after).forEach((name, seconds) -> {
            long difference = left.get(name) - seconds;
            assertTrue(
                    difference >= -1 && difference < 60,
                    () -> name + " had " + left.get(name) + " s, has " + seconds);
        });
        assertEquals(before.getPosixCount(), after.getPosixCount());
    }

    private static TaskTimersEntry timers(Path images) {
        return ImageSet.read(images).of("core-1.img", CoreEntry.class).getFirst().getTc().getTimers();
    }

    private static Map<String, Long> left(TaskTimersEntry timers) {
        Map<String, Long> left = new HashMap<>();
        Map<String, ItimerEntry> interval =
                Map.of("real", timers.getReal(), "virtual", timers.getVirt(), "profile", timers.getProf());
        interval.forEach((name, timer) -> left.put(name, timer.getVsec()));
        timers.getPosixList().forEach(timer -> left.put("timer " + timer.getItId(), timer.getVsec()));
        return left;
    }

    /** The fastest of some: what it takes when nobody else has the processor. */
    private void measure(CaptureLab lab, KernelObject init) throws IOException {
        long best = Long.MAX_VALUE;
        for (int i = 0; i < 30; i++) {
            Path images = Scratch.onTmpfs("decamp-state");
            long begin = System.nanoTime();
            StateCapture.write(lab.kernel, init, images);
            best = Math.min(best, System.nanoTime() - begin);
            io.decamp.testkit.Trees.delete(images);
        }
        System.out.println("Capture of 5 processes with 7 threads: " + Duration.ofNanos(best));
        assertTrue(best < 20_000_000, "A capture took " + Duration.ofNanos(best));
    }
}
