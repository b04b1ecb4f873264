package io.decamp.transfer.engine.encode;

import io.decamp.contracts.page.PageCodec;
import io.decamp.transfer.engine.wire.Xor;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.util.Locale;
import java.util.Random;
import java.util.zip.CRC32C;
import net.jpountz.xxhash.XXHash64;
import net.jpountz.xxhash.XXHashFactory;

/** Nanoseconds a page of what may be done to a page before it is sent. Not a test. */
public final class CodecBenchmark {
    private static final int PAGE = 4096;
    private static final int PAGES = 8192;
    private static final int ROUNDS = 5;

    private final ByteBuffer memory = ByteBuffer.allocateDirect(PAGES * PAGE);
    private final MemorySegment segment = MemorySegment.ofBuffer(memory);
    private final Compressor compressor = new Compressor(64, 512 << 10);
    private final Xor xor = new Xor();
    private long sink;

    private CodecBenchmark() {}

    interface PageWork {
        /** @return bytes that are left */
        long on(int page, int pages);
    }

    public static void main(String[] args) {
        System.out.println(XXHashFactory.fastestInstance());
        new CodecBenchmark().run();
    }

    private void run() {
        Random random = new Random(1);
        byte[] noise = new byte[PAGES * PAGE];
        random.nextBytes(noise);
        memory.put(0, noise);
        XXHash64 xxHash = XXHashFactory.fastestInstance().hash64();
        CRC32C crc = new CRC32C();
        report("hash", 1, (page, pages) -> {
            sink += xxHash.hash(memory, page * PAGE, PAGE, 42);
            return PAGE;
        });
        report("crc32c", 1, (page, pages) -> {
            crc.reset();
            crc.update(memory.limit((page + 1) * PAGE).position(page * PAGE));
            sink += crc.getValue();
            memory.clear();
            return PAGE;
        });
        MemorySegment base = Arena.global().allocate(PAGE);
        ByteBuffer difference = ByteBuffer.allocateDirect(64 * PAGE);
        MemorySegment differenceMemory = MemorySegment.ofBuffer(difference);
        report("copy to base", 1, (page, pages) -> {
            MemorySegment.copy(segment, (long) page * PAGE, base, 0, PAGE);
            return PAGE;
        });
        report("xor, 16 bytes changed, lz4", 1, (page, pages) -> {
            MemorySegment.copy(segment, (long) page * PAGE, base, 0, PAGE);
            memory.putLong(page * PAGE + 8 * (page % 500), page);
            memory.putLong(page * PAGE + 8 * (page * 7 % 500), page);
            xor.page(segment, (long) page * PAGE, base, 0, differenceMemory, 0);
            return compressor.encode(PageCodec.XOR_LZ4, difference, 0, PAGE);
        });
        content("random", (page, at) -> random.nextInt());
        content("half zero", (page, at) -> at < PAGE / 2 ? random.nextInt() : 0);
        content("records", (page, at) -> at % 64 < 12 ? random.nextInt() : page + at % 64);
        content("text", (page, at) -> "the quick brown fox jumps over %d lazy dogs ".charAt((at + page) % 44)
                + (random.nextInt(6) == 0 ? 1 : 0));
    }

    interface Content {
        int at(int page, int offset);
    }

    private void content(String name, Content content) {
        for (int page = 0; page < PAGES; page++) {
            for (int at = 0; at < PAGE; at++) {
                memory.put(page * PAGE + at, (byte) content.at(page, at));
            }
        }
        for (PageCodec codec : new PageCodec[] {PageCodec.LZ4, PageCodec.ZSTD}) {
            report(codec + ", " + name + ", frames of 64", 64, (page, pages) ->
                    compressor.encode(codec, memory, page * PAGE, pages * PAGE));
            report(codec + ", " + name + ", frames of 1", 1, (page, pages) ->
                    compressor.encode(codec, memory, page * PAGE, pages * PAGE));
        }
    }

    private void report(String what, int atOnce, PageWork work) {
        double best = Double.MAX_VALUE;
        long left = 0;
        for (int round = 0; round < ROUNDS; round++) {
            left = 0;
            long start = System.nanoTime();
            for (int page = 0; page < PAGES; page += atOnce) {
                left += work.on(page, atOnce);
            }
            best = Math.min(best, (System.nanoTime() - start) / (double) PAGES);
        }
        System.out.printf(
                Locale.ROOT, "%-40s %7.0f ns/page %6.2f GB/s  %5.1f %% left%n", what, best, PAGE / best, 100.0 * left / PAGES / PAGE);
    }
}
