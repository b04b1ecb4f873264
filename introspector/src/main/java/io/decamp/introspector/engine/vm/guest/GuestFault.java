package io.decamp.introspector.engine.vm.guest;

import io.decamp.contracts.error.DecampException;
import io.decamp.contracts.error.DecampException.Category;

/**
 * Guest memory does not hold what a reader needs of it: says where, of which type, and what is wrong. Unchecked, because any
 * read may end in it; {@link #asDecamp} makes of it what crosses engines.
 */
public final class GuestFault extends RuntimeException {
    private static final long serialVersionUID = 1;

    /** What is wrong; each has a stable code. */
    public enum Reason {
        /** A physical address that is not RAM. */
        OUTSIDE("guest-memory-outside", Category.RETRY),
        /** A virtual address that has no page. */
        UNMAPPED("guest-memory-unmapped", Category.RETRY),
        /** A pointer that is null where the reader needs what it points to. */
        NULL("guest-memory-null", Category.RETRY),
        /** A list, tree, string or count beyond its bound, or that runs in a circle. */
        BOUND("guest-memory-bound", Category.RETRY),
        /** A type or member which this kernel does not have, or that is not what the reader takes it for. */
        TYPE("guest-memory-type", Category.REFUSED),
        /** A symbol which this kernel does not have. */
        SYMBOL("guest-memory-symbol", Category.REFUSED),
        /** A table of the kernel (VMCOREINFO, kallsyms, BTF) or of QEMU (memory tree) that can't be right. */
        FORMAT("guest-memory-format", Category.REFUSED),
        /** The RAM file got shorter or its host memory can't be had. */
        GONE("guest-memory-gone", Category.ABORT),
        /** Another kernel, or another boot of it, than the one attached to. */
        REBOOTED("guest-memory-rebooted", Category.ABORT);

        private final String code;
        private final Category category;

        Reason(String code, Category category) {
            this.code = code;
            this.category = category;
        }
    }

    private final Reason reason;

    public GuestFault(Reason reason, String message) {
        super(message);
        this.reason = reason;
    }

    public GuestFault(Reason reason, String message, Throwable cause) {
        super(message, cause);
        this.reason = reason;
    }

    static GuestFault unmapped(long address, String what) {
        return new GuestFault(Reason.UNMAPPED, "Guest address " + hex(address) + " is not mapped: " + what);
    }

    static GuestFault bound(String message) {
        return new GuestFault(Reason.BOUND, message);
    }

    static GuestFault type(String message) {
        return new GuestFault(Reason.TYPE, message);
    }

    static GuestFault format(String message) {
        return new GuestFault(Reason.FORMAT, message);
    }

    static String hex(long value) {
        return "0x" + Long.toHexString(value);
    }

    public Reason reason() {
        return reason;
    }

    /** Stable, kebab-case: {@code guest-memory-unmapped}. */
    public String code() {
        return reason.code;
    }

    /** The same as an exception that crosses engines. */
    public DecampException asDecamp() {
        return new DecampException(reason.category, reason.code, getMessage(), advice(), this);
    }

    private String advice() {
        return switch (reason) {
            case OUTSIDE, UNMAPPED, NULL, BOUND -> "The guest changed what was being read, or its memory is damaged: try"
                    + " again, and if it stays look into the guest's kernel log.";
            case TYPE, SYMBOL -> "This guest kernel has not the structure that is read: run a kernel that is known to work"
                    + " (docs/out-of-band.md lists them).";
            case FORMAT -> "Give the guest a kernel with CONFIG_DEBUG_INFO_BTF and CONFIG_KALLSYMS_ALL, and QEMU a memory"
                    + " backend with share=on.";
            case GONE -> "The VM's RAM file was cut or removed: look whether QEMU still runs.";
            case REBOOTED -> "The guest has booted anew: attach again.";
        };
    }
}
