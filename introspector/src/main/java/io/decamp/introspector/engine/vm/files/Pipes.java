package io.decamp.introspector.engine.vm.files;

import io.decamp.contracts.criu.FdType;
import io.decamp.contracts.criu.FifoEntry;
import io.decamp.contracts.criu.PipeDataEntry;
import io.decamp.contracts.criu.PipeEntry;
import io.decamp.introspector.engine.vm.guest.KernelObject;
import io.decamp.introspector.engine.vm.guest.PidNumbers;
import io.decamp.introspector.engine.vm.image.ImageDirectory;
import io.decamp.introspector.engine.vm.image.ImageFile;
import io.decamp.introspector.engine.vm.image.ImageWriter;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** Pipes and FIFOs with their content (criu/pipes.c, criu/fifo.c). One entry an end, one content a pipe. */
final class Pipes {
    /** @param ends descriptions that the workload has of it */
    private record Content(int id, KernelObject pipe, OpenFile first, Set<Long> ends) {}

    private final FileTable table;
    private final PidNumbers pids;
    private final Frames frames;
    private final Refusals refusals;
    private final Map<Long, Content> pipes = new LinkedHashMap<>();
    private final Map<Long, Content> fifos = new LinkedHashMap<>();

    Pipes(FileTable table, PidNumbers pids, Frames frames, Refusals refusals) {
        this.table = table;
        this.pids = pids;
        this.frames = frames;
        this.refusals = refusals;
    }

    void pipe(int id, OpenFile file) {
        Content content = content(file, pipes);
        PipeEntry.Builder entry = PipeEntry.newBuilder()
                .setId(id)
                .setPipeId(content.id())
                .setFlags(file.flags() & ~OpenFile.O_DIRECT)
                .setFown(file.owner(pids));
        table.add(table.entry(FdType.PIPE, id).setPipe(entry));
    }

    /** @param path the entry of the FIFO's name */
    void fifo(int id, OpenFile file, int path) {
        Content content = content(file, fifos);
        FifoEntry.Builder entry =
                FifoEntry.newBuilder().setId(id).setPipeId(content.id()).setRegfId(path);
        table.add(table.entry(FdType.FIFO, id).setFifo(entry));
    }

    private Content content(OpenFile file, Map<Long, Content> known) {
        KernelObject pipe = file.privateData("pipe_inode_info");
        if ((file.flags() & OpenFile.O_DIRECT) != 0 || PipeRing.of(pipe).inPackets()) {
            refusals.state(file, "is a pipe in packet mode (O_DIRECT)");
        }
        if (pipe.has("watch_queue") && pipe.number("watch_queue") != 0) {
            refusals.kind(file, "a queue of kernel notifications");
        }
        Content content = known.computeIfAbsent(
                pipe.address(),
                address -> new Content(pipes.size() + fifos.size() + 1, pipe, file, new HashSet<>()));
        content.ends().add(file.address());
        return content;
    }

    /** When all descriptions are known: one that is somebody else's could neither read nor write any more. */
    void check() {
        for (Map<Long, Content> contents : List.of(pipes, fifos)) {
            for (Content content : contents.values()) {
                long others = content.pipe().number("files") - content.ends().size();
                if (others > 0) {
                    refusals.peer(content.first(), "is a pipe with another end");
                }
            }
        }
    }

    void write(ImageDirectory images) {
        write(images, ImageFile.PIPES_DATA, pipes);
        write(images, ImageFile.FIFO_DATA, fifos);
    }

    private void write(ImageDirectory images, ImageFile kind, Map<Long, Content> contents) {
        if (contents.isEmpty()) {
            return;
        }
        try (ImageWriter writer = images.open(kind)) {
            for (Content content : contents.values()) {
                PipeRing ring = PipeRing.of(content.pipe());
                writer.message(PipeDataEntry.newBuilder()
                        .setPipeId(content.id())
                        .setBytes(Math.toIntExact(ring.bytes()))
                        .setSize(Math.toIntExact(ring.capacityBytes()))
                        .build());
                for (PipeRing.Buffer buffer : ring.buffers()) {
                    writer.raw(frames.bytes(buffer.page(), buffer.offset(), buffer.length()));
                }
            }
        }
    }
}
