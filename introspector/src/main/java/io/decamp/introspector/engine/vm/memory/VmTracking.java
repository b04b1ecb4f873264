package io.decamp.introspector.engine.vm.memory;

import io.decamp.introspector.engine.memory.TrackingKeeper;
import io.decamp.linux.qemu.QemuRam;
import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * The tracking of one VM for as long as any workload needs it. Who needs it is written down, one empty file each, so
 * that it ends with the last one also after a restart of the service. Thread safe.
 */
public final class VmTracking implements AutoCloseable {
    private final QemuRam ram;
    private final Path directory;
    private RamTracking tracking;

    /** @param memoryDirectory of the node */
    public VmTracking(QemuRam ram, Path memoryDirectory) {
        this.ram = ram;
        this.directory = directory(memoryDirectory, ram.vm());
    }

    private static Path directory(Path memoryDirectory, String vm) {
        return memoryDirectory.resolve("vm-tracking").resolve(vm);
    }

    /** @param user single file name */
    public synchronized RamTracking use(String user) {
        if (tracking == null) {
            tracking = RamTracking.open(ram, directory);
        }
        try {
            Path users = Files.createDirectories(users(directory));
            if (Files.notExists(users.resolve(user))) {
                Files.createFile(users.resolve(user));
            }
            return tracking;
        } catch (IOException e) {
            throw WriteStamps.unusable(directory, e);
        }
    }

    /** Idempotent. */
    public synchronized void unuse(String user) {
        if (isLast(directory, user)) {
            if (tracking != null) {
                tracking.end();
                tracking = null;
            } else {
                discard(directory);
            }
        }
    }

    /** The same for a VM that is not there any more. */
    public static void unuse(Path memoryDirectory, String vm, String user) {
        Path directory = directory(memoryDirectory, vm);
        if (isLast(directory, user)) {
            discard(directory);
        }
    }

    /** The VMs whose tracking a workload is written down for: one, or none. */
    public static List<String> usedBy(Path memoryDirectory, String user) {
        List<String> found = new ArrayList<>();
        try (DirectoryStream<Path> all = Files.newDirectoryStream(memoryDirectory.resolve("vm-tracking"))) {
            for (Path each : all) {
                if (Files.exists(users(each).resolve(user))) {
                    found.add(each.getFileName().toString());
                }
            }
        } catch (NoSuchFileException none) {
            return found;
        } catch (IOException e) {
            throw WriteStamps.unusable(memoryDirectory, e);
        }
        return found;
    }

    private static boolean isLast(Path directory, String user) {
        Path users = users(directory);
        if (Files.notExists(users)) {
            return Files.exists(directory);
        }
        try {
            Files.deleteIfExists(users.resolve(user));
            try (DirectoryStream<Path> left = Files.newDirectoryStream(users)) {
                return !left.iterator().hasNext();
            }
        } catch (IOException e) {
            throw WriteStamps.unusable(directory, e);
        }
    }

    private static void discard(Path directory) {
        TrackingKeeper keeper = TrackingKeeper.open(directory);
        keeper.end();
        keeper.close();
        WriteStamps.delete(directory);
    }

    private static Path users(Path directory) {
        return directory.resolve("users");
    }

    /** Gives up the handle; the tracking goes on. */
    @Override
    public synchronized void close() {
        if (tracking != null) {
            tracking.close();
            tracking = null;
        }
    }
}
