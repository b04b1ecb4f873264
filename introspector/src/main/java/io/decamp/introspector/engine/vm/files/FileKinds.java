package io.decamp.introspector.engine.vm.files;

import io.decamp.introspector.engine.vm.guest.GuestKernel;
import java.util.HashMap;
import java.util.Map;

/** Tells what a {@code struct file} is. Symbols that a kernel does not have belong to kinds that it does not have. */
final class FileKinds {
    private final Map<Long, FileKind> kinds = new HashMap<>();

    FileKinds(GuestKernel kernel) {
        for (FileKind kind : FileKind.values()) {
            if (kind.operations() != null) {
                kernel.findSymbol(kind.operations()).ifPresent(address -> kinds.put(address, kind));
            }
        }
    }

    FileKind of(OpenFile file) {
        return kinds.getOrDefault(file.file().number("f_op"), FileKind.OTHER);
    }
}
