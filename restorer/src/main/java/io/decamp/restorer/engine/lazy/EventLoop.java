package io.decamp.restorer.engine.lazy;

import io.decamp.linux.abi.FileAbi;
import io.decamp.linux.fd.FileDescriptor;
import io.decamp.linux.libc.Errno;
import io.decamp.linux.libc.FileCalls;
import io.decamp.linux.libc.SyscallException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.List;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;

/**
 * The one thread that reads the userfaultfds of a copy: answers faults and follows events. Ends when {@link #stop} is
 * called or the owner, asked whenever it was woken, says so.
 */
final class EventLoop implements Runnable, AutoCloseable {
    /** While a fault waits for the workload to finish changing its mappings; nothing announces that. */
    private static final int RETRY_MILLIS = 1;

    private static final int FOREVER = -1;

    private final FillPlan plan;
    private final ServedSpace.Forks forks;
    private final Consumer<ServedSpace> gone;
    private final BooleanSupplier ended;
    private final FileDescriptor wakeUp;
    private final FileDescriptor waker;
    private volatile boolean stopped;
    private MemorySegment polls = MemorySegment.NULL;

    /**
     * @param gone gets each space whose process has ended; must take it out of the plan
     * @param ended asked on this thread after each {@link #wake}; true ends it
     */
    EventLoop(FillPlan plan, ServedSpace.Forks forks, Consumer<ServedSpace> gone, BooleanSupplier ended) {
        this.plan = plan;
        this.forks = forks;
        this.gone = gone;
        this.ended = ended;
        int[] pipe = FileCalls.pipe();
        this.wakeUp = FileDescriptor.own(pipe[0], "wake-up of the page server");
        this.waker = FileDescriptor.own(pipe[1], "waker of the page server");
    }

    @Override
    public void run() {
        try (Arena arena = Arena.ofConfined()) {
            while (!stopped) {
                List<ServedSpace> spaces = List.copyOf(plan.spaces());
                int entries = 1 + spaces.size();
                if (polls.byteSize() < entries * FileAbi.POLLFD_BYTES) {
                    polls = arena.allocate(2L * entries * FileAbi.POLLFD_BYTES, 8);
                }
                if (await(spaces) && ended.getAsBoolean()) {
                    return;
                }
            }
        }
    }

    /** One wait and all that it brought. @return true when woken by {@link #wake} */
    private boolean await(List<ServedSpace> spaces) {
        boolean waiting = false;
        setPoll(0, wakeUp.number());
        for (int i = 0; i < spaces.size(); i++) {
            ServedSpace space = spaces.get(i);
            waiting |= space.hasWaiting();
            setPoll(i + 1, space.uffd().number());
        }
        long ready = FileCalls.poll(polls.address(), spaces.size() + 1, waiting ? RETRY_MILLIS : FOREVER);
        if (ready < 0 && ready != -Errno.EINTR) {
            throw new SyscallException("poll", (int) -ready, spaces.size() + " userfaultfds");
        }
        for (int i = 0; i < spaces.size(); i++) {
            ServedSpace space = spaces.get(i);
            if (ready > 0 && isReady(i + 1) || space.hasWaiting()) {
                space.handleQueued(forks);
            }
            if (space.isGone()) {
                gone.accept(space);
            }
        }
        return ready > 0 && isReady(0) && drainWakeUp();
    }

    private void setPoll(int entry, int fd) {
        long at = entry * FileAbi.POLLFD_BYTES;
        polls.set(ValueLayout.JAVA_INT, at + FileAbi.POLLFD_FD, fd);
        polls.set(ValueLayout.JAVA_SHORT, at + FileAbi.POLLFD_EVENTS, (short) FileAbi.POLLIN);
        polls.set(ValueLayout.JAVA_SHORT, at + FileAbi.POLLFD_REVENTS, (short) 0);
    }

    private boolean isReady(int entry) {
        return polls.get(ValueLayout.JAVA_SHORT, entry * FileAbi.POLLFD_BYTES + FileAbi.POLLFD_REVENTS) != 0;
    }

    private boolean drainWakeUp() {
        try (Arena arena = Arena.ofConfined()) {
            return FileCalls.read(wakeUp.number(), arena.allocate(64).address(), 64) > 0;
        }
    }

    /** From any thread: looks at the plan's spaces anew, and asks the owner. */
    synchronized void wake() {
        if (waker.isOpen()) {
            try (Arena arena = Arena.ofConfined()) {
                FileCalls.write(waker.number(), arena.allocate(1).address(), 1);
            }
        }
    }

    void stop() {
        stopped = true;
        wake();
    }

    /** When its thread has ended or is about to, of its own accord. */
    @Override
    public synchronized void close() {
        waker.close();
        wakeUp.close();
    }
}
