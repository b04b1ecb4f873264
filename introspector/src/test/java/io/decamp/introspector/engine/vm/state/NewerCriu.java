package io.decamp.introspector.engine.vm.state;

import io.decamp.testkit.Command;
import io.decamp.testkit.Tools;
import io.decamp.testkit.vm.GuestVm;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Assumptions;

/** The criu of this machine, newer than the guest's own, with its loader and libraries at the same place in a guest. */
final class NewerCriu {
    /** The tree that a wrapper script names. */
    private static final Pattern TREE = Pattern.compile("(/[^'\":\\s]*/root)/");

    private NewerCriu() {}

    /** @return the command that runs it in the guest */
    static String install(GuestVm guest) throws IOException {
        Path wrapper = Tools.criu();
        Matcher tree = TREE.matcher(Files.size(wrapper) > 4096 ? "" : Files.readString(wrapper));
        Assumptions.assumeTrue(tree.find(), wrapper + " is no script around a tree of its own");
        Path archive = Files.createTempFile("criu", ".tar");
        try {
            Command.run("tar", "-cf", archive.toString(), wrapper.toString(), tree.group(1)).check();
            guest.send(archive, "/criu.tar");
            guest.shell("tar -C / -xf /criu.tar && rm /criu.tar").check();
        } finally {
            Files.delete(archive);
        }
        return wrapper.toString();
    }
}
