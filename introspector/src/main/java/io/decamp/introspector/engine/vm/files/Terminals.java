package io.decamp.introspector.engine.vm.files;

import io.decamp.contracts.criu.FdType;
import io.decamp.contracts.criu.TermiosEntry;
import io.decamp.contracts.criu.TtyFileEntry;
import io.decamp.contracts.criu.TtyInfoEntry;
import io.decamp.contracts.criu.TtyPtyEntry;
import io.decamp.contracts.criu.TtyType;
import io.decamp.contracts.criu.WinsizeEntry;
import io.decamp.introspector.engine.vm.guest.KernelObject;
import io.decamp.introspector.engine.vm.guest.PidNumbers;
import io.decamp.introspector.engine.vm.image.ImageDirectory;
import io.decamp.introspector.engine.vm.image.ImageFile;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Pseudo terminals, both ends of which the workload has open: mode, speed, size, sessions ({@code struct tty_struct},
 * include/linux/tty.h; criu/tty.c). Consoles, serial lines and ends whose other end is elsewhere are refused.
 */
final class Terminals {
    private static final int TTY_DRIVER_TYPE_PTY = 4;
    private static final int PTY_TYPE_MASTER = 1;

    // bits of tty_struct.flags
    private static final int TTY_EXCLUSIVE = 3;
    private static final int TTY_PTY_LOCK = 16;
    private static final int TTY_HUPPED = 18;

    /** criu numbers pairs below this. */
    private static final int MAX_INDEX = 1000;

    private static final int N_TTY = 0;
    private static final int NCCS = 19;
    private static final int READ_BUFFER_LINES = 4096;

    private record Terminal(OpenFile file, KernelObject tty, boolean master, int index) {}

    private final FileTable table;
    private final PidNumbers pids;
    private final RegularFiles regular;
    private final Refusals refusals;
    private final Map<Integer, Terminal> terminals = new LinkedHashMap<>();

    Terminals(FileTable table, PidNumbers pids, RegularFiles regular, Refusals refusals) {
        this.table = table;
        this.pids = pids;
        this.regular = regular;
        this.refusals = refusals;
    }

    void terminal(int id, OpenFile file) {
        KernelObject tty = file.privateData("tty_file_private").follow("tty");
        KernelObject driver = tty.follow("driver");
        if (driver.number("type") != TTY_DRIVER_TYPE_PTY || !isOfItsDriver(file, driver)) {
            refusals.kind(
                    file,
                    "the terminal " + file.inode().deviceMajor() + ":" + file.inode().deviceMinor()
                            + " of this VM (a console, a serial line or /dev/tty)");
            return;
        }
        boolean master = driver.number("subtype") == PTY_TYPE_MASTER;
        int index = (int) tty.number("index");
        if (index > MAX_INDEX) {
            refusals.state(file, "is pseudo terminal " + index + ", and criu restores none above " + MAX_INDEX);
            return;
        }
        if (bit(tty, TTY_HUPPED)) {
            refusals.state(file, "is a terminal that was hung up");
        }
        int number = index << 1 | (master ? 1 : 0);
        terminals.putIfAbsent(number, new Terminal(file, tty, master, index));
        int name = table.next();
        regular.name(name, file, master);
        table.add(table.entry(FdType.TTY, id)
                .setTty(TtyFileEntry.newBuilder()
                        .setId(id)
                        .setTtyInfoId(number)
                        .setFlags(file.flags())
                        .setFown(file.owner(pids))
                        .setRegfId(name)));
    }

    /** /dev/tty leads to a pseudo terminal too, and is not one. */
    private static boolean isOfItsDriver(OpenFile file, KernelObject driver) {
        int major = file.inode().deviceMajor();
        return major == driver.number("major") || isPtmx(file.inode());
    }

    private static boolean isPtmx(Inode inode) {
        return inode.deviceMajor() == 5 && inode.deviceMinor() == 2;
    }

