package io.decamp.restorer.engine.lazy;

import io.decamp.contracts.error.DecampException;
import io.decamp.contracts.id.WorkloadId;
import io.decamp.linux.pid.ProcessIdentity;
import java.io.IOException;
import java.io.StringReader;
import java.io.StringWriter;
import java.nio.channels.FileChannel;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Properties;
import java.util.stream.Stream;

/**
 * Work directory of the page server of one copy, on the file system of the replica:
 *
 * <pre>
 * lock               held by the living page server; the kernel lets go of it when it dies
 * state              whose it is, whether filling has begun, who the keepers are
 * lazy-pages.socket  for CRIU
 * replica-PID        hard link to the memory of a process: the replica may be dropped meanwhile
 * space-N.journal    see {@link SpaceJournal}
 * </pre>
 */
final class LazyDirectory implements AutoCloseable {
    /** What survives in the file {@code state}. */
    record Saved(WorkloadId workload, boolean filling, int takeOvers, List<ProcessIdentity> keepers) {
        Saved {
            keepers = List.copyOf(keepers);
        }

        Saved withFilling() {
            return new Saved(workload, true, takeOvers, keepers);
        }

        Saved withTakeOver() {
            return new Saved(workload, filling, takeOvers + 1, keepers);
        }

        Saved withKeepers(List<ProcessIdentity> now) {
            return new Saved(workload, filling, takeOvers, now);
        }
    }

    private static final String SOCKET = "lazy-pages.socket";
    private static final String JOURNAL = "space-%d.journal";

    private final Path path;
    private final FileChannel lock;
    private Saved saved;

    private LazyDirectory(Path path, FileChannel lock) {
        this.path = path;
        this.lock = lock;
    }

    /** @throws DecampException {@code lazy-busy} when a page server has it */
    static LazyDirectory create(Path path, WorkloadId workload) {
        try {
            Files.createDirectories(
                    path, PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------")));
            LazyDirectory directory = locked(path);
            if (Files.exists(path.resolve("state"))) {
                directory.close();
                throw DecampException.refused(
                        "lazy-busy",
                        workload + " has an unfinished page server in " + path,
                        "Take it over, or destroy the copy that it serves");
            }
            directory.save(new Saved(workload, false, 0, List.of()));
            return directory;
        } catch (IOException e) {
            throw io("Can't make " + path, e);
        }
    }

    /** What a predecessor has left. @return null when it is alive, or has left nothing that can be taken over */
    static LazyDirectory openLeft(Path path) {
        LazyDirectory directory;
        try {
            directory = locked(path);
        } catch (DecampException alive) {
            return null;
        }
        try {
            directory.saved = read(path.resolve("state"));
            return directory;
        } catch (IOException e) {
            // nothing is stored before the state is: it died while it began
            directory.delete();
            return null;
        }
    }

    private static LazyDirectory locked(Path path) {
        try {
            FileChannel channel = FileChannel.open(
                    path.resolve("lock"), StandardOpenOption.CREATE, StandardOpenOption.WRITE);
            try {
                if (channel.tryLock() != null) {
                    return new LazyDirectory(path, channel);
                }
            } catch (OverlappingFileLockException ours) {
                // a page server of this very process has it
            }
            channel.close();
            throw DecampException.refused(
                    "lazy-busy", "A living page server has " + path, "End it before another one takes over");
        } catch (IOException e) {
            throw io("Can't lock " + path, e);
        }
    }

    Path path() {
        return path;
    }

    Path socket() {
        return path.resolve(SOCKET);
    }

    Path journal(int space) {
        return path.resolve(String.format(JOURNAL, space));
    }

    Path replica(int containerPid) {
        return path.resolve("replica-" + containerPid);
    }

    synchronized Saved saved() {
        return saved;
    }

    synchronized void save(Saved now) {
        Properties text = new Properties();
        text.setProperty("workload", now.workload().value());
        text.setProperty("filling", Boolean.toString(now.filling()));
        text.setProperty("take-overs", Integer.toString(now.takeOvers()));
        StringBuilder keepers = new StringBuilder();
        now.keepers().forEach(k -> keepers.append(k.pid()).append(':').append(k.startTicks()).append(' '));
        text.setProperty("keepers", keepers.toString().strip());
        try (StringWriter out = new StringWriter()) {
            text.store(out, null);
            Path fresh = Files.writeString(path.resolve("state.new"), out.toString());
            Files.move(fresh, path.resolve("state"), StandardCopyOption.ATOMIC_MOVE);
            saved = now;
        } catch (IOException e) {
            throw io("Can't write " + path.resolve("state"), e);
        }
    }

    private static Saved read(Path file) throws IOException {
        Properties text = new Properties();
        text.load(new StringReader(Files.readString(file)));
        List<ProcessIdentity> keepers = new ArrayList<>();
        for (String keeper : text.getProperty("keepers", "").split(" ")) {
            int colon = keeper.indexOf(':');
            if (colon > 0) {
                keepers.add(new ProcessIdentity(
                        Integer.parseInt(keeper.substring(0, colon)), Long.parseLong(keeper.substring(colon + 1))));
            }
        }
        return new Saved(
                new WorkloadId(text.getProperty("workload")),
                Boolean.parseBoolean(text.getProperty("filling")),
                Integer.parseInt(text.getProperty("take-overs")),
                keepers);
    }

    void linkReplica(int containerPid, Path file) {
        try {
            Files.createLink(replica(containerPid), file);
        } catch (IOException e) {
            throw new DecampException(
                    DecampException.Category.REFUSED,
                    "replica-incomplete",
                    "Can't link " + file + " into " + path,
                    "The replica must be complete and on the file system of " + path,
                    e);
        }
    }

    /** In the order of their numbers: parents before children. */
    List<Path> journals() {
        try (Stream<Path> files = Files.list(path)) {
            return files.filter(file -> file.getFileName().toString().matches("space-[0-9]+\\.journal"))
                    .sorted(Comparator.comparingInt(LazyDirectory::number))
                    .toList();
        } catch (IOException e) {
            throw io("Can't list " + path, e);
        }
    }

    private static int number(Path journal) {
        String name = journal.getFileName().toString();
        return Integer.parseInt(name.substring(name.indexOf('-') + 1, name.indexOf('.')));
    }

    /** All of it, and the lock. Only files: nothing else is ever in it. */
    void delete() {
        try (DirectoryStream<Path> files = Files.newDirectoryStream(path)) {
            for (Path file : files) {
                Files.delete(file);
            }
            Files.delete(path);
        } catch (IOException e) {
            throw io("Can't remove " + path, e);
        } finally {
            close();
        }
    }

    /** Leaves it for a successor. */
    @Override
    public void close() {
        try {
            lock.close();
        } catch (IOException e) {
            throw io("Can't unlock " + path, e);
        }
    }

    private static DecampException io(String what, IOException cause) {
        return DecampException.abort(
                "lazy-directory-io", what, "Check the node's memory directory: it must exist and have room", cause);
    }
}
