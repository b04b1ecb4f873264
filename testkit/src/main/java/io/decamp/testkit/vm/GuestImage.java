package io.decamp.testkit.vm;

import io.decamp.contracts.error.DecampException;
import io.decamp.testkit.Command;
import io.decamp.testkit.Repository;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Locale;
import java.util.Map;
import java.util.Set;

/**
 * What a guest boots from: a Debian kernel and an initramfs with busybox, criu 3.17.1, qemu-guest-agent, stress-ng and
 * memcached, made by {@code deploy/lab/guest-image.sh} and kept below {@code DECAMP_HOME}.
 *
 * @param release of the kernel, as uname(2) says it
 */
public record GuestImage(String release, Path kernel, Path initrd) {
    /** Which of Debian's kernels. */
    public enum Kernel {
        /** Debian 12's own, 6.1. */
        STABLE,
        /** The newest 6.12 that the archive of Debian 12 has beside it. */
        NEWER;

        private String label() {
            return name().toLowerCase(Locale.ROOT);
        }
    }

    /**
     * Makes the image unless it was made before, which takes 15 seconds and the network; processes that ask at the
     * same time wait for the first.
     *
     * @throws DecampException {@code guest-image} with what the script said
     */
    public static GuestImage of(Kernel kernel) {
        Path script = Repository.root().resolve("deploy/lab/guest-image.sh");
        Command.Result made = Command.run("sh", script.toString(), kernel.label());
        Map<String, String> said = new HashMap<>();
        for (String line : made.lines()) {
            String[] word = line.split(" ", 2);
            said.put(word[0], word[word.length - 1]);
        }
        if (made.status() != 0 || !said.keySet().containsAll(Set.of("release", "kernel", "initrd"))) {
            throw DecampException.refused(
                    "guest-image",
                    "There is no guest image with the " + kernel.label() + " kernel: "
                            + made.output().strip(),
                    "Guests are made of Debian 12's packages: check apt's sources and the network");
        }
        return new GuestImage(said.get("release"), Path.of(said.get("kernel")), Path.of(said.get("initrd")));
    }
}
