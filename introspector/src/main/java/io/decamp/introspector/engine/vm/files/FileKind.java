package io.decamp.introspector.engine.vm.files;

/** What a description is, by its operations: the symbols are the kernel's. */
enum FileKind {
    PIPE_OR_FIFO("pipefifo_fops", "a pipe"),
    SOCKET("socket_file_ops", "a socket"),
    EVENTFD("eventfd_fops", "an eventfd"),
    EVENTPOLL("eventpoll_fops", "an epoll"),
    SIGNALFD("signalfd_fops", "a signalfd"),
    TIMERFD("timerfd_fops", "a timerfd"),
    TERMINAL("tty_fops", "a terminal"),
    TERMINAL_MASTER("ptmx_fops", "the master of a terminal"),
    CONSOLE("console_fops", "the console"),
    HUNG_UP_TERMINAL("hung_up_tty_fops", "a terminal that was hung up"),
    INOTIFY("inotify_fops", "an inotify"),
    FANOTIFY("fanotify_fops", "a fanotify"),
    IO_URING("io_uring_fops", "an io_uring"),
    USERFAULTFD("userfaultfd_fops", "a userfaultfd"),
    PERF_EVENT("perf_fops", "a perf event"),
    BPF_MAP("bpf_map_fops", "a BPF map"),
    BPF_PROGRAM("bpf_prog_fops", "a BPF program"),
    BPF_LINK("bpf_link_fops", "a BPF link"),
    PIDFD("pidfd_fops", "a pidfd"),
    NAMESPACE("ns_file_operations", "a namespace"),
    MESSAGE_QUEUE("mqueue_file_operations", "a POSIX message queue"),
    SECRET_MEMORY("secretmem_fops", "secret memory"),
    DMA_BUFFER("dma_buf_fops", "a DMA buffer"),
    MOUNT_CONTEXT("fscontext_fops", "a mount context"),
    HUGE_PAGES("hugetlbfs_file_operations", "a file of huge pages"),
    /** Everything whose operations tell nothing: files and directories of file systems, devices. */
    OTHER(null, "a file");

    private final String operations;
    private final String words;

    FileKind(String operations, String words) {
        this.operations = operations;
        this.words = words;
    }

    String operations() {
        return operations;
    }

    /** For messages. */
    String words() {
        return words;
    }
}
