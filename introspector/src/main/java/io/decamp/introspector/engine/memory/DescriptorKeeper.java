package io.decamp.introspector.engine.memory;

import io.decamp.linux.fd.FileDescriptor;
import java.util.Optional;

/** Holds descriptors in another process, so that tracking goes on while this service is down. */
public interface DescriptorKeeper {
    /** Puts a copy of {@code descriptor} there; the caller keeps its own. An earlier one of that name is replaced. */
    void keep(String name, FileDescriptor descriptor);

    /** @return a descriptor of our own, or empty when none of that name is kept */
    Optional<FileDescriptor> fetch(String name);

    /** Idempotent. */
    void forget(String name);
}
