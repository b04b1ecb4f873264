package io.decamp.edge.kafka;

import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.apache.kafka.clients.producer.Producer;
import org.apache.kafka.clients.producer.ProducerRecord;

/** Writes what nobody of ours would write. */
final class RawProducer implements AutoCloseable {
    private final Producer<String, byte[]> producer;

    RawProducer(String bootstrap) {
        producer = KafkaSettings.of(bootstrap).producer("raw", 20_000, 20_000);
    }

    void write(String topic, String key, byte[] value, Map<String, String> headers) throws Exception {
        var record = new ProducerRecord<>(topic, key, value);
        headers.forEach((name, text) -> record.headers().add(name, text.getBytes(StandardCharsets.UTF_8)));
        producer.send(record).get(20, TimeUnit.SECONDS);
    }

    @Override
    public void close() {
        producer.close();
    }
}
