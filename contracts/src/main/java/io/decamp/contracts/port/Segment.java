package io.decamp.contracts.port;

import io.decamp.contracts.page.PageRuns;
import java.nio.file.Path;

/**
 * Pages in shared memory: the payload of the BYTES runs, back to back in the order of {@link #runs()}, at
 * {@code [offset, offset + length)} of a file in tmpfs. Valid until closed; the file is reused afterwards.
 */
public interface Segment extends AutoCloseable {
    Path file();

    long offset();

    long length();

    PageRuns runs();

    @Override
    void close();
}
