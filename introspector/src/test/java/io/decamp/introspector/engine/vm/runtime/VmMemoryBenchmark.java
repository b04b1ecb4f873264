package io.decamp.introspector.engine.vm.runtime;

import io.decamp.contracts.id.WorkloadId;
import io.decamp.contracts.page.PageRuns;
import io.decamp.contracts.page.PageSource;
import io.decamp.contracts.port.MemorySource;
import io.decamp.contracts.port.MemorySource.Tasks;
import io.decamp.contracts.port.Segment;
import io.decamp.testkit.ChainSpec;
import io.decamp.testkit.Host;
import io.decamp.testkit.vm.GuestSpec;
import io.decamp.testkit.vm.GuestWorkload;
import org.junit.jupiter.api.Test;

/**
 * Prints what following and reading a process of a guest costs. Not part of the tests: by its name, Surefire skips it.
 */
class VmMemoryBenchmark {
    private static final int MIB = 256;

    @Test
    void measure() {
        Host.requireGuests();
        try (VmLab lab = new VmLab(GuestSpec.named("measured").withMemoryMib(640))) {
            GuestWorkload container = GuestWorkload.start(lab.guest, ChainSpec.of(MIB, 2000));
            WorkloadId id = lab.id(container.pid());
            lab.memory.track(id, 1);
            MemorySource.Scan all = lab.memory.scan(id, 1, Tasks.RUNNING);
            System.out.printf("first scan %d us, %d pages%n", all.scanMicros(), all.written().totalPages());
            for (int round = 2; round < 12; round++) {
                MemorySource.Scan scan = lab.memory.scan(id, round, Tasks.RUNNING);
                System.out.printf(
                        "scan %d us: %d of %d pages%n",
                        scan.scanMicros(), scan.written().totalPages(), scan.trackedBytes() / 4096);
            }
            for (int round = 0; round < 8; round++) {
                System.out.printf("read %.2f GB/s%n", read(lab, id, all));
            }
            lab.memory.untrack(id);
            lab.runtime.find(id);
        }
    }

    private static double read(VmLab lab, WorkloadId id, MemorySource.Scan scan) {
        long bytes = 0;
        long began = System.nanoTime();
        for (int i = 0; i < scan.written().size(); i++) {
            if (scan.written().source(i) != PageSource.BYTES) {
                continue;
            }
            for (int done = 0; done < scan.written().pages(i); done += MemorySource.MAX_READ_BYTES / 4096) {
                PageRuns some = new PageRuns();
                int pages = Math.min(MemorySource.MAX_READ_BYTES / 4096, scan.written().pages(i) - done);
                some.add(
                        scan.written().space(i), scan.written().address(i) + done * 4096L, pages, PageSource.BYTES);
                try (Segment segment = lab.memory.read(id, 99, some)) {
                    bytes += segment.length();
                }
            }
        }
        return (double) bytes / (System.nanoTime() - began);
    }
}
