package io.decamp.contracts.event;

import com.google.protobuf.Message;

/** An event with its data, decoded and within all limits. */
public record Event<T extends Message>(EventType<T> type, EventHeader header, T data) {

    /**
     * The data, when this is an event of that type.
     *
     * @throws ClassCastException when it is not: ask {@link #type()} first
     */
    public <M extends Message> M dataAs(EventType<M> wanted) {
        return wanted.messageClass().cast(data);
    }
}
