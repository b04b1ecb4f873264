package io.decamp.introspector.engine.vm.files;

import io.decamp.contracts.criu.FdType;
import io.decamp.contracts.criu.FileEntry;
import java.util.ArrayList;
import java.util.List;

/**
 * The numbers and entries of {@code files.img}. Numbers are unique over all kinds, from 1; an entry that another one
 * names (the path of a terminal, of a FIFO) must be added before it, as criu resolves such names while it reads.
 */
final class FileTable {
    private final List<FileEntry> entries = new ArrayList<>();
    private int last;

    int next() {
        return ++last;
    }

    FileEntry.Builder entry(FdType type, int id) {
        return FileEntry.newBuilder().setType(type).setId(id);
    }

    void add(FileEntry.Builder entry) {
        entries.add(entry.build());
    }

    List<FileEntry> entries() {
        return entries;
    }
}
