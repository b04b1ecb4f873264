package io.decamp.testkit;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;

/**
 * A bundle for runc as an engine would write it: the usual namespaces, mounts, masked paths and capabilities of a container,
 * and a root file system that holds one program and its libraries.
 *
 * @param args command inside
 * @param cgroupsPath below each hierarchy's root
 * @param netns path of an existing network namespace, as runc sees it
 * @param binds directories of the host by their place inside
 */
public record OciBundle(List<String> args, String cgroupsPath, Path netns, Map<Path, String> binds) {
    private static final List<String> CAPABILITIES = List.of(
            "CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_FOWNER", "CAP_KILL", "CAP_NET_BIND_SERVICE", "CAP_SETGID", "CAP_SETUID");

    /** Writes {@code config.json} and the root's empty directories into {@code bundle}. */
    public void write(Path bundle) {
        try {
            Path root = bundle.resolve("rootfs");
            List<String> directories = new ArrayList<>(List.of("/proc", "/dev", "/sys", "/tmp", "/data"));
            directories.addAll(binds.values());
            for (String directory : directories) {
                Files.createDirectories(root.resolve(directory.substring(1)));
            }
            Files.writeString(bundle.resolve("config.json"), config());
        } catch (IOException e) {
            throw new UncheckedIOException("Can't write bundle " + bundle, e);
        }
    }

    /** Copies a file to {@code inside}, making directories, following links. */
    static void install(Path bundle, Path file, String inside) {
        try {
            Path target = bundle.resolve("rootfs").resolve(inside.substring(1));
            Files.createDirectories(target.getParent());
            Files.copy(file, target, StandardCopyOption.REPLACE_EXISTING, StandardCopyOption.COPY_ATTRIBUTES);
        } catch (IOException e) {
            throw new UncheckedIOException("Can't install " + file, e);
        }
    }

    private String config() {
        return """
                {
                  "ociVersion": "1.0.2",
                  "process": {
                    "terminal": false,
                    "user": {"uid": 0, "gid": 0},
                    "args": [%s],
                    "env": ["PATH=/usr/bin:/bin"],
                    "cwd": "/data",
                    "capabilities": {"bounding": [%3$s], "effective": [%3$s], "permitted": [%3$s]},
                    "noNewPrivileges": true
                  },
                  "root": {"path": "rootfs", "readonly": false},
                  "hostname": "container",
                  "mounts": [
                    {"destination": "/proc", "type": "proc", "source": "proc"},
                    {"destination": "/dev", "type": "tmpfs", "source": "tmpfs",
                     "options": ["nosuid", "strictatime", "mode=755", "size=65536k"]},
                    {"destination": "/dev/pts", "type": "devpts", "source": "devpts",
                     "options": ["nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620"]},
                    {"destination": "/dev/shm", "type": "tmpfs", "source": "shm",
                     "options": ["nosuid", "noexec", "nodev", "mode=1777", "size=65536k"]},
                    {"destination": "/dev/mqueue", "type": "mqueue", "source": "mqueue",
                     "options": ["nosuid", "noexec", "nodev"]},
                    {"destination": "/sys", "type": "sysfs", "source": "sysfs",
                     "options": ["nosuid", "noexec", "nodev", "ro"]}%s
                  ],
                  "linux": {
                    "cgroupsPath": "%s",
                    "namespaces": [
                      {"type": "pid"}, {"type": "ipc"}, {"type": "uts"}, {"type": "mount"},
                      {"type": "network", "path": "%s"}
                    ],
                    "maskedPaths": ["/proc/acpi", "/proc/kcore", "/proc/keys", "/proc/timer_list", "/sys/firmware"],
                    "readonlyPaths": ["/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"]
                  }
                }
                """
                .replace("[%s]", "[" + quoted(args) + "]")
                .replace("%3$s", quoted(CAPABILITIES))
                .formatted(bindMounts(), cgroupsPath, netns);
    }

    private String bindMounts() {
        return binds.entrySet().stream()
                .map(bind -> """
                        ,
                            {"destination": "%s", "type": "bind", "source": "%s", "options": ["bind", "rw"]}\
                        """.formatted(bind.getValue(), bind.getKey()))
                .collect(Collectors.joining());
    }

    private static String quoted(List<String> words) {
        return words.stream()
                .map(word -> "\"" + word.replace("\\", "\\\\").replace("\"", "\\\"") + "\"")
                .collect(Collectors.joining(", "));
    }
}
