package io.decamp.restorer.engine.image;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.decamp.contracts.criu.PagemapEntry;
import io.decamp.contracts.error.DecampException;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class PagemapImageTest {
    private static final int LAZY = PagemapRun.LAZY;
    private static final int PARENT = PagemapRun.PARENT;
    private static final int PRESENT = PagemapRun.PRESENT;

    @TempDir
    Path directory;

    @Test
    void shouldReadTheBytesThatCriu42Writes() {
        // magic, magic, head{pages_id 7}, {0x1000, 0, parent, 2 pages}, {0x3000, 0, present|lazy, 1 page}
        byte[] golden = HexFormat.of().parseHex("1943565425400856" + "020000000807" + "09000000" + "088020100020012802"
                + "09000000" + "088060100020062801");

        PagemapImage image = PagemapImage.parse("golden", golden);

        assertEquals(
                new PagemapImage(
                        7, List.of(new PagemapRun(0x1000, 2, PARENT), new PagemapRun(0x3000, 1, PRESENT | LAZY))),
                image);
    }

    @Test
    void shouldTakeTheOldPageCountOnlyWhereThereIsNoNewOne() {
        byte[] image = ImageBytes.pagemap()
                .head(1)
                .message(PagemapEntry.newBuilder()
                        .setVaddr(0x1000)
                        .setCompatNrPages(3)
                        .build())
                .message(PagemapEntry.newBuilder()
                        .setVaddr(0x8000)
                        .setCompatNrPages(3)
                        .setNrPages(5)
                        .setInParent(true)
                        .build())
                .bytes();

        List<PagemapRun> runs = PagemapImage.parse("old", image).runs();

        assertEquals(List.of(new PagemapRun(0x1000, 3, PRESENT), new PagemapRun(0x8000, 5, PARENT)), runs);
    }

    @Test
    void shouldTurnLazyIntoParentAndMergeWhatBecomesOneRun() {
        PagemapImage image = new PagemapImage(
                1,
                List.of(
                        new PagemapRun(0x1000, 1, LAZY),
                        new PagemapRun(0x2000, 2, PARENT),
                        new PagemapRun(0x4000, 1, PRESENT),
                        new PagemapRun(0x5000, 1, PRESENT),
                        new PagemapRun(0x7000, 1, LAZY)));

        List<PagemapRun> runs = image.eager().runs();

        assertEquals(
                List.of(
                        new PagemapRun(0x1000, 3, PARENT),
                        new PagemapRun(0x4000, 2, PRESENT),
                        new PagemapRun(0x7000, 1, PARENT)),
                runs);
    }

    @Test
    void shouldKeepMergedRunsBelowTheLimitOfAnInt() {
        long half = 1L << 30;
        PagemapImage image = new PagemapImage(
                1, List.of(new PagemapRun(0, half, LAZY), new PagemapRun(half * 4096, half, LAZY)));

        List<PagemapRun> runs = image.eager().runs();

        assertEquals(2, runs.size());
    }

    @Test
    void shouldNameEveryLazyPageOnce() {
        PagemapImage image = new PagemapImage(
                1,
                List.of(
                        new PagemapRun(0x1000, 1, LAZY),
                        new PagemapRun(0x2000, 1, LAZY),
                        new PagemapRun(0x3000, 1, PRESENT),
                        new PagemapRun(0x9000, 4, LAZY)));

        List<PagemapRun> runs = image.lazyRuns();

        assertEquals(List.of(new PagemapRun(0x1000, 2, LAZY), new PagemapRun(0x9000, 4, LAZY)), runs);
    }

    @Test
    void shouldCoverTheWholeAddressSpaceInRunsThatCriuCanCount() {
        PagemapImage image = PagemapImage.wholeAddressSpace(3);

        assertEquals(32, image.runs().size());
        assertTrue(image.runs().stream().allMatch(run -> run.pages() == 1L << 30 && run.flags() == PRESENT));
        assertEquals(1L << 47, image.runs().getLast().end());
    }

    @Test
    void shouldReadBackWhatItWrote() {
        PagemapImage image = PagemapImage.wholeAddressSpace(9);
        Path file = directory.resolve("pagemap-4.img");

        image.write(file);

        assertEquals(image, PagemapImage.read(file));
    }

    @Test
    void shouldWriteBothPageCounts() throws IOException {
        Path file = directory.resolve("pagemap-4.img");

        new PagemapImage(1, List.of(new PagemapRun(0x1000, 7, PARENT))).write(file);

        byte[] expected = ImageBytes.pagemap().head(1).entry(0x1000, 7, PARENT).bytes();
        assertArrayEquals(expected, Files.readAllBytes(file));
    }

    @Test
    void shouldRefuseEveryTruncationThatCutsAMessage() {
        byte[] whole = ImageBytes.pagemap().head(1).entry(0x1000, 7, LAZY).bytes();
        int afterHead = ImageBytes.pagemap().head(1).bytes().length;

        for (int length = 0; length < whole.length; length++) {
            if (length != afterHead) {
                assertRefused(Arrays.copyOf(whole, length), "");
            }
        }
    }

    @Test
    void shouldRefuseASizeBeforeItAllocatesIt() {
        assertRefused(ImageBytes.pagemap().word(0x7fff_ffff).bytes(), "offset 8: expected a message of at most");
        assertRefused(ImageBytes.pagemap().word(-1).bytes(), "size 4294967295");
        assertRefused(ImageBytes.pagemap().word(1000).raw(1, 2).bytes(), "offset 12: expected message 0, found only 2");
    }

    @Test
    void shouldRefuseForeignMagics() {
        assertRefused(new ImageBytes().word(0x464c457f).word(0).bytes(), "offset 0: expected the common magic");
        assertRefused(new ImageBytes().word(0x54564319).word(0x50273030).bytes(), "offset 4: expected the magic");
    }

    @Test
    void shouldRefuseRunsThatCanNotBe() {
        assertRefused(entries(0x1001, 1, LAZY), "aligned address");
        assertRefused(entries(1L << 47, 1, LAZY), "aligned address");
        assertRefused(entries(-4096, 1, LAZY), "aligned address");
        assertRefused(entries(0x1000, 0, LAZY), "pages at 0x1000");
        assertRefused(entries(0x1000, 1L << 31, LAZY), "pages at 0x1000");
        assertRefused(entries((1L << 47) - 4096, 2, LAZY), "1 to 1 pages");
        assertRefused(entries(0x1000, -1, LAZY), "18446744073709551615");
        assertRefused(entries(0x1000, 1, 8), "flags");
        assertRefused(entries(0x1000, 1, 0), "flags");
        assertRefused(
                ImageBytes.pagemap()
                        .head(1)
                        .entry(0x1000, 4, LAZY)
                        .entry(0x4000, 1, LAZY)
                        .bytes(),
                "from 0x5000");
    }

    @Test
    void shouldRefuseFieldsOfANewerCriu() {
        // field 6, varint 1: say, a compressed run
        byte[] image = ImageBytes.pagemap()
                .head(1)
                .word(11)
                .raw(0x08, 0x80, 0x20, 0x10, 0x00, 0x20, 0x01, 0x28, 0x02, 0x30, 0x01)
                .bytes();

        assertRefused(image, "fields [6]");
    }

    @Test
    void shouldRefuseAFileThatIsNoImageBySizeAlone() throws IOException {
        Path file = directory.resolve("pagemap-1.img");
        try (RandomAccessFile sparse = new RandomAccessFile(file.toFile(), "rw")) {
            sparse.setLength(1L << 40);
        }

        DecampException refusal = assertThrows(DecampException.class, () -> PagemapImage.read(file));

        assertEquals("bad-image", refusal.code());
    }

    @Test
    void shouldEitherReadOrRefuseAnyBytes() {
        long seed = System.nanoTime();
        System.out.println("seed " + seed);
        Random random = new Random(seed);
        byte[] good = ImageBytes.pagemap()
                .head(1)
                .entry(0x1000, 7, LAZY)
                .entry(0x9000, 1, PRESENT)
                .bytes();
        int read = 0;
        for (int i = 0; i < 20_000; i++) {
            byte[] bytes = good.clone();
            for (int n = random.nextInt(4); n >= 0; n--) {
                bytes[random.nextInt(bytes.length)] = (byte) random.nextInt();
            }
            try {
                PagemapImage image = PagemapImage.parse("mutant", bytes);
                image.eager();
                image.lazyRuns();
                read++;
            } catch (DecampException refusal) {
                assertEquals("bad-image", refusal.code());
            }
        }
        assertTrue(read > 0, "no mutant was readable: the test tests nothing");
    }

    private static byte[] entries(long address, long pages, int flags) {
        return ImageBytes.pagemap().head(1).entry(address, pages, flags).bytes();
    }

    private static void assertRefused(byte[] image, String text) {
        DecampException refusal = assertThrows(DecampException.class, () -> PagemapImage.parse("pagemap-7.img", image));
        assertEquals("bad-image", refusal.code());
        assertTrue(refusal.getMessage().startsWith("pagemap-7.img"), refusal.getMessage());
        assertTrue(refusal.getMessage().contains(text), refusal.getMessage());
    }
}
