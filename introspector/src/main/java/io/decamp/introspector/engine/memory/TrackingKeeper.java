package io.decamp.introspector.engine.memory;

import io.decamp.contracts.error.DecampException;
import io.decamp.linux.fd.FileDescriptor;
import io.decamp.linux.spawn.Keeper;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * Has the userfaultfds of one workload, or of one VM, held by a {@link Keeper}, so that tracking goes on while this service is down.
 * A keeper holds what it was started with; when that changes, a new one takes over before the old one ends. What was
 * injected since the last {@link #hold} is lost with the service: that costs shipping those processes again, no more.
 * One thread at a time.
 */
public final class TrackingKeeper implements AutoCloseable {
    private static final int FIRST_NUMBER = 3;

    private final Path file;
    private Keeper keeper;
    private Map<Long, Integer> numbers = Map.of();

    private TrackingKeeper(Path file) {
        this.file = file;
    }

    /** Finds the keeper that an earlier service recorded in a directory, if it still lives. */
    public static TrackingKeeper open(Path directory) {
        TrackingKeeper found = new TrackingKeeper(directory.resolve("keeper"));
        try {
            if (Files.exists(found.file)) {
                found.resume(Files.readAllLines(found.file, StandardCharsets.US_ASCII));
            }
            return found;
        } catch (IOException | NumberFormatException | ArrayIndexOutOfBoundsException e) {
            throw unusable(found.file, e);
        }
    }

    /** @return a descriptor of our own, empty when it is not held */
    public Optional<FileDescriptor> fetch(long spaceId) {
        Integer number = numbers.get(spaceId);
        return keeper == null || number == null || !keeper.isAlive()
                ? Optional.empty()
                : Optional.of(keeper.fetch(number));
    }

    /** From now on exactly these are held. */
    public void hold(Map<Long, FileDescriptor> descriptors) {
        if (keeper != null && keeper.isAlive() && numbers.keySet().equals(descriptors.keySet())) {
            return;
        }
        Keeper old = keeper;
        Map<Long, Integer> newNumbers = new HashMap<>();
        Map<Integer, FileDescriptor> held = new HashMap<>();
        descriptors.forEach((id, descriptor) -> {
            int number = FIRST_NUMBER + held.size();
            newNumbers.put(id, number);
            held.put(number, descriptor);
        });
        keeper = Keeper.start(held);
        numbers = Map.copyOf(newNumbers);
        write();
        if (old != null) {
            old.stop();
            old.close();
        }
    }

    /** Nothing is held any more. */
    public void end() {
        if (keeper != null) {
            keeper.stop();
            keeper.close();
            keeper = null;
        }
        numbers = Map.of();
    }

    /** Gives up the handle; the keeper goes on holding. */
    @Override
    public void close() {
        if (keeper != null) {
            keeper.close();
            keeper = null;
        }
    }

    private void resume(List<String> lines) {
        String[] process = lines.getFirst().split(" ");
        Map<Long, Integer> found = new HashMap<>();
        for (String line : lines.subList(1, lines.size())) {
            String[] w = line.split(" ");
            found.put(Long.parseLong(w[0]), Integer.parseInt(w[1]));
        }
        numbers = Map.copyOf(found);
        keeper = Keeper.find(new Keeper.Record(
                        Integer.parseInt(process[0]), Long.parseLong(process[1]), Set.copyOf(found.values())))
                .orElse(null);
    }

    private void write() {
        List<String> lines = new ArrayList<>();
        lines.add(keeper.record().pid() + " " + keeper.record().startTicks());
        numbers.forEach((id, number) -> lines.add(id + " " + number));
        Path fresh = file.resolveSibling(file.getFileName() + ".new");
        try {
            Files.write(fresh, lines, StandardCharsets.US_ASCII);
            Files.move(fresh, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
        } catch (IOException e) {
            throw unusable(file, e);
        }
    }

    private static DecampException unusable(Path file, Exception cause) {
        return DecampException.abort(
                "keeper-record-unusable",
                "Keeper record " + file + " can't be used",
                "Untrack the workload and protect it again; check that the memory directory is not full",
                cause);
    }
}
