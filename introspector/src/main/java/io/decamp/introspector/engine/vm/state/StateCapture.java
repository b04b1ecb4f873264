package io.decamp.introspector.engine.vm.state;

import io.decamp.contracts.error.DecampException;
import io.decamp.contracts.port.WorkloadRuntime.Part;
import io.decamp.contracts.v1.Finding;
import io.decamp.introspector.engine.vm.guest.GuestFault;
import io.decamp.introspector.engine.vm.guest.GuestKernel;
import io.decamp.introspector.engine.vm.guest.KernelObject;
import io.decamp.introspector.engine.vm.guest.RunningGuest;
import io.decamp.introspector.engine.vm.image.Concerns;
import io.decamp.introspector.engine.vm.image.ImageDirectory;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.atomic.AtomicReference;

/**
 * Saves the state of a workload inside a guest, its private memory aside, as CRIU images: all of it is read from the
 * guest's memory, nothing runs in the guest and nothing is written there. What can't be carried is refused by name.
 */
public final class StateCapture {
    /** The part with what is needed beside the images: {@link io.decamp.contracts.v1.VmFiles}. */
    public static final String FILES_PART = "vm-files.img";

    private StateCapture() {}

    /**
     * Writes the images of a frozen workload.
     *
     * @param init PID 1 of the workload's PID namespace; all its threads are frozen
     * @param partsDirectory exists, is empty, on a memory file system
     * @return the images, {@value #FILES_PART} and the contents of travelling files
     * @throws DecampException with the code of what can't be carried, {@code guest-memory-...} when memory isn't what
     *     it should be, {@code image-io}
     */
    public static List<Part> write(GuestKernel kernel, KernelObject init, Path partsDirectory) {
        try {
            // the workload is frozen, its guest is not: a second try writes over what the first has written
            return RunningGuest.read(() -> {
                ImageDirectory images = new ImageDirectory(partsDirectory);
                new Capture(kernel, init, Concerns.thrown()).write(images);
                return images.parts();
            });
        } catch (GuestFault e) {
            throw e.asDecamp();
        }
    }

    /**
     * Finds out what would be refused. Reads the same as a capture while the workload runs, and changes nothing.
     *
     * @return blockers and warnings, empty when all is well
     */
    public static List<Finding> check(GuestKernel kernel, KernelObject init) {
        AtomicReference<Concerns> last = new AtomicReference<>();
        try {
            return RunningGuest.read(() -> {
                last.set(Concerns.noted());
                new Capture(kernel, init, last.get()).check();
                return last.get().findings();
            });
        } catch (GuestFault e) {
            return withBlocker(last.get(), e.asDecamp());
        } catch (DecampException e) {
            return withBlocker(last.get(), e);
        }
    }

    private static List<Finding> withBlocker(Concerns found, DecampException why) {
        found.refuse(why.code(), why.getMessage(), why.advice());
        return found.findings();
    }
}
