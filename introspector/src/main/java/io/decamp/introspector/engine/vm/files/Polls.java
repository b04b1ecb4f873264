package io.decamp.introspector.engine.vm.files;

import io.decamp.contracts.criu.EventpollFileEntry;
import io.decamp.contracts.criu.EventpollTfdEntry;
import io.decamp.contracts.criu.FdType;
import io.decamp.introspector.engine.vm.guest.KernelObject;
import io.decamp.introspector.engine.vm.guest.PidNumbers;
import java.util.ArrayList;
import java.util.List;

/**
 * epoll instances and what they watch ({@code struct eventpoll} and {@code struct epitem}, fs/eventpoll.c;
 * criu/eventpoll.c). criu adds the watches anew in the process that restores the instance, the one with the lowest
 * PID of those that have it: the watched descriptors must be in that process's table, and must still be what is
 * watched.
 */
final class Polls {
    /** fs.epoll.max_user_watches allows for more on machines far larger than a container has. */
    private static final int MAX_WATCHES = 1 << 20;

    private record Watch(int descriptor, long file) {}

    private record Poll(OpenFile file, List<Watch> watches) {}

    private final FileTable table;
    private final PidNumbers pids;
    private final Refusals refusals;
    private final List<Poll> polls = new ArrayList<>();

    Polls(FileTable table, PidNumbers pids, Refusals refusals) {
        this.table = table;
        this.pids = pids;
        this.refusals = refusals;
    }

    void poll(int id, OpenFile file) {
        KernelObject poll = file.privateData("eventpoll");
        EventpollFileEntry.Builder entry = EventpollFileEntry.newBuilder()
                .setId(id)
                .setFlags(file.flags())
                .setFown(file.owner(pids));
        List<Watch> watches = new ArrayList<>();
        for (KernelObject item : poll.tree("rbr.rb_root", "epitem", "rbn", MAX_WATCHES)) {
            int descriptor = (int) item.number("ffd.fd");
            OpenFile watched = OpenFile.of(
                    item.kernel().object("file", item.number("ffd.file")),
                    "what " + file.user() + " watches as " + descriptor);
            watches.add(new Watch(descriptor, watched.address()));
            entry.addTfd(EventpollTfdEntry.newBuilder()
                    .setId(0)
                    .setTfd(descriptor)
                    .setEvents((int) item.number("event.events"))
                    .setData(item.number("event.data"))
                    .setDev(watched.inode().fileSystemDevice())
                    .setInode(watched.inode().number())
                    .setPos(watched.position()));
        }
        polls.add(new Poll(file, watches));
        table.add(table.entry(FdType.EVENTPOLL, id).setEpfd(entry));
    }

    /** When all tables are known. */
    void check(Descriptors descriptors) {
        for (Poll poll : polls) {
            Descriptors.Table restorer = descriptors.lowest(poll.file().address());
            for (Watch watch : poll.watches()) {
                if (restorer == null || restorer.file(watch.descriptor()) != watch.file()) {
                    refusals.state(
                            poll.file(),
                            "is an epoll that watches what was descriptor " + watch.descriptor()
                                    + ", which is closed or something else by now in the process that restores it");
                }
            }
        }
    }
}
