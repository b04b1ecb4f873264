package io.decamp.introspector.engine.vm.image;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.decamp.contracts.criu.InventoryEntry;
import io.decamp.contracts.criu.PipeDataEntry;
import io.decamp.contracts.criu.SeccompEntry;
import io.decamp.contracts.criu.SeccompFilter;
import io.decamp.contracts.error.DecampException;
import io.decamp.contracts.port.WorkloadRuntime.Part;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ImageDirectoryTest {
    @TempDir
    Path directory;

    @Test
    void shouldPutBothMagicsAndSizesInFrontOfMessages() throws IOException {
        ImageDirectory images = new ImageDirectory(directory);
        PipeDataEntry pipe =
                PipeDataEntry.newBuilder().setPipeId(7).setBytes(3).build();

        try (ImageWriter writer = images.open(ImageFile.PIPES_DATA)) {
            writer.message(pipe).raw(MemorySegment.ofArray(new byte[] {1, 2, 3})).message(pipe);
        }

        ByteBuffer file = ByteBuffer.wrap(Files.readAllBytes(directory.resolve("pipes-data.img")))
                .order(ByteOrder.LITTLE_ENDIAN);
        assertEquals(0x54564319, file.getInt());
        assertEquals(0x56453709, file.getInt());
        assertArrayEquals(pipe.toByteArray(), next(file));
        byte[] raw = new byte[3];
        file.get(raw);
        assertArrayEquals(new byte[] {1, 2, 3}, raw);
        assertArrayEquals(pipe.toByteArray(), next(file));
        assertEquals(0, file.remaining());
    }

    @Test
    void shouldLeaveTheCommonMagicOutOfTheInventoryOnly() throws IOException {
        ImageDirectory images = new ImageDirectory(directory);

        images.write(
                ImageFile.INVENTORY,
                List.of(InventoryEntry.newBuilder().setImgVersion(2).build()));

        ByteBuffer file = ByteBuffer.wrap(Files.readAllBytes(directory.resolve("inventory.img")))
                .order(ByteOrder.LITTLE_ENDIAN);
        assertEquals(0x58313116, file.getInt());
        assertEquals(2, file.getInt());
    }

    @Test
    void shouldWriteMessagesLargerThanItsBuffer() throws IOException {
        ImageDirectory images = new ImageDirectory(directory);
        SeccompEntry large = SeccompEntry.newBuilder()
                .addSeccompFilters(SeccompFilter.newBuilder()
                        .setFilter(com.google.protobuf.ByteString.copyFrom(new byte[100_000])))
                .build();

        images.write(ImageFile.SECCOMP, List.of(large, SeccompEntry.getDefaultInstance(), large));

        ByteBuffer file = ByteBuffer.wrap(Files.readAllBytes(directory.resolve("seccomp.img")))
                .order(ByteOrder.LITTLE_ENDIAN);
        file.position(8);
        assertArrayEquals(large.toByteArray(), next(file));
        assertEquals(0, next(file).length);
        assertArrayEquals(large.toByteArray(), next(file));
        assertEquals(0, file.remaining());
    }

    @Test
    void shouldListPartsWithTheirSizesAsWritten() {
        ImageDirectory images = new ImageDirectory(directory);

        try (ImageWriter writer = images.open(ImageFile.PAGES, 3)) {
            writer.raw(MemorySegment.ofArray(new byte[4096]));
        }
        images.open("content-1").close();

        assertEquals(
                List.of(
                        new Part("pages-3.img", directory.resolve("pages-3.img"), 4096),
                        new Part("content-1", directory.resolve("content-1"), 0)),
                images.parts());
    }

    @Test
    void shouldRefuseToWriteAnImageTwice() {
        ImageDirectory images = new ImageDirectory(directory);
        images.write(ImageFile.CORE, 5, List.of());

        assertThrows(IllegalStateException.class, () -> images.write(ImageFile.CORE, 5, List.of()));
    }

    @Test
    void shouldNameTheFileThatIsNoLongerAsItWasWritten() throws IOException {
        ImageDirectory images = new ImageDirectory(directory);
        images.write(ImageFile.CORE, 5, List.of());
        Files.write(directory.resolve("core-5.img"), new byte[3]);

        DecampException failure = assertThrows(DecampException.class, images::parts);

        assertEquals("image-io", failure.code());
    }

    private static byte[] next(ByteBuffer file) {
        byte[] message = new byte[file.getInt()];
        file.get(message);
        return message;
    }
}
