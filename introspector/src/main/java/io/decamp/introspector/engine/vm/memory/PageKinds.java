package io.decamp.introspector.engine.vm.memory;

import io.decamp.introspector.engine.vm.guest.GuestKernel;

/**
 * What a page-table entry of a process says about a page. One answer for all who ask: the replica's pages and those
 * that the images name must be the same.
 */
public interface PageKinds {
    /** What an entry stands for. */
    enum Kind {
        /** A page with content of the process's own, or of a file. */
        FRAME,
        /** Reads as zero: nothing is there, or a page of zeros that all share. */
        HOLE,
        /** The guest's kernel is moving the page: it has content, and is back in microseconds to milliseconds. */
        IN_TRANSIT,
        /** Its content is not in RAM. */
        SWAPPED(
                "vm-swapped",
                "has been swapped out by the guest",
                "Turn swap off in the guest (swapoff -a): what is not in its RAM can't be saved"),
        /** Nothing is there, and whoever touches it is to get a signal: zeros would not be the same. */
        MARKED(
                "vm-page-marked",
                "is marked: a guard (MADV_GUARD_INSTALL), or the guest has lost its content",
                "Look into the guest's kernel log for memory errors and failed reads from swap; guards of madvise() "
                        + "can't be carried, use PROT_NONE");

        private final String code;
        private final String what;
        private final String advice;

        Kind() {
            this("", "", "");
        }

        Kind(String code, String what, String advice) {
            this.code = code;
            this.what = what;
            this.advice = advice;
        }

        /** Whether a process that has such a page can't be saved. */
        public boolean isRefused() {
            return !code.isEmpty();
        }

        /** Of the refusal. */
        public String code() {
            return code;
        }

        public String what(long address) {
            return "The page at 0x" + Long.toHexString(address) + " " + what;
        }

        public String advice() {
            return advice;
        }
    }

    static PageKinds of(GuestKernel kernel) {
        return new KernelPageKinds(kernel);
    }

    /**
     * @param entry not zero
     * @param bytes what the entry maps
     */
    Kind of(long entry, long bytes);

    /** Whether a frame is a process's own (PageAnon), not of a file's cache. */
    boolean isAnonymous(long physical);
}
