package io.decamp.edge.kafka;

import io.decamp.contracts.event.EventHeader;
import java.util.LinkedHashMap;
import java.util.Map;

/** Recognises duplicates among the last events: by source and id, as CloudEvents defines identity. One thread. */
final class SeenIds {
    /** A few minutes of a busy topic; at most 4096 * (128 + 256) characters. */
    static final int WINDOW = 4_096;

    private final Map<String, Boolean> seen = new LinkedHashMap<>() {
        @Override
        protected boolean removeEldestEntry(Map.Entry<String, Boolean> eldest) {
            return size() > WINDOW;
        }
    };

    boolean contains(EventHeader header) {
        return seen.containsKey(key(header));
    }

    void add(EventHeader header) {
        seen.put(key(header), Boolean.TRUE);
    }

    /** Neither part contains a blank. */
    private static String key(EventHeader header) {
        return header.source() + " " + header.id();
    }
}
