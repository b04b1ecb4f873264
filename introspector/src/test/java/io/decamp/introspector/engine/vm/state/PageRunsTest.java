package io.decamp.introspector.engine.vm.state;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.decamp.contracts.criu.PagemapEntry;
import java.util.List;
import org.junit.jupiter.api.Test;

class PageRunsTest {
    private static PagemapEntry entry(long address, int pages, int flags) {
        return PagemapEntry.newBuilder()
                .setVaddr(address)
                .setCompatNrPages(pages)
                .setFlags(flags)
                .build();
    }

    @Test
    void shouldJoinAdjacentPagesOfOneKind() {
        PageRuns runs = new PageRuns();

        runs.add(0x1000, 0x2000, PageRuns.IN_REPLICA);
        runs.add(0x2000, 0x20_0000, PageRuns.IN_REPLICA);
        runs.add(0x20_0000, 0x20_2000, PageRuns.IN_IMAGE);
        runs.add(0x30_0000, 0x30_1000, PageRuns.IN_IMAGE);

        assertEquals(
                List.of(
                        entry(0x1000, 0x1ff, PageRuns.IN_REPLICA),
                        entry(0x20_0000, 2, PageRuns.IN_IMAGE),
                        entry(0x30_0000, 1, PageRuns.IN_IMAGE)),
                runs.entries());
    }

    @Test
    void shouldEndARunBeforeItsPagesNoLongerFitIntoAnInt() {
        PageRuns runs = new PageRuns();
        long most = (long) Integer.MAX_VALUE << 12;

        runs.add(0, most, PageRuns.IN_REPLICA);
        runs.add(most, most + 4096, PageRuns.IN_REPLICA);

        assertEquals(
                List.of(entry(0, Integer.MAX_VALUE, PageRuns.IN_REPLICA), entry(most, 1, PageRuns.IN_REPLICA)),
                runs.entries());
    }

    @Test
    void shouldRefusePagesThatAreNotInOrder() {
        PageRuns runs = new PageRuns();
        runs.add(0x5000, 0x6000, PageRuns.IN_REPLICA);

        assertThrows(IllegalArgumentException.class, () -> runs.add(0x5000, 0x7000, PageRuns.IN_REPLICA));
    }

    @Test
    void shouldHaveNothingOfAProcessWithoutPages() {
        assertEquals(List.of(), new PageRuns().entries());
    }
}
