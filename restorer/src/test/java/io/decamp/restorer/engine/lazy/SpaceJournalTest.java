package io.decamp.restorer.engine.lazy;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.decamp.contracts.error.DecampException;
import io.decamp.linux.abi.UffdAbi;
import io.decamp.restorer.engine.lazy.ServedMap.Extent;
import java.io.IOException;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class SpaceJournalTest {
    @TempDir
    Path directory;

    private Path file;

    @BeforeEach
    void name() {
        file = directory.resolve("space-1.journal");
    }

    @Test
    void shouldGiveASuccessorTheMapAndWhatWasReadButNotHandled() {
        SpaceJournal died = SpaceJournal.create(file, 3, 17, map());
        message(died, 0, UffdAbi.UFFD_EVENT_REMOVE);
        message(died, 1, UffdAbi.UFFD_EVENT_PAGEFAULT);

        try (SpaceJournal successor = SpaceJournal.open(file)) {
            assertEquals(3, successor.space());
            assertEquals(17, successor.containerPid());
            assertEquals(2, successor.size());
            assertEquals(UffdAbi.UFFD_EVENT_REMOVE, successor.event(0));
            assertEquals(map().bytes(), successor.snapshotMap().bytes());
            assertEquals(0x7000, successor.snapshotMap().at(0x5000).originOf(0x5000));
        }
    }

    @Test
    void shouldForgetFaultsThatWereHandled() {
        SpaceJournal died = SpaceJournal.create(file, 1, 1, map());
        message(died, 0, UffdAbi.UFFD_EVENT_PAGEFAULT);
        died.wipe(1);

        try (SpaceJournal successor = SpaceJournal.open(file)) {
            assertEquals(0, successor.size());
        }
    }

    @Test
    void shouldRememberWhichForkIsSafe() {
        SpaceJournal died = SpaceJournal.create(file, 1, 1, map());
        message(died, 0, UffdAbi.UFFD_EVENT_FORK);
        message(died, 1, UffdAbi.UFFD_EVENT_FORK);
        died.handled(0);

        try (SpaceJournal successor = SpaceJournal.open(file)) {
            assertTrue(successor.isHandled(0));
            assertFalse(successor.isHandled(1));
        }
    }

    @Test
    void shouldReplaceSnapshotAndLogAtOnce() {
        SpaceJournal journal = SpaceJournal.create(file, 1, 1, map());
        for (int batch = 0; !journal.isFull(); batch++) {
            message(journal, 0, UffdAbi.UFFD_EVENT_REMOVE);
            journal.keep(SpaceJournal.READ_BATCH);
        }
        ServedMap smaller = new ServedMap();
        smaller.put(new Extent(0x1000, 0x2000, 0x9000));

        journal.snapshot(smaller);

        assertFalse(journal.isFull());
        try (SpaceJournal successor = SpaceJournal.open(file)) {
            assertEquals(2, successor.generation());
            assertEquals(0, successor.size());
            assertEquals(0x1000, successor.snapshotMap().bytes());
        }
        journal.delete();
        assertFalse(Files.exists(file));
    }

    @Test
    void shouldRefuseWhatIsNoJournal() throws IOException {
        for (byte[] content : new byte[][] {{}, new byte[100], new byte[200_000]}) {
            Files.write(file, content);
            assertEquals(
                    "lazy-journal-bad",
                    assertThrows(DecampException.class, () -> SpaceJournal.open(file))
                            .code());
        }
        SpaceJournal.create(file, 1, 1, map()).close();
        byte[] good = Files.readAllBytes(file);
        Files.write(file, java.util.Arrays.copyOf(good, good.length - 1));

        assertThrows(DecampException.class, () -> SpaceJournal.open(file));
    }

    private static ServedMap map() {
        ServedMap map = new ServedMap();
        map.put(new Extent(0x1000, 0x3000, 0x1000));
        map.put(new Extent(0x5000, 0x6000, 0x7000));
        return map;
    }

    /** As the kernel stores it, {@code ahead} messages behind the tail. */
    private static void message(SpaceJournal journal, int ahead, long event) {
        journal.memory()
                .set(
                        ValueLayout.JAVA_BYTE,
                        journal.messageOffset(journal.size() + ahead) + UffdAbi.MESSAGE_EVENT,
                        (byte) event);
    }
}
