package io.decamp.restorer.engine.lazy;

/**
 * Layout of a space journal, native byte order, on tmpfs: it has to survive a process, not the machine.
 *
 * <pre>
 * | magic u64 | generation u64 | space u32 | pid u32 | extents u64 | { start u64 | end u64 | origin u64 } ...
 * | padding to a page | 4096 x struct uffd_msg |
 * </pre>
 *
 * <p>A message whose first byte (the event) is 0 has not been read yet. Byte 1, which the kernel leaves 0, is set once a
 * fork has been handled.
 */
final class JournalLayout {
    static final long MAGIC = 0x314a5a414c434544L;

    static final long AT_MAGIC = 0;
    static final long AT_GENERATION = AT_MAGIC + Long.BYTES;
    static final long AT_SPACE = AT_GENERATION + Long.BYTES;
    static final long AT_PID = AT_SPACE + Integer.BYTES;
    static final long AT_EXTENTS = AT_PID + Integer.BYTES;
    static final long EXTENTS = AT_EXTENTS + Long.BYTES;

    static final long AT_START = 0;
    static final long AT_END = AT_START + Long.BYTES;
    static final long AT_ORIGIN = AT_END + Long.BYTES;
    static final long EXTENT_BYTES = AT_ORIGIN + Long.BYTES;

    static final long AT_EVENT = 0;
    static final long AT_HANDLED = 1;

    /** What is logged between two snapshots of the map; each costs a few milliseconds at most. */
    static final int LOG_MESSAGES = 4096;

    private static final long PAGE = 4096;

    private JournalLayout() {}

    static long logOffset(long extents) {
        long end = EXTENTS + extents * EXTENT_BYTES;
        return (end + PAGE - 1) / PAGE * PAGE;
    }

    static long fileBytes(long extents, long messageBytes) {
        return logOffset(extents) + LOG_MESSAGES * messageBytes;
    }
}
