package io.decamp.restorer.engine.image;

import java.nio.file.Path;
import java.util.List;

/**
 * What a page server has to know of one process.
 *
 * @param containerPid the PID by which CRIU announces it
 * @param replicaFile sparse, file offset == virtual address at the time of the freeze
 * @param runs where the replica is to be read; everything else of the process's lazy mappings is zero
 */
public record ServedProcess(int containerPid, Path replicaFile, List<PagemapRun> runs) {
    public ServedProcess {
        runs = List.copyOf(runs);
    }
}
