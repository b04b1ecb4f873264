package io.decamp.contracts.page;

import static io.decamp.contracts.page.FrameDescriptor.*;

import java.nio.ByteBuffer;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;

/**
 * The digest of an epoch: SHA-256 over its manifest, which is the header (without its checksum) and the meta of each
 * of its
 * BEGIN, PAGES, ENCODED_PAGES, PART and SEAL frames in order; of SEAL without the digest at its end. Generation, epoch, the epoch it
 * builds on, runs, checksums of their content, names, sizes and checksums of the parts, and the living address spaces
 * are
 * all in there, so that equal digests mean equal epochs; the pages themselves go through CRC32C only, as hashing them
 * would take longer than sending them. Both ends compute it from what they sent and what they received. Not thread
 * safe.
 */
public final class EpochDigest {
    private final MessageDigest sha256;

    public EpochDigest() {
        try {
            sha256 = MessageDigest.getInstance("SHA-256");
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("Every Java platform has SHA-256", e);
        }
    }

    /** Forgets what was added. */
    public void reset() {
        sha256.reset();
    }

    /** Adds a frame whose header and meta lie at {@code at}. */
    public void add(ByteBuffer frame, int at, int metaBytes) {
        int position = frame.position();
        int limit = frame.limit();
        sha256.update(frame.limit(at + HEADER_CRC_OFFSET).position(at));
        sha256.update(frame.limit(at + HEADER_BYTES + metaBytes).position(at + HEADER_BYTES));
        frame.limit(limit).position(position);
    }

    /** Adds a SEAL frame, of which the digest itself is no part. */
    public void addSeal(ByteBuffer frame, int at, int metaBytes) {
        add(frame, at, metaBytes - DIGEST_BYTES);
    }

    /** The digest of what was added; starts anew. */
    public byte[] finish() {
        return sha256.digest();
    }
}
