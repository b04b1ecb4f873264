package io.decamp.transfer.engine.encode;

import io.decamp.contracts.page.PageRuns;
import java.lang.foreign.MemorySegment;
import java.security.SecureRandom;
import java.util.Arrays;
import java.util.function.LongPredicate;

/**
 * What a sender remembers of the pages that the destination has sealed of one generation: a hash of each that was sent
 * since the first epoch, and the content of those that are rewritten most. What an epoch sends counts as what the
 * destination will have as long as the epoch goes on; when it is not sealed, all pages that it touched are unknown again.
 *
 * <p>A page whose hash equals that of its last version is not sent. Two contents of a page have the same 64-bit xxHash, whose
 * seed is drawn anew for each generation, with probability 2^-64: at a million such comparisons a second, one page in half
 * a million years. xxHash is no protection against somebody who knows the seed and wants a collision, who could be the
 * workload only, and would lose nothing but its own write. Not thread safe.
 */
public final class SentVersions implements AutoCloseable {
    /** Of hashes: 32 GiB of memory. What a larger workload has beyond that is sent without being compared. */
    private static final long MAX_HASH_BYTES = 64 << 20;

    /** Pages touched by one epoch that are remembered one by one (8 bytes each); beyond that a break forgets all. */
    private static final int MAX_TOUCHED = 1 << 20;

    /** One chunk of 64 neighbours in so many is looked at even while looking does not pay, so that this can be noticed. */
    private static final int SAMPLE = 64;

    private static final SecureRandom SEEDS = new SecureRandom();

    private final long generation;
    private final long seed = SEEDS.nextLong();
    private final SentHashes hashes = new SentHashes(MAX_HASH_BYTES);
    private final SentBases bases;
    private long[] touched = new long[1024];
    private int touchedCount;
    private boolean touchedTooMany;
    private long lastSealed;
    private boolean basesTrusted = true;

    /** @param baseBytes limit of the content that is kept */
    public SentVersions(long generation, long baseBytes) {
        this.generation = generation;
        bases = new SentBases(baseBytes);
    }

    public long generation() {
        return generation;
    }

    long seed() {
        return seed;
    }

    /** Sealed by the destination as far as the sender knows; 0 when nothing. */
    public long lastSealedEpoch() {
        return lastSealed;
    }

    /** A connection begins, whose receiver names the epoch it has sealed: what it does not build on is forgotten. */
    public void connected(long sealedEpoch) {
        broken();
        if (sealedEpoch != lastSealed) {
            forgetAll();
            lastSealed = sealedEpoch;
        }
    }

    /** What was sent since the last seal may not have arrived. */
    public void broken() {
        if (touchedTooMany) {
            forgetAll();
        }
        for (int i = 0; i < touchedCount; i++) {
            hashes.set(touched[i], SentHashes.UNKNOWN);
        }
        bases.forgetAfter(lastSealed);
        settle();
    }

    /** The destination has sealed {@code epoch}, with these spaces. */
    public void sealed(long epoch, LongPredicate alive) {
        lastSealed = epoch;
        settle();
        hashes.retain(alive);
        bases.retain(alive);
    }

    private void settle() {
        touchedCount = 0;
        touchedTooMany = false;
    }

    private void forgetAll() {
        hashes.forgetAll();
        bases.forgetAll();
        settle();
    }

    /** The destination has something else than was thought: nothing is known, and nothing is sent as a change any more. */
    public void distrust() {
        forgetAll();
        basesTrusted = false;
    }

    /** Gives back the memory of what is not needed to tell whether a page has changed. */
    public void shrink() {
        bases.forgetAll();
    }

    boolean areBasesTrusted() {
        return basesTrusted;
    }

    /** Whether a chunk of pages is among those that are looked at in any case. */
    static boolean isSampled(long space, long page) {
        return PageKeys.hash(page / SentHashes.CHUNK_PAGES, space) % SAMPLE == 0;
    }

    /** @return the hash of what the destination has, or will have after this epoch; {@link SentHashes#UNKNOWN} */
    long exchange(long space, long page, long hash) {
        long entry = hashes.entry(space, page);
        if (entry < 0) {
            return SentHashes.UNKNOWN;
        }
        long known = hashes.get(entry);
        if (known != hash) {
            hashes.set(entry, hash);
            touch(entry);
        }
        return known;
    }

    private void touch(long entry) {
        if (touchedCount == touched.length) {
            if (touchedCount >= MAX_TOUCHED) {
                touchedTooMany = true;
                return;
            }
            touched = Arrays.copyOf(touched, 2 * touchedCount);
        }
        touched[touchedCount++] = entry;
    }

    /** @return where the sealed version of a page is kept, {@link SentBases#NONE} when this epoch has touched it */
    int base(long space, long page) {
        int slot = bases.find(space, page);
        return slot != SentBases.NONE && bases.epoch(slot) <= lastSealed ? slot : SentBases.NONE;
    }

    SentBases bases() {
        return bases;
    }

    /** Keeps what {@code epoch} sends of a page that is rewritten. @return false when it found no room */
    boolean keep(long space, long page, long epoch, MemorySegment from, long offset) {
        int slot = bases.find(space, page);
        if (slot == SentBases.NONE) {
            return bases.add(space, page, epoch, from, offset);
        }
        bases.replace(slot, epoch, from, offset);
        return true;
    }

    /** The run changes in a way that is not remembered. */
    public void forget(long space, long address, long pages) {
        long first = address / PageRuns.PAGE_BYTES;
        hashes.forget(space, first, pages);
        bases.forget(space, first, pages);
    }

    void forgetBase(long space, long page) {
        bases.forget(space, page, 1);
    }

    @Override
    public void close() {
        hashes.close();
        bases.close();
    }
}
