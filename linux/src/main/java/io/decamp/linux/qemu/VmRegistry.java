package io.decamp.linux.qemu;

import io.decamp.contracts.error.DecampException;
import java.io.IOException;
import java.io.Reader;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.NotDirectoryException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.Properties;
import java.util.regex.Pattern;

/**
 * The VMs of this node: one file {@code vms/NAME.properties} each in its state directory, with {@code qmp=PATH} and,
 * where they apply, {@code agent=PATH} and {@code receives=true}. Read anew each time, so that whoever starts a VM
 * registers it by writing a file. Thread safe.
 */
public final class VmRegistry {
    private static final String SUFFIX = ".properties";
    private static final Pattern NAME = Pattern.compile("[A-Za-z0-9][A-Za-z0-9_.-]{0,62}");

    private final Path directory;

    public VmRegistry(Path stateDirectory) {
        this.directory = stateDirectory.resolve("vms");
    }

    public Path directory() {
        return directory;
    }

    /** By name, in order. @throws DecampException {@code vm-registration} for a file that says nothing usable */
    public List<VmRegistration> all() {
        List<VmRegistration> found = new ArrayList<>();
        try (DirectoryStream<Path> files = Files.newDirectoryStream(directory, "*" + SUFFIX)) {
            for (Path file : files) {
                read(file).ifPresent(found::add);
            }
        } catch (NoSuchFileException | NotDirectoryException e) {
            return List.of();
        } catch (IOException e) {
            throw damaged(directory, "can't be listed", e);
        }
        found.sort(Comparator.comparing(VmRegistration::name));
        return found;
    }

    /** @throws DecampException {@code vm-not-found} */
    public VmRegistration require(String name) {
        return read(directory.resolve(name + SUFFIX))
                .orElseThrow(() -> DecampException.refused(
                        "vm-not-found",
                        "No VM " + name + " is registered on this node",
                        "Write " + directory.resolve(name + SUFFIX) + " with a line qmp=PATH of its monitor socket;"
                                + " known: " + all().stream().map(VmRegistration::name).toList()));
    }

    /**
     * The one that takes what moves here.
     *
     * @throws DecampException {@code vm-no-receiver}, {@code vm-receiver-unclear}
     */
    public VmRegistration receiver() {
        List<VmRegistration> all = all();
        List<VmRegistration> willing =
                all.size() == 1 ? all : all.stream().filter(VmRegistration::receives).toList();
        if (willing.size() == 1) {
            return willing.getFirst();
        }
        List<String> names = all.stream().map(VmRegistration::name).toList();
        throw willing.isEmpty()
                ? DecampException.refused(
                        "vm-no-receiver",
                        "No VM of this node takes workloads that move here; registered: " + names,
                        "Write receives=true into one of the files in " + directory)
                : DecampException.refused(
                        "vm-receiver-unclear",
                        "Several VMs of this node take workloads that move here: "
                                + willing.stream().map(VmRegistration::name).toList(),
                        "Leave receives=true in one of the files in " + directory);
    }

    private static Optional<VmRegistration> read(Path file) {
        String fileName = file.getFileName().toString();
        String name = fileName.substring(0, fileName.length() - SUFFIX.length());
        Properties properties = new Properties();
        try (Reader reader = Files.newBufferedReader(file)) {
            properties.load(reader);
        } catch (NoSuchFileException e) {
            return Optional.empty();
        } catch (IOException | IllegalArgumentException e) {
            throw damaged(file, "can't be read", e);
        }
        if (!NAME.matcher(name).matches()) {
            throw damaged(file, "is named after no VM: '" + name + "'", null);
        }
        String qmp = properties.getProperty("qmp", "").strip();
        if (qmp.isEmpty()) {
            throw damaged(file, "has no line qmp=PATH", null);
        }
        String agent = properties.getProperty("agent", "").strip();
        return Optional.of(new VmRegistration(
                name,
                Path.of(qmp),
                agent.isEmpty() ? Optional.empty() : Optional.of(Path.of(agent)),
                flag(file, properties.getProperty("receives", "false").strip())));
    }

    private static boolean flag(Path file, String value) {
        return switch (value) {
            case "true" -> true;
            case "false" -> false;
            default -> throw damaged(file, "has receives=" + value + ", which is neither true nor false", null);
        };
    }

    private static DecampException damaged(Path file, String what, Throwable cause) {
        return DecampException.abort(
                "vm-registration",
                "Registration " + file + " " + what,
                "See docs/operations.md, \"Virtual machines\"",
                cause);
    }
}
