package io.decamp.edge.kafka;

import com.google.protobuf.Message;
import io.decamp.contracts.event.Event;
import io.decamp.contracts.event.EventType;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.function.Consumer;

/**
 * What an {@link EventConsumer} reads, from where on, and what it does with it.
 *
 * @param name of the thread and the client
 * @param routes by topic
 */
public record Subscription(String name, From from, Map<String, Route<?>> routes) {

    /** Where reading starts. */
    public sealed interface From {
        /**
         * Goes on where the group of this name has stopped. A group has one member at a time: the one process that
         * holds a node's lock. The first time, it starts with what is not older than {@code lookBack}.
         */
        record Group(String id, Duration lookBack) implements From {}

        /**
         * Shares the topics with the other members of the group of this name: each partition is read by one of them, and
         * by another one when that is gone. Otherwise as {@link Group}.
         */
        record Shared(String id, Duration lookBack) implements From {}

        /** What is said from now on. */
        record End() implements From {}

        /** What is not older than {@code lookBack}, and what is said from now on. */
        record Recent(Duration lookBack) implements From {}

        /** All that the topic still holds. */
        record Beginning() implements From {}
    }

    /** A type and its handler, which runs on the consumer's thread, in the trace of the event, one event at a time. */
    public record Route<T extends Message>(EventType<T> type, Consumer<Event<T>> handler) {}

    public Subscription {
        routes = Map.copyOf(routes);
    }

    /** Where offsets are kept; null for nowhere. */
    String groupId() {
        return switch (from) {
            case From.Group group -> group.id();
            case From.Shared shared -> shared.id();
            case From.End end -> null;
            case From.Recent recent -> null;
            case From.Beginning beginning -> null;
        };
    }

    boolean isShared() {
        return from instanceof From.Shared;
    }

    public static Subscription group(String name, String groupId, Duration lookBack) {
        return new Subscription(name, new From.Group(groupId, lookBack), Map.of());
    }

    public static Subscription shared(String name, String groupId, Duration lookBack) {
        return new Subscription(name, new From.Shared(groupId, lookBack), Map.of());
    }

    public static Subscription fromEnd(String name) {
        return new Subscription(name, new From.End(), Map.of());
    }

    public static Subscription recent(String name, Duration lookBack) {
        return new Subscription(name, new From.Recent(lookBack), Map.of());
    }

    public static Subscription fromBeginning(String name) {
        return new Subscription(name, new From.Beginning(), Map.of());
    }

    /**
     * The same, reading one more topic.
     *
     * @param handler may throw {@link io.decamp.contracts.error.DecampException}: RETRY is tried again a few times;
     *     after that, and for every other failure, the record goes to the dead letters
     */
    public <T extends Message> Subscription on(EventType<T> type, Consumer<Event<T>> handler) {
        Map<String, Route<?>> more = new LinkedHashMap<>(routes);
        more.put(type.topic(), new Route<>(type, handler));
        return new Subscription(name, from, more);
    }
}
