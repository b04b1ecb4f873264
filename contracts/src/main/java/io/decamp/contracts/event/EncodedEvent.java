package io.decamp.contracts.event;

import java.util.SequencedMap;

/** An event as it goes to the broker: topic, key, headers in a fixed order, and the bytes of its data. */
public record EncodedEvent(String topic, String key, SequencedMap<String, byte[]> headers, byte[] value) {}
