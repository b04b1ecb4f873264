package io.decamp.contracts.page;

import java.nio.ByteOrder;

/**
 * Byte layout of the page stream. Little endian. A connection carries frames, each a fixed header, {@code metaBytes} of
 * meta and {@code payloadBytes} of payload:
 *
 * <pre>
 *   0               4       6       8               12              16
 *  +---------------+-------+-------+---------------+---------------+
 *  | magic "DCPS"  |version| type  | metaBytes     | payloadBytes  |
 *  +---------------+-------+-------+---------------+---------------+
 *  | generation                    | epoch                         |
 *  +-------------------------------+---------------+---------------+
 *  | sequence                      | payloadCrc32c | headerCrc32c  |
 *  +-------------------------------+---------------+---------------+ 48
 *  | meta ...                      | payload ...
 *
 *  meta of PAGES (a run of consecutive pages):
 *   0                               8                               16
 *  +-------------------------------+-------------------------------+
 *  | address space                 | virtual address               |
 *  +---------------+---------------+-------------------------------+
 *  | pages         | source        | same-as address space         |
 *  +---------------+---------------+-------------------------------+ 32
 *
 *  meta of ENCODED_PAGES (a run whose bytes come in another form, from version 2 on):
 *   0                               8                               16
 *  +-------------------------------+-------------------------------+
 *  | address space                 | virtual address               |
 *  +---------------+---------------+-------------------------------+
 *  | pages         | codec         | base epoch                    |
 *  +---------------+---------------+-------------------------------+ 32
 *  | contentCrc32c |
 *  +---------------+ 36
 * </pre>
 *
 * {@code headerCrc32c} covers the 44 bytes before it and the meta, so that lengths are trusted only once they are
 * known to
 * be what was sent. {@code payloadCrc32c} covers the payload of PAGES and ENCODED_PAGES; in PART it covers the part from
 * its first byte to the end of this chunk. {@code contentCrc32c} covers the pages that a payload is decoded to. {@code sequence} counts the frames of one direction of a connection from 0, HELLO. Magic,
 * version
 * and type keep their place in every version. Limits bound what a receiver must hold for a frame.
 *
 * <p>Conversation: {@code HELLO -> HELLO_ACK; (BEGIN (PREPARE | PAGES | ENCODED_PAGES | PART)* SEAL -> SEAL_ACK)*}. An ERROR from the
 * receiver may come at any time and is its last word.
 *
 * <p>The version of HELLO is that of the whole connection. A receiver that does not know it says so in an ERROR of
 * {@link #OLDEST_VERSION}, which everybody reads; the sender may then connect again with an older one. Version 2 added
 * ENCODED_PAGES.
 */
public final class FrameDescriptor {
    /** Reads "DCPS" in a dump. */
    public static final int MAGIC = 'D' | 'C' << 8 | 'P' << 16 | 'S' << 24;

    /** The newest version; a receiver refuses a greater one by name. */
    public static final int VERSION = 2;

    /** Still spoken. */
    public static final int OLDEST_VERSION = 1;

    public static final ByteOrder ORDER = ByteOrder.LITTLE_ENDIAN;

    public static final int MAGIC_OFFSET = 0;
    public static final int VERSION_OFFSET = MAGIC_OFFSET + Integer.BYTES;
    public static final int TYPE_OFFSET = VERSION_OFFSET + Short.BYTES;
    public static final int META_BYTES_OFFSET = TYPE_OFFSET + Short.BYTES;
    public static final int PAYLOAD_BYTES_OFFSET = META_BYTES_OFFSET + Integer.BYTES;
    public static final int GENERATION_OFFSET = PAYLOAD_BYTES_OFFSET + Integer.BYTES;
    public static final int EPOCH_OFFSET = GENERATION_OFFSET + Long.BYTES;
    public static final int SEQUENCE_OFFSET = EPOCH_OFFSET + Long.BYTES;
    public static final int PAYLOAD_CRC_OFFSET = SEQUENCE_OFFSET + Long.BYTES;
    public static final int HEADER_CRC_OFFSET = PAYLOAD_CRC_OFFSET + Integer.BYTES;
    public static final int HEADER_BYTES = HEADER_CRC_OFFSET + Integer.BYTES;

    /** Offsets in the meta of PAGES. */
    public static final int RUN_SPACE_OFFSET = 0;

    public static final int RUN_ADDRESS_OFFSET = RUN_SPACE_OFFSET + Long.BYTES;
    public static final int RUN_PAGES_OFFSET = RUN_ADDRESS_OFFSET + Long.BYTES;
    public static final int RUN_SOURCE_OFFSET = RUN_PAGES_OFFSET + Integer.BYTES;
    public static final int RUN_SAME_AS_OFFSET = RUN_SOURCE_OFFSET + Integer.BYTES;
    public static final int RUN_META_BYTES = RUN_SAME_AS_OFFSET + Long.BYTES;

    /** Offsets in the meta of ENCODED_PAGES, which begins as that of PAGES does. */
    public static final int RUN_CODEC_OFFSET = RUN_PAGES_OFFSET + Integer.BYTES;

    public static final int RUN_BASE_EPOCH_OFFSET = RUN_CODEC_OFFSET + Integer.BYTES;
    public static final int RUN_CONTENT_CRC_OFFSET = RUN_BASE_EPOCH_OFFSET + Long.BYTES;
    public static final int ENCODED_META_BYTES = RUN_CONTENT_CRC_OFFSET + Integer.BYTES;

    /** Offsets in an entry of the meta of PREPARE, which is a list of them. */
    public static final int HINT_SPACE_OFFSET = 0;

    public static final int HINT_ADDRESS_OFFSET = HINT_SPACE_OFFSET + Long.BYTES;
    public static final int HINT_PAGES_OFFSET = HINT_ADDRESS_OFFSET + Long.BYTES;
    public static final int HINT_BYTES = HINT_PAGES_OFFSET + Integer.BYTES;

    /** Of x86-64 with 4-level page tables; also the size of a replica's space files. */
    public static final long USER_SPACE_BYTES = 1L << 47;

    /** SHA-256. */
    public static final int DIGEST_BYTES = 32;

    /** Meta of the longest frame: a SEAL with {@link #MAX_SPACES}. */
    public static final int MAX_META_BYTES = 256 << 10;

    /** Pages with bytes in one frame: 1 MiB, so that a receiver can check a run before a byte of it is kept. */
    public static final int MAX_BYTES_PAGES = 256;

    /** Pages copied from another address space for one frame: 1 GiB, well under a second of silence. */
    public static final int MAX_SAME_AS_PAGES = 1 << 18;

    /** Payload of one frame. */
    public static final int MAX_PAYLOAD_BYTES = MAX_BYTES_PAGES * PageRuns.PAGE_BYTES;

    /** Processes of one workload. */
    public static final int MAX_SPACES = 16 << 10;

    /** Parts of one epoch. CRIU writes some ten images a process. */
    public static final int MAX_PARTS = 256 << 10;

    /** Bytes of one text in a control frame. */
    public static final int MAX_TEXT_BYTES = 4 << 10;

    private FrameDescriptor() {}
}
