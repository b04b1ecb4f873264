package io.decamp.introspector.engine.vm.guest;

import io.decamp.contracts.error.DecampException;
import io.decamp.contracts.error.DecampException.Category;

/**
 * Guest memory does not hold what a reader needs of it: says where, of which type, and what is wrong. Unchecked,
 * because any read may end in it; {@link #asDecamp} makes of it what crosses engines.
 */
public final class GuestFault extends RuntimeException {
    private static final long serialVersionUID = 1;

    /** What is wrong; each has a stable code. */
    public enum Reason {
        /** A physical address that is not RAM. */
        OUTSIDE(Category.RETRY, "guest-memory-outside"),
        /** A virtual address that has no page. */
        UNMAPPED(Category.RETRY, "guest-memory-unmapped"),
        /** A pointer that is null where the reader needs what it points to. */
        NULL(Category.RETRY, "guest-memory-null"),
        /** A list, tree, string or count beyond its bound, or that runs in a circle. */
        BOUND(Category.RETRY, "guest-memory-bound"),
        /** What was copied lies elsewhere now: the copy may be of what came there afterwards. */
        MOVED(Category.RETRY, "guest-memory-moved"),
        /** A type or member which this kernel does not have, or that is not what the reader takes it for. */
        TYPE(Category.REFUSED, "guest-memory-type"),
        /** A symbol which this kernel does not have. */
        SYMBOL(Category.REFUSED, "guest-memory-symbol"),
        /** A table of the kernel (VMCOREINFO, kallsyms, BTF) or of QEMU (memory tree) that can't be right. */
        FORMAT(Category.REFUSED, "guest-memory-format"),
        /** The RAM file got shorter or its host memory can't be had. */
        GONE(Category.ABORT, "guest-memory-gone"),
        /** Another kernel, or another boot of it, than the one attached to. */
        REBOOTED(Category.ABORT, "guest-memory-rebooted");

        private final String code;
        private final Category category;

        Reason(Category category, String code) {
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

    /** Whether it may be that the guest was just changing what was read. */
    boolean mayPass() {
        return reason.category == Category.RETRY;
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
            case OUTSIDE, UNMAPPED, NULL, BOUND, MOVED -> "The guest changed what was read, or its memory is damaged:"
                    + " try again, and if it stays look into the guest's kernel log.";
            case TYPE, SYMBOL -> "This guest kernel has not the structure that is read: run a kernel that is known to"
                    + " work (docs/out-of-band.md lists them).";
            case FORMAT -> "Give the guest a kernel with CONFIG_DEBUG_INFO_BTF and CONFIG_KALLSYMS_ALL, and QEMU a"
                    + " memory backend with share=on.";
            case GONE -> "The VM's RAM file was cut or removed: look whether QEMU still runs.";
            case REBOOTED -> "The guest has booted anew: attach again.";
        };
    }
}
