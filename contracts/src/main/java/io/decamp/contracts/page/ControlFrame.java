package io.decamp.contracts.page;

import static io.decamp.contracts.page.FrameDescriptor.*;

import io.decamp.contracts.error.DecampException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * The frames that are few: everything but PAGES, ENCODED_PAGES and PREPARE, whose meta stays in the buffer it came in. Each record is
 * the
 * meta of its frame; generation, epoch and sequence are in the header.
 */
public sealed interface ControlFrame {
    FrameType type();

    /** Appends the meta to {@code out}. */
    void writeMeta(ByteBuffer out);

    /** {@code node} wants to keep a replica of {@code workload} on {@code destination}. */
    record Hello(String node, String destination, String workload) implements ControlFrame {
        @Override
        public FrameType type() {
            return FrameType.HELLO;
        }

        @Override
        public void writeMeta(ByteBuffer out) {
            MetaText.put(out, node);
            MetaText.put(out, destination);
            MetaText.put(out, workload);
        }
    }

    /** The answer of {@code node}; {@code lastSealedEpoch} is 0 when it has sealed none of the generation. */
    record HelloAck(String node, long lastSealedEpoch) implements ControlFrame {
        @Override
        public FrameType type() {
            return FrameType.HELLO_ACK;
        }

        @Override
        public void writeMeta(ByteBuffer out) {
            MetaText.put(out, node);
            out.putLong(lastSealedEpoch);
        }
    }

    /** The epoch in the header starts; it holds what was written since {@code baseEpoch}, which must be sealed. */
    record Begin(long baseEpoch) implements ControlFrame {
        @Override
        public FrameType type() {
            return FrameType.BEGIN;
        }

        @Override
        public void writeMeta(ByteBuffer out) {
            out.putLong(baseEpoch);
        }
    }

    /**
     * A chunk of a part: chunks follow each other from offset 0 until the size is reached; an empty part is one chunk.
     */
    record PartChunk(String name, long sizeBytes, long offset) implements ControlFrame {
        @Override
        public FrameType type() {
            return FrameType.PART;
        }

        @Override
        public void writeMeta(ByteBuffer out) {
            MetaText.put(out, name);
            out.putLong(sizeBytes);
            out.putLong(offset);
        }
    }

    /** The epoch is complete; only the listed spaces are alive. */
    record Seal(boolean isFinal, List<AddressSpace> spaces, byte[] digest) implements ControlFrame {
        public Seal {
            spaces = List.copyOf(spaces);
        }

        @Override
        public FrameType type() {
            return FrameType.SEAL;
        }

        @Override
        public void writeMeta(ByteBuffer out) {
            out.put((byte) (isFinal ? 1 : 0));
            out.putInt(spaces.size());
            for (AddressSpace space : spaces) {
                out.putLong(space.id());
                out.putInt(space.containerPid());
            }
            out.put(digest);
        }

        @Override
        public boolean equals(Object o) {
            return o instanceof Seal s
                    && s.isFinal == isFinal
                    && s.spaces.equals(spaces)
                    && Arrays.equals(s.digest, digest);
        }

        @Override
        public int hashCode() {
            return Arrays.hashCode(digest);
        }
    }

    /** The receiver computed {@code digest} and has applied the epoch in the header. */
    record SealAck(byte[] digest) implements ControlFrame {
        @Override
        public FrameType type() {
            return FrameType.SEAL_ACK;
        }

        @Override
        public void writeMeta(ByteBuffer out) {
            out.put(digest);
        }

        @Override
        public boolean equals(Object o) {
            return o instanceof SealAck s && Arrays.equals(s.digest, digest);
        }

        @Override
        public int hashCode() {
            return Arrays.hashCode(digest);
        }
    }

    /** Carries a {@link DecampException} over. */
    record Failure(DecampException.Category category, String code, String text, String advice) implements ControlFrame {
        @Override
        public FrameType type() {
            return FrameType.ERROR;
        }

        @Override
        public void writeMeta(ByteBuffer out) {
            out.put((byte) category.ordinal());
            MetaText.put(out, code);
            MetaText.put(out, text);
            MetaText.put(out, advice);
        }

        public DecampException toException() {
            return new DecampException(category, code, text, advice, null);
        }
    }

    /**
     * Reads the meta of a frame that is neither PAGES, ENCODED_PAGES nor PREPARE.
     *
     * @param meta exactly the meta, little endian
     * @throws DecampException {@code frame-malformed} when it is too short, too long, or says what cannot be
     */
    static ControlFrame read(FrameType type, ByteBuffer meta) {
        try {
            ControlFrame frame = switch (type) {
                case HELLO -> new Hello(MetaText.get(meta), MetaText.get(meta), MetaText.get(meta));
                case HELLO_ACK -> new HelloAck(MetaText.get(meta), meta.getLong());
                case BEGIN -> new Begin(meta.getLong());
                case PART -> new PartChunk(MetaText.get(meta), meta.getLong(), meta.getLong());
                case SEAL -> readSeal(meta);
                case SEAL_ACK -> new SealAck(digest(meta));
                case ERROR -> new Failure(category(meta.get()), MetaText.get(meta), MetaText.get(meta), MetaText.get(meta));
                case PAGES, ENCODED_PAGES, PREPARE -> throw FrameException.malformed("A " + type + " frame is not a control frame");
            };
            if (meta.hasRemaining()) {
                throw FrameException.malformed("A " + type + " frame has " + meta.remaining() + " bytes too many");
            }
            return frame;
        } catch (java.nio.BufferUnderflowException e) {
            throw FrameException.malformed("A " + type + " frame ends early, at byte " + meta.position() + " of its meta");
        }
    }

    private static Seal readSeal(ByteBuffer meta) {
        int flags = meta.get();
        int count = meta.getInt();
        if ((flags & ~1) != 0 || count < 0 || count > MAX_SPACES) {
            throw FrameException.malformed("A SEAL frame has flags " + flags + " and lists " + count + " address spaces");
        }
        List<AddressSpace> spaces = new ArrayList<>(count);
        for (int i = 0; i < count; i++) {
            spaces.add(new AddressSpace(meta.getLong(), meta.getInt()));
        }
        return new Seal(flags == 1, spaces, digest(meta));
    }

    private static byte[] digest(ByteBuffer meta) {
        byte[] digest = new byte[DIGEST_BYTES];
        meta.get(digest);
        return digest;
    }

    private static DecampException.Category category(int code) {
        DecampException.Category[] all = DecampException.Category.values();
        if (code < 0 || code >= all.length) {
            throw FrameException.malformed("An ERROR frame has the unknown category " + code);
        }
        return all[code];
    }
}
