package io.decamp.transfer.engine.encode;

import io.decamp.contracts.page.PageCodec;
import io.decamp.contracts.page.PageRuns;
import io.decamp.contracts.v1.WireSavings;
import io.decamp.transfer.engine.wire.Xor;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.util.function.LongSupplier;
import net.jpountz.xxhash.XXHash64;
import net.jpountz.xxhash.XXHashFactory;

/**
 * Sends no more of a run of pages than it must: nothing of a page that is what the destination has, the difference of one
 * that is rewritten, and the rest as it is or compressed, whichever takes less time. The first epoch is neither hashed nor
 * remembered: there is nothing to compare with, and hashing would slow the first copy down. Allocates nothing per page.
 * Not thread safe.
 */
public final class PageEncoder implements AutoCloseable {
    /** An encoded frame must be smaller than this share of its pages: the receiver has its work with it, too. */
    private static final double WORTHWHILE = 0.9;

    private static final int PAGE = PageRuns.PAGE_BYTES;

    /** Takes the frames, in order. */
    public interface Frames {
        /** Pages as they lie in the payload. */
        void whole(long space, long address, int pages, int offset) throws IOException;

        /** Pages in another form; {@code offset} is where they lie in the payload. */
        void encoded(long space, long address, int pages, PageCodec codec, long baseEpoch, int offset, ByteBuffer bytes)
                throws IOException;

        /** Sends what was taken, which must happen before the memory of encoded frames is used again. */
        void flush() throws IOException;
    }

    private enum Kind {
        UNCHANGED,
        DELTA,
        WHOLE
    }

    private final Frames frames;
    private final int framePages;
    private final SentVersions versions;
    private final EncodingModel model;
    private final Savings savings = new Savings();
    private final Xor xor = new Xor();
    private final XXHash64 xxHash = XXHashFactory.fastestInstance().hash64();
    private final int heldBytes;
    private Compressor compressor;
    private ByteBuffer differences;
    private MemorySegment differenceMemory;
    private ByteBuffer payload;
    private MemorySegment memory;
    private long epoch;

    /**
     * @param framePages most pages of one frame; no less than {@link SentHashes#CHUNK_PAGES}
     * @param heldBytes most that is gathered before it is flushed
     * @param linkBytesPerSecond what the link, or a cap, gives; 0 when it is not the bottleneck
     */
    public PageEncoder(
            Frames frames, int framePages, int heldBytes, SentVersions versions, LongSupplier linkBytesPerSecond) {
        this.frames = frames;
        this.framePages = framePages;
        this.heldBytes = heldBytes;
        this.versions = versions;
        model = new EncodingModel(linkBytesPerSecond);
    }

    /** Handing {@code bytes} to the connection took so long, and nothing encoded is held any more. */
    public void flushed(long bytes, long nanos) {
        model.sent(bytes, nanos);
        if (compressor != null) {
            compressor.release();
        }
    }

    /** The payload that the next runs lie in. */
    public void payload(ByteBuffer bytes) {
        if (bytes != payload) {
            payload = bytes;
            memory = bytes == null ? null : MemorySegment.ofBuffer(bytes.duplicate().clear());
        }
    }

    /** Sends a run whose bytes begin at {@code offset} of the payload. */
    public void run(long ofEpoch, long space, long address, int pages, int offset) throws IOException {
        epoch = ofEpoch;
        if (versions.lastSealedEpoch() == 0) {
            whole(space, address, pages, offset);
            return;
        }
        boolean delta = versions.areBasesTrusted() && model.deltaPays();
        boolean all = delta || model.hashPays();
        long first = address / PAGE;
        for (int done = 0; done < pages; ) {
            long page = first + done;
            int count = (int) Math.min(pages - done, SentHashes.CHUNK_PAGES - page % SentHashes.CHUNK_PAGES);
            boolean sampled = SentVersions.isSampled(space, page);
            long at = address + (long) done * PAGE;
            if (all || sampled) {
                boolean deltaHere =
                        delta || sampled && versions.areBasesTrusted() && model.deltaCouldPay();
                compare(space, at, count, offset + done * PAGE, deltaHere);
            } else {
                versions.forget(space, at, count);
                whole(space, at, count, offset + done * PAGE);
            }
            done += count;
        }
    }

    private void compare(long space, long address, int pages, int offset, boolean delta) throws IOException {
        int begun = 0;
        Kind kind = null;
        for (int i = 0; i < pages; i++) {
            Kind next = classify(space, address / PAGE + i, offset + i * PAGE, delta, kind == Kind.DELTA ? i - begun : 0);
            if (next != kind) {
                emit(kind, space, address + (long) begun * PAGE, i - begun, offset + begun * PAGE);
                begun = i;
                kind = next;
            }
        }
        emit(kind, space, address + (long) begun * PAGE, pages - begun, offset + begun * PAGE);
    }

