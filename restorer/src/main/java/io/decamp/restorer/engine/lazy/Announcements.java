package io.decamp.restorer.engine.lazy;

import io.decamp.contracts.error.DecampException;
import io.decamp.linux.fd.FileDescriptor;
import io.decamp.linux.libc.SyscallException;
import io.decamp.linux.socket.PeerCredentials;
import io.decamp.linux.socket.Received;
import io.decamp.linux.socket.UnixListener;
import io.decamp.linux.socket.UnixSocket;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/**
 * What {@code criu restore --lazy-pages} says to {@code lazy-pages.socket} (criu/uffd.c, send_uffd and
 * lazy_pages_finish_restore): for each task its PID and, in a message of one byte, its userfaultfd; for a zombie the
 * negated PID alone; in the end a marker. One connection, then it is over.
 */
final class Announcements implements Runnable, AutoCloseable {
    /** Gets each process's userfaultfd; must have stored it safely when it returns. */
    interface Receiver {
        void announced(int containerPid, FileDescriptor uffd);
    }

    /** LAZY_PAGES_RESTORE_FINISHED; no PID is that large. */
    static final int FINISHED = 0x52535446;

    private final UnixListener listener;
    private final Receiver receiver;
    private final CompletableFuture<Void> finished = new CompletableFuture<>();
    private UnixSocket connection;

    Announcements(UnixListener listener, Receiver receiver) {
        this.listener = listener;
        this.receiver = receiver;
    }

    @Override
    public void run() {
        try {
            UnixSocket criu = listener.accept();
            connected(criu);
            PeerCredentials peer = criu.peer();
            if (peer.uid() != 0) {
                throw new IllegalStateException("process " + peer.pid() + " of user " + peer.uid() + " is not criu");
            }
            while (receive(criu)) {
                // one task a round
            }
            finished.complete(null);
        } catch (SyscallException | IllegalStateException | DecampException e) {
            finished.completeExceptionally(e);
        } finally {
            disconnect();
        }
    }

    private synchronized void connected(UnixSocket criu) {
        connection = criu;
    }

    private synchronized void disconnect() {
        if (connection != null) {
            connection.close();
            connection = null;
        }
    }

    private boolean receive(UnixSocket criu) {
        int pid = ByteBuffer.wrap(criu.receiveFully(Integer.BYTES))
                .order(ByteOrder.nativeOrder())
                .getInt();
        if (pid == FINISHED) {
            return false;
        }
        if (pid > 0) {
            try (Received message = criu.receive(1, 1)) {
                if (message.descriptors().isEmpty()) {
                    throw new IllegalStateException("no userfaultfd came with PID " + pid);
                }
                receiver.announced(pid, message.descriptors().getFirst());
            }
        }
        return true;
    }

    /**
     * Waits until CRIU has said that it is through.
     *
     * @throws DecampException {@code lazy-not-attached}
     */
    void awaitFinished(long limitMillis) {
        try {
            finished.get(limitMillis, TimeUnit.MILLISECONDS);
        } catch (ExecutionException e) {
            throw notAttached("CRIU's announcement of processes broke off", e.getCause());
        } catch (TimeoutException e) {
            throw notAttached("CRIU has not said within " + limitMillis + " ms that it is through", null);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw notAttached("Interrupted while waiting for CRIU", e);
        }
    }

    static DecampException notAttached(String what, Throwable cause) {
        return DecampException.abort(
                "lazy-not-attached", what, "Destroy the copy; the workload is complete at its source", cause);
    }

    /** Ends {@link #run} wherever it is. */
    @Override
    public synchronized void close() {
        if (connection != null) {
            connection.shutdown();
        }
        listener.shutdown();
    }
}
