package io.decamp.linux.libc;

import com.sun.jna.Native;
import com.sun.jna.NativeLibrary;

/**
 * The C functions as they are: C names, C results, pointers as addresses. Variadic functions are declared with the
 * arguments that are passed: on x86_64 and arm64 Linux, integer arguments travel alike in both kinds of calls.
 */
final class Libc {
    static {
        Native.register(Libc.class, NativeLibrary.getProcess());
    }

    private Libc() {}

    static native long syscall(long number, long a, long b, long c, long d);

    static native int open(long path, int flags, int mode);

    static native int close(int fd);

    static native long read(int fd, long buffer, long count);

    static native long write(int fd, long buffer, long count);

    static native long pread(int fd, long buffer, long count, long offset);

    static native long pwrite(int fd, long buffer, long count, long offset);

    static native int ioctl(int fd, long request, long argument);

    static native int fcntl(int fd, int command, long argument);

    static native int flock(int fd, int operation);

    static native int poll(long fds, long count, int timeoutMillis);

    static native int pipe2(long fds, int flags);

    static native int eventfd(int initial, int flags);

    static native int fallocate(int fd, int mode, long offset, long length);

    static native int ftruncate(int fd, long length);

    static native long lseek(int fd, long offset, int whence);

    static native int memfd_create(long name, int flags);

    static native long mmap(long address, long length, int protection, int flags, int fd, long offset);

    static native int munmap(long address, long length);

    static native int madvise(long address, long length, int advice);

    static native long process_vm_readv(int pid, long local, long locals, long remote, long remotes, long flags);

    static native long process_vm_writev(int pid, long local, long locals, long remote, long remotes, long flags);

    static native long ptrace(long request, long pid, long address, long data);

    static native int kill(int pid, int signal);

    static native int waitpid(int pid, long status, int options);

    static native int setpriority(int which, int who, int priority);

    static native int socket(int domain, int type, int protocol);

    static native int socketpair(int domain, int type, int protocol, long fds);

    static native int bind(int fd, long address, int length);

    static native int listen(int fd, int backlog);

    static native int accept4(int fd, long address, long length, int flags);

    static native int connect(int fd, long address, int length);

    static native int shutdown(int fd, int how);

    static native int getsockname(int fd, long address, long length);

    static native int getpeername(int fd, long address, long length);

    static native long sendmsg(int fd, long message, int flags);

    static native long recvmsg(int fd, long message, int flags);

    static native int getsockopt(int fd, int level, int name, long value, long length);

    static native int setsockopt(int fd, int level, int name, long value, int length);

    static native int posix_spawn(long pid, long path, long actions, long attributes, long arguments, long environment);

    static native int posix_spawn_file_actions_init(long actions);

    static native int posix_spawn_file_actions_destroy(long actions);

    static native int posix_spawn_file_actions_adddup2(long actions, int fd, int newFd);

    static native int posix_spawn_file_actions_addclose(long actions, int fd);

    static native int posix_spawn_file_actions_addopen(long actions, int fd, long path, int flags, int mode);

    static native int posix_spawn_file_actions_addchdir_np(long actions, long path);

    static native int posix_spawn_file_actions_addclosefrom_np(long actions, int from);

    static native int posix_spawnattr_init(long attributes);

    static native int posix_spawnattr_destroy(long attributes);

    static native int posix_spawnattr_setflags(long attributes, short flags);

    static native int posix_spawnattr_setsigmask(long attributes, long mask);

    static native int posix_spawnattr_setsigdefault(long attributes, long signals);

    static native int sigemptyset(long set);

    static native int sigfillset(long set);

    /** @return errno of the last call of this thread; only meaningful right after a call that reported failure */
    static int errno() {
        return Native.getLastError();
    }

    /** The kernel's own convention, made of libc's: a result, or {@code -errno}. */
    static long orMinusErrno(long result) {
        return result == -1 ? -errno() : result;
    }
}
