package io.decamp.transfer.engine.send;

import io.decamp.contracts.v1.WireSavings;
import java.util.concurrent.atomic.LongAdder;

/** What all sealed epochs of this node have sent and saved since it started, in bytes. Thread safe. */
public final class WireTotals {
    private final LongAdder sent = new LongAdder();
    private final LongAdder unchanged = new LongAdder();
    private final LongAdder delta = new LongAdder();
    private final LongAdder compressed = new LongAdder();

    void add(long wireBytes, WireSavings savings) {
        sent.add(wireBytes);
        unchanged.add(savings.getBytesUnchanged());
        delta.add(savings.getBytesDelta());
        compressed.add(savings.getBytesCompressed());
    }

    public long sentBytes() {
        return sent.sum();
    }

    public long unchangedBytes() {
        return unchanged.sum();
    }

    public long deltaBytes() {
        return delta.sum();
    }

    public long compressedBytes() {
        return compressed.sum();
    }
}
