package io.decamp.edge.kafka;

import io.decamp.contracts.error.DecampException;
import io.decamp.contracts.event.EventLimits;
import io.decamp.contracts.event.Topics;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Arrays;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.jboss.logging.Logger;

/** Puts aside records that can't be handled, as they came, with headers that say why. */
final class DeadLetters {
    private static final Logger LOG = Logger.getLogger(DeadLetters.class);

    static final String PREFIX = "decamp-dead-";
    /** Longer than any broker's restart on one machine; after it the log has the reason, and reading goes on. */
    private static final Duration LIMIT = Duration.ofSeconds(5);

    private final EventPublisher publisher;
    private final String by;

    DeadLetters(EventPublisher publisher, String by) {
        this.publisher = publisher;
        this.by = by;
    }

    void add(ConsumerRecord<String, byte[]> record, DecampException why) throws InterruptedException {
        String place = record.topic() + "-" + record.partition() + "-" + record.offset();
        LOG.warnf("Record %s goes to %s (%s): %s", place, Topics.DEAD_LETTER, why.code(), why.getMessage());
        try {
            publisher.publishRaw(letter(record, place, why)).get(LIMIT.toMillis(), TimeUnit.MILLISECONDS);
        } catch (ExecutionException | TimeoutException e) {
            LOG.errorf("Record %s could not be put aside and is passed over: %s", place, e);
        }
    }

    private ProducerRecord<String, byte[]> letter(
            ConsumerRecord<String, byte[]> record, String place, DecampException why) {
        byte[] value = record.value();
        boolean cut = value != null && value.length > EventLimits.MAX_VALUE_BYTES;
        var letter = new ProducerRecord<>(
                Topics.DEAD_LETTER,
                null,
                record.key(),
                cut ? Arrays.copyOf(value, EventLimits.MAX_VALUE_BYTES) : value);
        int headerBytes = 0;
        for (var header : record.headers()) {
            headerBytes += header.key().length() + (header.value() == null ? 0 : header.value().length);
            if (headerBytes <= EventLimits.MAX_JSON_BYTES) {
                letter.headers().add(header);
            }
        }
        add(letter, "place", place);
        add(letter, "code", why.code());
        add(letter, "reason", why.getMessage());
        add(letter, "advice", why.advice());
        add(letter, "by", by);
        if (cut) {
            add(letter, "cut-from-bytes", Integer.toString(value.length));
        }
        return letter;
    }

    private static void add(ProducerRecord<String, byte[]> letter, String name, String value) {
        letter.headers().add(PREFIX + name, value.getBytes(StandardCharsets.UTF_8));
    }
}
