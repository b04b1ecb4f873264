package io.decamp.linux.libc;

/**
 * The processor architectures that the calls differ on, and every system call number that is used by number: from
 * arch/x86/entry/syscalls/syscall_64.tbl and include/uapi/asm-generic/unistd.h (arm64).
 */
public enum Arch {
    X86_64(3, 323, 312),
    ARM64(57, 282, 272);

    /** Numbers from 424 on are the same on all architectures. */
    static final int PIDFD_SEND_SIGNAL = 424;

    static final int PIDFD_OPEN = 434;
    static final int PIDFD_GETFD = 438;

    private static final Arch CURRENT = ofName(System.getProperty("os.arch"));

    private final int close;
    private final int userfaultfd;
    private final int kcmp;

    Arch(int close, int userfaultfd, int kcmp) {
        this.close = close;
        this.userfaultfd = userfaultfd;
        this.kcmp = kcmp;
    }

    /** @throws UnsupportedOperationException on any other architecture */
    public static Arch current() {
        return CURRENT;
    }

    static Arch ofName(String osArch) {
        return switch (osArch) {
            case "amd64", "x86_64" -> X86_64;
            case "aarch64" -> ARM64;
            default -> throw new UnsupportedOperationException("no system call numbers for architecture " + osArch);
        };
    }

    public int closeNumber() {
        return close;
    }

    public int userfaultfdNumber() {
        return userfaultfd;
    }

    int kcmpNumber() {
        return kcmp;
    }
}
