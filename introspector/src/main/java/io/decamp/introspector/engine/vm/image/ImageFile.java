package io.decamp.introspector.engine.vm.image;

import java.util.Locale;

/**
 * The kinds of CRIU image files that a save from outside writes: names (criu/image-desc.c) and magics
 * (criu/include/magic.h).
 */
public enum ImageFile {
    /** The one image without the common magic in front: its version tells that the others have it. */
    INVENTORY("inventory", 0x58313116),
    PSTREE("pstree", 0x50273030),
    SECCOMP("seccomp", 0x64413049),
    FILES("files", 0x56303138),
    PIPES_DATA("pipes-data", 0x56453709),
    FIFO_DATA("fifo-data", 0x59333054),
    SK_QUEUES("sk-queues", 0x56264026),
    TTY_INFO("tty-info", 0x59453036),
    FILE_LOCKS("filelocks", 0x54323616),
    REMAP_FPATH("remap-fpath", 0x59133954),
    CORE("core-%d", 0x55053847),
    IDS("ids-%d", 0x54432030),
    MM("mm-%d", 0x57492820),
    PAGEMAP("pagemap-%d", 0x56084025),
    FS("fs-%d", 0x51403912),
    FDINFO("fdinfo-%d", 0x56213732),
    UTSNS("utsns-%d", 0x54473203),
    IPC_VAR("ipcns-var-%d", 0x53115007),
    IPC_SHARED_MEMORY("ipcns-shm-%d", 0x46283044),
    IPC_MESSAGES("ipcns-msg-%d", 0x55453737),
    IPC_SEMAPHORES("ipcns-sem-%d", 0x59573019),
    TIMENS("timens-%d", 0x43114433),
    GHOST_FILE("ghost-file-%x", 0x52583605),
    /** Nothing but pages: no magic at all. */
    PAGES("pages-%d", 0);

    /** In front of every image since version 1.1 (IMG_COMMON_MAGIC). */
    static final int COMMON_MAGIC = 0x54564319;

    private final String format;
    private final int magic;

    ImageFile(String format, int magic) {
        this.format = format;
        this.magic = magic;
    }

    /** The file's name. @param id PID, or whatever number the kind's name has; ignored by kinds without one */
    public String fileName(int id) {
        return String.format(Locale.ROOT, format, id) + ".img";
    }

    boolean isNumbered() {
        return format.indexOf('%') >= 0;
    }

    boolean startsWithCommonMagic() {
        return this != INVENTORY && this != PAGES;
    }

    int magic() {
        return magic;
    }
}
