package io.decamp.introspector.engine.vm.files;

import io.decamp.contracts.criu.FdType;
import io.decamp.contracts.criu.FdinfoEntry;
import io.decamp.contracts.v1.Finding;
import io.decamp.contracts.v1.VmFiles;
import io.decamp.introspector.engine.vm.guest.GuestFault.Reason;
import io.decamp.introspector.engine.vm.guest.GuestFault;
import io.decamp.introspector.engine.vm.guest.GuestKernel;
import io.decamp.introspector.engine.vm.guest.GuestPaths;
import io.decamp.introspector.engine.vm.guest.GuestTasks;
import io.decamp.introspector.engine.vm.guest.KernelObject;
import io.decamp.introspector.engine.vm.guest.PidNumbers;
import io.decamp.introspector.engine.vm.image.Concerns;
import io.decamp.introspector.engine.vm.image.ImageDirectory;
import io.decamp.introspector.engine.vm.image.ImageFile;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.LongSupplier;

/**
 * The files of one workload as CRIU's images, for one save: first name everything that is open, mapped, executed or
 * worked in, then {@link #write}. What can't be carried ends a capture with its code, and is a finding of a check.
 * The workload is frozen meanwhile, or this is a check. One thread.
 *
 * <p>Codes: {@code file-kind-unsupported}, {@code file-state-unsupported}, {@code file-peer-outside}, {@code
 * file-unlinked}, {@code file-not-in-memory}, {@code file-too-large}.
 */
public final class FileImages {
    /** fs.nr_open, the most that RLIMIT_NOFILE can be without changing it. */
    private static final int MAX_DESCRIPTORS = 1 << 20;

    private static final int AF_UNIX = 1;

    private final Refusals refusals;
    private final FileTable table = new FileTable();
    private final FileKinds kinds;
    private final Descriptors descriptors = new Descriptors();
    private final RegularFiles regular;
    private final Contents contents;
    private final Pipes pipes;
    private final UnixSockets sockets;
    private final NetworkSockets network;
    private final Counters counters;
    private final Polls polls;
    private final Terminals terminals;
    private final FileLocks locks;
    private final Names names;

    private record Saved(int id, FdType type) {}

    /** By address of the description, and by path for what has none. */
    private final Map<Long, Saved> descriptions = new HashMap<>();

    private final Map<String, Integer> byPath = new HashMap<>();
    private final Map<Integer, List<FdinfoEntry>> fdinfos = new LinkedHashMap<>();
    private boolean finished;

    private FileImages(GuestKernel kernel, KernelObject init, LongSupplier monotonicNanos, Refusals refusals) {
        this.refusals = refusals;
        GuestTasks tasks = new GuestTasks(kernel);
        PidNumbers pids = PidNumbers.of(tasks, init);
        Frames frames = new Frames(kernel);
        this.kinds = new FileKinds(kernel);
        this.names = new Names(new GuestPaths(kernel));
        this.contents = new Contents(new PageCache(kernel, frames), refusals);
        this.regular = new RegularFiles(kernel, table, pids, names, contents, refusals);
        this.pipes = new Pipes(table, pids, frames, refusals);
        SocketOptions options = new SocketOptions(kernel);
        this.sockets = new UnixSockets(table, pids, names, regular, options, new SocketQueue(frames), refusals);
        this.network = new NetworkSockets(table, pids, options, refusals);
        this.counters = new Counters(table, pids, monotonicNanos, refusals);
        this.polls = new Polls(table, pids, refusals);
        this.terminals = new Terminals(table, pids, regular, refusals);
        this.locks = new FileLocks(refusals);
    }

    /**
     * For a save: the first thing that can't be carried is thrown.
     *
     * @param init PID 1 of the workload's PID namespace
     * @param monotonicNanos CLOCK_MONOTONIC of the guest, for the time that timers have left
     */
    public static FileImages capture(GuestKernel kernel, KernelObject init, LongSupplier monotonicNanos) {
        return new FileImages(kernel, init, monotonicNanos, new Refusals(Concerns.thrown()));
    }

    /** For a check: what can't be carried is listed by {@link #findings}; nothing is written. */
    public static FileImages check(GuestKernel kernel, KernelObject init, LongSupplier monotonicNanos) {
        return new FileImages(kernel, init, monotonicNanos, new Refusals(Concerns.noted()));
    }

    /** The executable of a process. @return its number in {@code files.img} */
    public int regular(KernelObject file, String user) {
        return mapped(file, 0, user);
    }

    /**
     * The file behind a mapping.
     *
     * @param file {@code vm_area_struct.vm_file}
     * @param flags as {@code RegFileEntry.flags}; criu writes 0 and opens with {@code vma_entry.fdflags}
     * @param user for messages and what the destination must have: {@code mapping of process 7}
     * @return its number in {@code files.img}, which is {@code vma_entry.shmid}
     */
    public int mapped(KernelObject file, int flags, String user) {
        OpenFile open = OpenFile.of(file, user);
        String key = "file " + open.inode().address() + " " + file.number("f_path.dentry") + " " + flags;
        Integer known = byPath.get(key);
        if (known != null) {
            return known;
        }
        int id = table.next();
        byPath.put(key, id);
        locks.watch(open);
        regular.mapped(id, open, flags);
        return id;
    }

