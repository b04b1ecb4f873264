package io.decamp.restorer.engine.vm;

import io.decamp.restorer.engine.image.PagemapImage;
import io.decamp.restorer.engine.image.PagemapRun;
import io.decamp.restorer.engine.image.ProcessTree;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * The memory of one process in a restore.
 *
 * @param pagesId N of {@code pages-N.img}, which a disk stands for
 * @param serial number of that disk, whose offset is the virtual address
 * @param ahead runs that the guest is to read before criu comes to them
 */
record JobSpace(int pagesId, String serial, List<PagemapRun> ahead) {
    /** Reading ahead takes a process for each run: only what takes longer to read than that. */
    private static final long AHEAD_MIN_PAGES = 256;

    private static final int AHEAD_RUNS = 4;

    JobSpace {
        ahead = List.copyOf(ahead);
    }

    /** @return the largest runs that are read from the parent images, by the N which these name */
    static Map<Integer, List<PagemapRun>> ahead(Path images, Path parent) {
        Map<Integer, List<PagemapRun>> byPages = new HashMap<>();
        for (int pid : ProcessTree.read(images).pidsWithMemory(images)) {
            Path whole = ProcessTree.pagemap(parent, pid);
            if (Files.exists(whole)) {
                byPages.put(
                        PagemapImage.read(whole).pagesId(),
                        PagemapImage.read(ProcessTree.pagemap(images, pid)).runs().stream()
                                .filter(run -> run.is(PagemapRun.PARENT) && run.pages() >= AHEAD_MIN_PAGES)
                                .sorted(Comparator.comparingLong(PagemapRun::pages).reversed())
                                .limit(AHEAD_RUNS)
                                .toList());
            }
        }
        return byPages;
    }
}