    /** Tells what is to be done with a page, and remembers it; a difference is written to place {@code index}. */
    private Kind classify(long space, long page, int offset, boolean delta, int index) {
        long start = System.nanoTime();
        long hash = xxHash.hash(payload, offset, PAGE, versions.seed());
        if (hash == SentHashes.UNKNOWN) {
            hash = 1;
        }
        long known = versions.exchange(space, page, hash);
        long hashed = System.nanoTime();
        savings.spent(hashed - start);
        boolean same = known == hash;
        model.hash.learn(known == SentHashes.UNKNOWN ? 0 : 1, same ? PAGE : 0, known == 0 ? 0 : hashed - start);
        if (same) {
            return Kind.UNCHANGED;
        }
        if (!delta || known == SentHashes.UNKNOWN) {
            versions.forgetBase(space, page);
            return Kind.WHOLE;
        }
        return difference(space, page, offset, index, hashed);
    }

    private Kind difference(long space, long page, int offset, int index, long start) {
        int base = versions.base(space, page);
        Kind kind = Kind.WHOLE;
        boolean room = true;
        if (base != SentBases.NONE) {
            SentBases bases = versions.bases();
            prepare();
            xor.page(memory, offset, bases.memory(base), bases.offset(base), differenceMemory, (long) index * PAGE);
            kind = Kind.DELTA;
            bases.replace(base, epoch, memory, offset);
        } else {
            room = versions.keep(space, page, epoch, memory, offset);
        }
        long nanos = System.nanoTime() - start;
        savings.spent(nanos);
        // a page that found room will have a base the next time; one that did not has taken time for nothing
        model.delta.learn(kind == Kind.DELTA || !room ? 1 : 0, 0, nanos, 1);
        return kind;
    }

    private void emit(Kind kind, long space, long address, int pages, int offset) throws IOException {
        if (kind == null || pages == 0) {
            return;
        }
        switch (kind) {
            case UNCHANGED -> savings.unchanged(pages);
            case DELTA -> delta(space, address, pages, offset);
            case WHOLE -> whole(space, address, pages, offset);
        }
    }

    private void delta(long space, long address, int pages, int offset) throws IOException {
        makeRoom();
        long start = System.nanoTime();
        int size = compressor.encode(PageCodec.XOR_LZ4, differences, 0, pages * PAGE);
        long nanos = System.nanoTime() - start;
        savings.spent(nanos);
        int saved = pages * PAGE - size;
        boolean worthwhile = size < pages * PAGE * WORTHWHILE;
        model.delta.learn(0, worthwhile ? saved : 0, nanos, pages);
        if (worthwhile) {
            savings.delta(pages, saved);
            frames.encoded(
                    space, address, pages, PageCodec.XOR_LZ4, versions.lastSealedEpoch(), offset, compressor.keep(size));
        } else {
            whole(space, address, pages, offset);
        }
    }

    private void whole(long space, long address, int pages, int offset) throws IOException {
        for (int done = 0; done < pages; ) {
            int count = Math.min(pages - done, framePages);
            frame(space, address + (long) done * PAGE, count, offset + done * PAGE);
            done += count;
        }
    }

    private void frame(long space, long address, int pages, int offset) throws IOException {
        PageCodec codec = model.next();
        if (codec != null) {
            prepare();
            codec = compressor.has(codec) ? codec : PageCodec.LZ4;
            makeRoom();
            long start = System.nanoTime();
            int size = compressor.encode(codec, payload, offset, pages * PAGE);
            long nanos = System.nanoTime() - start;
            savings.spent(nanos);
            int saved = pages * PAGE - size;
            boolean worthwhile = size < pages * PAGE * WORTHWHILE;
            model.of(codec).learn(pages, worthwhile ? saved : 0, nanos);
            if (worthwhile) {
                savings.compressed(pages, saved);
                frames.encoded(space, address, pages, codec, 0, offset, compressor.keep(size));
                return;
            }
        }
        frames.whole(space, address, pages, offset);
    }

    private void makeRoom() throws IOException {
        if (!compressor.hasRoom()) {
            frames.flush();
        }
    }

    private void prepare() {
        if (compressor == null) {
            compressor = new Compressor(framePages, heldBytes);
            differences = ByteBuffer.allocateDirect(framePages * PAGE);
            differenceMemory = MemorySegment.ofBuffer(differences);
        }
    }

    /** The savings since it was last asked. */
    public WireSavings takeSavings() {
        return savings.take();
    }

    @Override
    public void close() {
        if (compressor != null) {
            compressor.close();
        }
    }
}
