package io.decamp.testkit.vm;

import io.decamp.contracts.error.DecampException;
import io.decamp.testkit.Command;
import io.decamp.testkit.Tools;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** The command line of one guest's QEMU, and the files that it makes. */
final class QemuLine {
    /** Kills QEMU and removes its memory when its input ends, so that nothing outlives the program that started it. */
    private static final String KEEPER =
            "ram=$1; shift; \"$@\" </dev/null & qemu=$!; read -r end; kill -9 $qemu; wait $qemu; rm -f \"$ram\"";

    private static final int LOG_TAIL = 4000;

    private final GuestSpec spec;
    private final GuestImage image;
    private final Place place;
    private final Accelerator accelerator;
    private final String ramName;

    QemuLine(GuestSpec spec, GuestImage image, Place place, Accelerator accelerator) {
        this.spec = spec;
        this.image = image;
        this.place = place;
        this.accelerator = accelerator;
        this.ramName =
                place.directory().getFileName() + "-" + ProcessHandle.current().pid() + ".ram";
    }

    /** @return the keeper; closing its input ends QEMU */
    Process start() throws IOException {
        Path qemu = Tools.program("qemu-system-x86_64")
                .orElseThrow(() -> DecampException.refused(
                        "qemu-missing",
                        "There is no qemu-system-x86_64",
                        "apt-get install --no-install-recommends qemu-system-x86"));
        List<String> keeper = new ArrayList<>(List.of("setsid", "sh", "-c", KEEPER, "decamp-vm", ram().toString()));
        keeper.add(qemu.toString());
        keeper.addAll(arguments());
        return new ProcessBuilder(Command.join(place.enter(), keeper))
                .redirectErrorStream(true)
                .redirectOutput(qemuLog().toFile())
                .start();
    }

    private List<String> arguments() {
        String size = spec.memoryMib() + "M";
        List<String> line = new ArrayList<>(List.of("-name", spec.name(), "-accel", accelerator.option()));
        line.addAll(List.of("-cpu", spec.cpuModel(), "-smp", Integer.toString(spec.cpus()), "-m", size));
        line.addAll(List.of("-machine", "pc,memory-backend=ram"));
        line.addAll(List.of("-object", "memory-backend-file,id=ram,share=on,size=" + size + ",mem-path=" + ram()));
        line.addAll(
                List.of("-nodefaults", "-no-user-config", "-display", "none", "-no-reboot", "-device", "vmcoreinfo"));
        line.addAll(List.of(
                "-kernel", image.kernel().toString(), "-initrd", image.initrd().toString()));
        line.addAll(List.of("-append", "console=ttyS1 quiet panic=-1"));
        line.addAll(List.of("-device", "virtio-serial-pci"));
        line.addAll(List.of("-chardev", socket("agent", agent())));
        line.addAll(List.of("-device", "virtserialport,chardev=agent,name=org.qemu.guest_agent.0"));
        line.addAll(List.of("-chardev", socket("data", data())));
        line.addAll(List.of("-device", "virtserialport,chardev=data,name=io.decamp.data"));
        line.addAll(List.of("-qmp", "unix:" + qmp() + ",server=on,wait=off"));
        line.addAll(List.of("-qmp", "unix:" + operator() + ",server=on,wait=off"));
        line.addAll(List.of("-chardev", socket("console", console()), "-serial", "chardev:console"));
        line.addAll(List.of("-serial", "file:" + place.directory().resolve("kernel.log")));
        return line;
    }

    private static String socket(String id, Path path) {
        return "socket,id=" + id + ",server=on,wait=off,path=" + path;
    }

    Path directory() {
        return place.directory();
    }

    Path qmp() {
        return place.directory().resolve("qmp");
    }

    Path operator() {
        return place.directory().resolve("operator");
    }

    Path agent() {
        return place.directory().resolve("agent");
    }

    Path data() {
        return place.directory().resolve("data");
    }

    Path console() {
        return place.directory().resolve("console");
    }

    private Path qemuLog() {
        return place.directory().resolve("qemu.log");
    }

    private Path ram() {
        return place.shared().resolve(ramName);
    }

    Path ramFromHere() {
        return place.sharedFromHere().resolve(ramName);
    }

    String kernelLog() {
        return read(place.directory().resolve("kernel.log"));
    }

    /** The last that QEMU and the guest's kernel said. */
    String log() {
        String all = read(qemuLog()) + kernelLog();
        return all.substring(Math.max(0, all.length() - LOG_TAIL));
    }

    private static String read(Path file) {
        try {
            return Files.exists(file) ? new String(Files.readAllBytes(file), StandardCharsets.ISO_8859_1) : "";
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** For when the keeper could not; a node that is gone took the file with it. */
    void remove() {
        try {
            Files.deleteIfExists(ramFromHere());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