    /**
     * A directory: {@code fs_struct.pwd} or {@code root}.
     *
     * @param structPath a {@code struct path}
     * @return its number in {@code files.img}
     */
    public int path(KernelObject structPath, String user) {
        String key = "path " + structPath.number("dentry") + " " + structPath.number("mnt");
        Integer known = byPath.get(key);
        if (known != null) {
            return known;
        }
        int id = table.next();
        byPath.put(key, id);
        regular.directory(id, structPath, user);
        return id;
    }

    /**
     * All that a process has open. Processes that share a table get the same number.
     *
     * @param files {@code task_struct.files}
     * @param pid of the process in its own PID namespace
     * @return the number N of {@code fdinfo-N.img}, which is {@code task_kobj_ids_entry.files_id}
     */
    public int descriptors(KernelObject files, int pid) {
        Descriptors.Table own = descriptors.open(files.address(), pid);
        if (own == null) {
            return descriptors.id(files.address());
        }
        KernelObject fdt = files.follow("fdt");
        int count = (int) fdt.number("max_fds");
        if (count < 0 || count > MAX_DESCRIPTORS) {
            throw new GuestFault(Reason.BOUND, "Process " + pid + " has room for " + count + " descriptors");
        }
        long[] open = fdt.numbers("fd", count);
        long[] closeOnExec = fdt.numbers("close_on_exec", (count + Long.SIZE - 1) / Long.SIZE);
        List<FdinfoEntry> entries = new ArrayList<>();
        for (int fd = 0; fd < count; fd++) {
            if (open[fd] == 0) {
                continue;
            }
            own.put(fd, open[fd]);
            KernelObject file = files.kernel().object("file", open[fd]);
            Saved saved = description(OpenFile.of(file, "descriptor " + fd + " of process " + pid));
            entries.add(FdinfoEntry.newBuilder()
                    .setId(saved.id())
                    .setFlags((int) (closeOnExec[fd / Long.SIZE] >>> fd % Long.SIZE & 1))
                    .setType(saved.type())
                    .setFd(fd)
                    .build());
        }
        fdinfos.put(own.id(), entries);
        return own.id();
    }

    private Saved description(OpenFile file) {
        Saved known = descriptions.get(file.address());
        if (known != null) {
            return known;
        }
        int id = table.next();
        Saved saved = new Saved(id, save(id, file));
        descriptions.put(file.address(), saved);
        return saved;
    }

    private FdType save(int id, OpenFile file) {
        FileKind kind = kinds.of(file);
        switch (kind) {
            case PIPE_OR_FIFO -> {
                return pipeOrFifo(id, file);
            }
            case SOCKET -> {
                return socket(id, file);
            }
            case EVENTFD -> {
                counters.eventfd(id, file);
                return FdType.EVENTFD;
            }
            case SIGNALFD -> {
                counters.signalfd(id, file);
                return FdType.SIGNALFD;
            }
            case TIMERFD -> {
                counters.timerfd(id, file);
                return FdType.TIMERFD;
            }
            case EVENTPOLL -> {
                polls.poll(id, file);
                return FdType.EVENTPOLL;
            }
            case TERMINAL, TERMINAL_MASTER -> {
                terminals.terminal(id, file);
                return FdType.TTY;
            }
            case OTHER -> {
                locks.watch(file);
                regular.descriptor(id, file);
                return FdType.REG;
            }
            default -> {
                refusals.kind(file, kind.words());
                return FdType.UND;
            }
        }
    }

    private FdType pipeOrFifo(int id, OpenFile file) {
        if (file.inode().fileSystem() == FileSystems.PIPES) {
            pipes.pipe(id, file);
            return FdType.PIPE;
        }
        int name = table.next();
        regular.name(name, file, true);
        pipes.fifo(id, file, name);
        return FdType.FIFO;
    }

    private FdType socket(int id, OpenFile file) {
        KernelObject socket = file.privateData("socket");
        if (socket.follow("sk").number("__sk_common.skc_family") == AF_UNIX) {
            sockets.socket(id, file, socket);
            return FdType.UNIXSK;
        }
        network.socket(id, file, socket);
        return FdType.INETSK;
    }

    /** When everything is named: what only shows then. */
    private void finish() {
        if (!finished) {
            finished = true;
            pipes.check();
            sockets.join();
            polls.check(descriptors);
            terminals.check();
            locks.check(descriptors);
        }
    }

    /**
     * Writes {@code files.img}, {@code fdinfo-N.img}, contents of pipes, sockets, removed and travelling files.
     *
     * @param files gets what travels and what must be at the destination
     */
    public void write(ImageDirectory images, VmFiles.Builder files) {
        finish();
        images.write(ImageFile.FILES, table.entries());
        fdinfos.forEach((id, entries) -> images.write(ImageFile.FDINFO, id, entries));
        pipes.write(images);
        sockets.write(images);
        terminals.write(images);
        locks.write(images);
        contents.write(images, files);
        regular.write(files);
    }

    /** What a check has found; empty when everything can be carried. */
    public List<Finding> findings() {
        finish();
        return refusals.concerns().findings();
    }
}
