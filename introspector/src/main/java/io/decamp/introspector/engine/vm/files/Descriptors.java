package io.decamp.introspector.engine.vm.files;

import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.Map;

/** Who has what open: the tables of all processes, by the address of the description. */
final class Descriptors {
    /** One {@code struct files_struct} and the process with the lowest PID of those that share it. */
    static final class Table {
        private final int id;
        private final Map<Integer, Long> files = new LinkedHashMap<>();
        private int pid;

        private Table(int id, int pid) {
            this.id = id;
            this.pid = pid;
        }

        int id() {
            return id;
        }

        int pid() {
            return pid;
        }

        void put(int descriptor, long file) {
            files.put(descriptor, file);
        }

        /** @return 0 where nothing is open */
        long file(int descriptor) {
            return files.getOrDefault(descriptor, 0L);
        }

        /** @return the lowest descriptor of a description, or -1 */
        int descriptor(long file) {
            for (Map.Entry<Integer, Long> entry : files.entrySet()) {
                if (entry.getValue() == file) {
                    return entry.getKey();
                }
            }
            return -1;
        }
    }

    /** The first is 2: images call criu's own table 1. */
    private static final int FIRST_ID = 2;

    private final Map<Long, Table> tables = new HashMap<>();

    /** @return null if this table is known already */
    Table open(long address, int pid) {
        Table known = tables.get(address);
        if (known != null) {
            known.pid = Math.min(known.pid, pid);
            return null;
        }
        Table table = new Table(tables.size() + FIRST_ID, pid);
        tables.put(address, table);
        return table;
    }

    int id(long address) {
        return tables.get(address).id;
    }

    /** @return null for a table of somebody else */
    Table table(long address) {
        return tables.get(address);
    }

    /**
     * The table of the process that criu has restore a description: of those that have it, the one with the lowest
     * PID.
     */
    Table lowest(long file) {
        Table lowest = null;
        for (Table table : tables.values()) {
            if (table.files.containsValue(file) && (lowest == null || table.pid < lowest.pid)) {
                lowest = table;
            }
        }
        return lowest;
    }
}