    /** When all are known. */
    void check() {
        for (Map.Entry<Integer, Terminal> entry : terminals.entrySet()) {
            Terminal terminal = entry.getValue();
            if (!terminal.master() && !terminals.containsKey(entry.getKey() | 1)) {
                refusals.peer(terminal.file(), "is a pseudo terminal with its master");
            }
            if (slave(terminal).number("termios.c_line") != N_TTY) {
                refusals.state(terminal.file(), "is a terminal with a line discipline of its own");
            } else if (hasUnread(terminal.tty())) {
                refusals.state(terminal.file(), "is a terminal with input that was not read yet");
            }
            for (String end : new String[] {"ctrl.session", "ctrl.pgrp"}) {
                Optional<KernelObject> pid = slave(terminal).tryFollow(end);
                if (pid.isPresent() && pids.ofPid(pid.get()) == 0) {
                    refusals.peer(terminal.file(), "is a terminal of a session");
                }
            }
        }
    }

    /** {@code struct n_tty_data} of drivers/tty/n_tty.c. */
    private static boolean hasUnread(KernelObject tty) {
        long data = tty.number("disc_data");
        if (data == 0) {
            return false;
        }
        KernelObject line = tty.kernel().object("n_tty_data", data);
        long unread = line.number("read_head") - line.number("read_tail");
        return unread > 0 && unread <= READ_BUFFER_LINES;
    }

    private static KernelObject slave(Terminal terminal) {
        return terminal.master() ? terminal.tty().tryFollow("link").orElse(terminal.tty()) : terminal.tty();
    }

    void write(ImageDirectory images) {
        if (!terminals.isEmpty()) {
            images.write(
                    ImageFile.TTY_INFO,
                    terminals.entrySet().stream()
                            .map(entry -> info(entry.getKey(), entry.getValue()))
                            .toList());
        }
    }

    private TtyInfoEntry info(int number, Terminal terminal) {
        KernelObject tty = terminal.tty();
        Inode inode = terminal.file().inode();
        // Asked at the master, the kernel answers for the slave: its mode and size are what counts.
        KernelObject slave = slave(terminal);
        return TtyInfoEntry.newBuilder()
                .setId(number)
                .setType(TtyType.TTY_PTY)
                .setLocked(terminal.master() && bit(tty, TTY_PTY_LOCK))
                .setExclusive(bit(tty, TTY_EXCLUSIVE))
                .setPacketMode(terminal.master() && tty.number("ctrl.packet") != 0)
                .setSid(slave.tryFollow("ctrl.session").map(pids::ofPid).orElse(0))
                .setPgrp(slave.tryFollow("ctrl.pgrp").map(pids::ofPid).orElse(0))
                .setRdev(inode.device())
                .setTermios(mode(slave.at("termios")))
                .setTermiosLocked(mode(slave.at("termios_locked")))
                .setWinsize(WinsizeEntry.newBuilder()
                        .setWsRow((int) slave.number("winsize.ws_row"))
                        .setWsCol((int) slave.number("winsize.ws_col"))
                        .setWsXpixel((int) slave.number("winsize.ws_xpixel"))
                        .setWsYpixel((int) slave.number("winsize.ws_ypixel")))
                .setPty(TtyPtyEntry.newBuilder().setIndex(terminal.index()))
                .setDev(inode.fileSystemDevice())
                .setUid(inode.uid())
                .setGid(inode.gid())
                .build();
    }

    /** criu copies the bytes of c_cc over its array of u32, and back: four characters a number. */
    private static TermiosEntry mode(KernelObject termios) {
        TermiosEntry.Builder mode = TermiosEntry.newBuilder()
                .setCIflag((int) termios.number("c_iflag"))
                .setCOflag((int) termios.number("c_oflag"))
                .setCCflag((int) termios.number("c_cflag"))
                .setCLflag((int) termios.number("c_lflag"))
                .setCLine((int) termios.number("c_line"))
                .setCIspeed(0)
                .setCOspeed(0);
        packed(termios.bytes("c_cc")).forEach(mode::addCCc);
        return mode.build();
    }

    static List<Integer> packed(byte[] characters) {
        Integer[] words = new Integer[NCCS];
        for (int i = 0; i < NCCS; i++) {
            int word = 0;
            for (int j = 0; j < Integer.BYTES; j++) {
                int at = i * Integer.BYTES + j;
                word |= at < Math.min(NCCS, characters.length) ? (characters[at] & 0xff) << 8 * j : 0;
            }
            words[i] = word;
        }
        return List.of(words);
    }

    private static boolean bit(KernelObject tty, int bit) {
        return (tty.number("flags") >>> bit & 1) != 0;
    }
}
