package io.decamp.testkit.vm;

import io.decamp.testkit.Trees;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;

/**
 * What saving from outside is compared with: the guest's own criu, the usual way. It dumps to a tmpfs, so that no disk
 * is measured, and restores in another guest; the way of the images between the guests is not measured.
 */
public final class InGuestCriu {
    private static final Duration LIMIT = Duration.ofMinutes(2);
    private static final String IMAGES = "/run/criu-images";
    private static final String ARCHIVE = "/run/criu-images.tar";
    private static final String CGROUP = "/sys/fs/cgroup/workload";

    /**
     * @param dumpMillis from the call of criu in the guest until it has written all; the container stands still for all
     *     but its first moments
     * @param restoreMillis the same of criu restore
     * @param imageBytes all images
     */
    public record Move(double dumpMillis, double restoreMillis, long imageBytes) {}

    private InGuestCriu() {}

    /** Moves the copy in {@code from}. Its processes are killed stopped, so that none runs on after the dump. */
    public static Move move(GuestWorkload workload, GuestVm from, GuestVm to) {
        int pid = workload.pidIn(from).orElseThrow(() -> new AssertionError("No copy runs in guest " + from.name()));
        for (GuestVm guest : new GuestVm[] {from, to}) {
            guest.shell("rm -rf " + IMAGES + " " + ARCHIVE + " && mkdir " + IMAGES)
                    .check();
        }
        GuestResult dump = criu(from, "dump", "--leave-stopped --tree " + pid);
        from.shell("echo 1 > " + CGROUP + "/cgroup.kill").check();
        long bytes = Long.parseLong(from.shell("du -sk " + IMAGES + " | cut -f 1")
                        .check()
                        .output()
                        .strip())
                << 10;
        carry(from, to);
        GuestResult restore = criu(to, "restore", "--restore-detached");
        return new Move(dump.took().toNanos() / 1e6, restore.took().toNanos() / 1e6, bytes);
    }

    private static GuestResult criu(GuestVm guest, String action, String options) {
        String log = IMAGES + "/" + action + ".log";
        return guest.shell(
                        "criu " + action + " --images-dir " + IMAGES + " --log-file " + log
                                + " -v1 --manage-cgroups=ignore " + options + " || { cat " + log + "; false; }",
                        LIMIT)
                .check();
    }

    private static void carry(GuestVm from, GuestVm to) {
        String logs = "tmp/workload/chain.log tmp/workload/records tmp/workload/records.errors";
        from.shell("tar -c -f " + ARCHIVE + " -C / " + IMAGES.substring(1) + " " + logs, LIMIT)
                .check();
        try {
            Path directory = Files.createTempDirectory("decamp-criu-images");
            try {
                Path archive = directory.resolve("images.tar");
                from.fetch(ARCHIVE, archive);
                to.send(archive, ARCHIVE);
            } finally {
                Trees.delete(directory);
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        from.shell("rm -rf " + IMAGES + " " + ARCHIVE).check();
        to.shell("tar -x -f " + ARCHIVE + " -C / && rm " + ARCHIVE, LIMIT).check();
    }
}
