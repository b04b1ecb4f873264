package io.decamp.edge.kafka;

import io.decamp.contracts.error.DecampException;
import io.decamp.contracts.event.EventCodec;
import io.decamp.contracts.event.EventType;
import io.decamp.contracts.event.Topics;
import io.decamp.contracts.v1.HandoffRecord;
import java.util.Set;
import org.apache.kafka.clients.consumer.Consumer;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.ConsumerRecords;
import org.apache.kafka.clients.consumer.InvalidOffsetException;
import org.apache.kafka.common.TopicPartition;
import org.jboss.logging.Logger;

/** Reads every record of the register, in order and without a gap, or stops for good. */
final class RegisterReader implements PollLoop.Work {
    private static final Logger LOG = Logger.getLogger(RegisterReader.class);

    static final int PARTITION = 0;
    private static final TopicPartition REGISTER = new TopicPartition(Topics.HANDOFF, PARTITION);

    private final RegisterState state;
    private long endAtFirst = -1;

    RegisterReader(RegisterState state) {
        this.state = state;
    }

    @Override
    public void begin(Consumer<String, byte[]> consumer) {
        Partitions.of(consumer, Set.of(Topics.HANDOFF));
        consumer.assign(Set.of(REGISTER));
        long first = consumer.beginningOffsets(Set.of(REGISTER)).get(REGISTER);
        long end = consumer.endOffsets(Set.of(REGISTER)).get(REGISTER);
        if (first != 0) {
            throw incomplete("The first record of topic " + Topics.HANDOFF + " has offset " + first + " instead of 0");
        }
        if (end < state.nextOffset()) {
            throw rewound(
                    "Topic " + Topics.HANDOFF + " ends at offset " + end + " after " + state.nextOffset()
                            + " records were read",
                    null);
        }
        consumer.seek(REGISTER, state.nextOffset());
        endAtFirst = endAtFirst < 0 ? end : endAtFirst;
        state.reached(endAtFirst);
    }

    @Override
    public void records(Consumer<String, byte[]> consumer, ConsumerRecords<String, byte[]> records) {
        for (ConsumerRecord<String, byte[]> record : records) {
            long due = state.nextOffset();
            if (record.offset() != due) {
                throw incomplete("Topic " + Topics.HANDOFF + " goes on with offset " + record.offset() + " where " + due
                        + " is due");
            }
            read(record);
            state.reached(endAtFirst);
        }
    }

    @Override
    public DecampException fatal(RuntimeException failure) {
        return failure instanceof InvalidOffsetException
                ? rewound("The broker has no offset " + state.nextOffset() + " of topic " + Topics.HANDOFF, failure)
                : null;
    }

    @Override
    public void stopped(DecampException why) {
        state.damaged(why);
    }

    private void read(ConsumerRecord<String, byte[]> record) {
        HandoffRecord decoded;
        try {
            decoded = EventCodec.decode(EventType.HANDOFF, RecordMapper.toRaw(record))
                    .data();
        } catch (DecampException e) {
            if (e.code().equals("event-version-unknown")) {
                // a node that passes over what others count would end up with another owner
                throw DecampException.fatal("register-version-unknown", e.getMessage(), e.advice(), e);
            }
            LOG.errorf("Record %d of topic %s is void: %s", record.offset(), Topics.HANDOFF, e.getMessage());
            state.pass();
            return;
        }
        state.read(decoded);
    }

    private static DecampException incomplete(String what) {
        return DecampException.fatal(
                "register-incomplete",
                what,
                "Records were compacted, expired or deleted: find out which copies run, fence the others, and start"
                        + " with a new topic that is never compacted nor expired",
                null);
    }

    private static DecampException rewound(String what, Throwable cause) {
        return DecampException.fatal(
                "register-rewound",
                what,
                "The brokers lost acknowledged records: find out which copies run and fence the others before any"
                        + " service is restarted",
                cause);
    }
}
