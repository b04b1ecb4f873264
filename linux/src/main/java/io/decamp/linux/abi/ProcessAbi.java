package io.decamp.linux.abi;

import java.lang.foreign.StructLayout;
import java.util.List;

/** sys/wait.h, signal.h, spawn.h (glibc), sched.h, linux/kcmp.h. */
public final class ProcessAbi {
    public static final long WNOHANG = 1;
    public static final long WEXITED = 4;
    public static final long WNOWAIT = 0x01000000;
    public static final long __WALL = 0x40000000;
    public static final long P_PID = 1;
    public static final long PRIO_PROCESS = 0;

    public static final long SIGINT = 2;
    public static final long SIGTRAP = 5;
    public static final long SIGKILL = 9;
    public static final long SIGUSR1 = 10;
    public static final long SIGUSR2 = 12;
    public static final long SIGTERM = 15;
    public static final long SIGCHLD = 17;
    public static final long SIGCONT = 18;
    public static final long SIGSTOP = 19;

    public static final long POSIX_SPAWN_SETPGROUP = 0x02;
    public static final long POSIX_SPAWN_SETSIGDEF = 0x04;
    public static final long POSIX_SPAWN_SETSIGMASK = 0x08;
    public static final long POSIX_SPAWN_SETSID = 0x80;

    /** An enumerator, not a macro. */
    public static final long KCMP_VM = 1;

    static final List<StructLayout> LAYOUTS = List.of();

    private ProcessAbi() {}
}
