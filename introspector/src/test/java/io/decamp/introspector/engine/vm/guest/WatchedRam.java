package io.decamp.introspector.engine.vm.guest;

import java.nio.file.Path;
import java.util.function.LongConsumer;

/** RAM whose reads are told, for tests of other packages. */
public final class WatchedRam {
    private WatchedRam() {}

    /** @param frames is told the address of each frame that is read */
    public static GuestRam open(Path file, MemoryLayout layout, LongConsumer frames) {
        return GuestRam.open(file, layout, frames);
    }
}
