package io.decamp.cli.demo;

import io.decamp.contracts.error.DecampException;
import io.decamp.contracts.event.Topics;
import java.time.Instant;
import java.util.Map;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.clients.producer.RecordMetadata;
import org.apache.kafka.common.serialization.StringSerializer;

/** A monitoring system as Decamp sees it: any program that can write a line to Kafka. Uses nothing of Decamp's. */
final class Monitoring implements AutoCloseable {
    private static final long LIMIT_SECONDS = 15;

    private final KafkaProducer<String, String> producer;

    /** @param migration id that the request goes by: its place in the topic, as the line has no headers */
    record Alarm(String migration, Instant writtenAt) {}

    /** Connects, so that the alarm itself need not. */
    Monitoring(String bootstrapServers) {
        Map<String, Object> settings = Map.of("bootstrap.servers", bootstrapServers, "linger.ms", 0);
        producer = new KafkaProducer<>(settings, new StringSerializer(), new StringSerializer());
        producer.partitionsFor(Topics.MIGRATION_REQUESTED);
    }

    Alarm write(String workload, String line) {
        Instant now = Instant.now();
        var record = new ProducerRecord<>(Topics.MIGRATION_REQUESTED, null, now.toEpochMilli(), workload, line);
        try {
            RecordMetadata place = producer.send(record).get(LIMIT_SECONDS, TimeUnit.SECONDS);
            return new Alarm(place.topic() + "-" + place.partition() + "-" + place.offset(), now);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw DecampException.retry("interrupted", "Interrupted while writing the event", "Start again", e);
        } catch (ExecutionException | TimeoutException e) {
            throw DecampException.abort(
                    "broker-unreachable", "The event was not acknowledged", "Does the broker run?", e);
        }
    }

    @Override
    public void close() {
        producer.close();
    }
}
