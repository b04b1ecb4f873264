package io.decamp.linux.probe;

import io.decamp.linux.fd.FileDescriptor;
import io.decamp.linux.libc.FileCalls;
import io.decamp.linux.libc.SyscallException;
import io.decamp.linux.pid.PidFd;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** Probes of what we may do with processes. */
final class ProcessProbes {
    /** linux/capability.h. */
    private static final int CAP_SYS_PTRACE = 19;

    private static final int CAP_SYS_ADMIN = 21;

    /** Documentation/admin-guide/LSM/Yama.rst: no attach at all. */
    private static final String YAMA_NO_ATTACH = "3";

    private ProcessProbes() {}

    static Support pidfdGetfd() {
        int[] pipe = FileCalls.pipe();
        try (FileDescriptor reading = FileDescriptor.own(pipe[0], "probe of pidfd_getfd");
                FileDescriptor writing = FileDescriptor.own(pipe[1], "probe of pidfd_getfd");
                PidFd us = PidFd.open((int) ProcessHandle.current().pid());
                FileDescriptor taken = us.take(reading.number())) {
            return taken.isOpen() && writing.isOpen() ? Support.yes() : Support.no("it returned no descriptor");
        } catch (SyscallException e) {
            return Support.no(e.call() + " says " + e.errnoName());
        }
    }

    static Support ptrace() {
        if (!hasCapability(CAP_SYS_PTRACE)) {
            return Support.no("we lack CAP_SYS_PTRACE");
        }
        Path yama = Path.of("/proc/sys/kernel/yama/ptrace_scope");
        if (Files.exists(yama) && read(yama).equals(YAMA_NO_ATTACH)) {
            return Support.no(yama + " is " + YAMA_NO_ATTACH);
        }
        return Support.yes();
    }

    /** kernel/ptrace.c check_ptrace_options(): the tracer must not be under a filter itself. */
    static Support suspendSeccomp() {
        if (!hasCapability(CAP_SYS_ADMIN)) {
            return Support.no("we lack CAP_SYS_ADMIN");
        }
        return field("Seccomp").equals("0") ? Support.yes() : Support.no("we run under a seccomp filter ourselves");
    }

    static Support pidNamespaces() {
        return exists(Path.of("/proc/self/ns/pid"));
    }

    static Support timeNamespaces() {
        return exists(Path.of("/proc/self/ns/time"));
    }

    private static Support exists(Path path) {
        return Files.exists(path) ? Support.yes() : Support.no("there is no " + path);
    }

    private static boolean hasCapability(int number) {
        return (Long.parseUnsignedLong(field("CapEff"), 16) >> number & 1) != 0;
    }

    private static String field(String name) {
        for (String line : read(Path.of("/proc/self/status")).split("\n")) {
            if (line.startsWith(name + ":")) {
                return line.substring(name.length() + 1).trim();
            }
        }
        throw new IllegalStateException("no " + name + " in /proc/self/status");
    }

    private static String read(Path path) {
        try {
            return Files.readString(path).trim();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
