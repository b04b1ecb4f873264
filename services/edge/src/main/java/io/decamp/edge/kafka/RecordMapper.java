package io.decamp.edge.kafka;

import io.decamp.contracts.event.EncodedEvent;
import io.decamp.contracts.event.RawEvent;
import java.time.Instant;
import java.util.HashMap;
import java.util.Map;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.header.Header;

/** Between Kafka's records and events as plain data. */
final class RecordMapper {
    private RecordMapper() {}

    /** @param partition null: by the key */
    static ProducerRecord<String, byte[]> toRecord(EncodedEvent event, Integer partition) {
        var record = new ProducerRecord<>(event.topic(), partition, event.key(), event.value());
        event.headers().forEach(record.headers()::add);
        return record;
    }

    static RawEvent toRaw(ConsumerRecord<String, byte[]> record) {
        Map<String, byte[]> headers = new HashMap<>();
        for (Header header : record.headers()) {
            headers.put(header.key(), header.value());
        }
        return new RawEvent(
                record.topic(),
                record.partition(),
                record.offset(),
                Instant.ofEpochMilli(record.timestamp()),
                headers,
                record.key(),
                record.value());
    }
}
