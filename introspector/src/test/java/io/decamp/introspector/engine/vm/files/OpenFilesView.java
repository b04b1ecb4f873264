package io.decamp.introspector.engine.vm.files;

import io.decamp.contracts.criu.FdType;
import io.decamp.contracts.criu.FdinfoEntry;
import io.decamp.contracts.criu.FileEntry;
import io.decamp.contracts.criu.FileLockEntry;
import io.decamp.contracts.criu.GhostFileEntry;
import io.decamp.contracts.criu.PipeDataEntry;
import io.decamp.contracts.criu.RemapFilePathEntry;
import io.decamp.contracts.criu.SkPacketEntry;
import io.decamp.contracts.criu.TermiosEntry;
import io.decamp.contracts.criu.TimerfdEntry;
import io.decamp.contracts.criu.TtyInfoEntry;
import io.decamp.contracts.criu.UnixSkEntry;
import io.decamp.introspector.engine.vm.files.ImageReader.Item;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Collectors;

/**
 * What images say of each descriptor, in words that do not depend on who wrote them: numbers of entries, pipes and
 * sockets become the first descriptor that has them.
 *
 * <p>Left out, as they may differ: {@code reg.build_id} (only a check), {@code ns_id} of sockets (only read where the
 * network namespace is restored), {@code usk.backlog} of sockets that do not listen (bytes on their way; never read),
 * what a timer has left (time goes on), bytes of {@code c_cc} beyond the kernel's 19 (criu copies its stack).
 */
final class OpenFilesView {
    private static final int TCP_LISTEN = 10;
    private static final int WORDS_OF_CHARACTERS = 5;

    private final Path directory;
    private final Map<Integer, FileEntry> entries = new HashMap<>();
    private final Map<Integer, Integer> firstDescriptor = new HashMap<>();
    private final Map<Integer, Integer> firstOfPipe = new HashMap<>();
    private final Map<Integer, Integer> firstOfSocket = new HashMap<>();
    private final Map<Integer, String> pipes = new HashMap<>();
    private final Map<Integer, String> fifos = new HashMap<>();
    private final Map<Integer, String> queues = new HashMap<>();
    private final Map<Integer, TtyInfoEntry> terminals = new HashMap<>();
    private final Map<Integer, String> ghosts = new HashMap<>();

    OpenFilesView(Path directory) {
        this.directory = directory;
        ImageReader.messages(directory.resolve("files.img"), FileEntry.parser())
                .forEach(e -> entries.put(e.getId(), e));
        contents("pipes-data.img", pipes);
        contents("fifo-data.img", fifos);
        ImageReader.items(directory.resolve("sk-queues.img"), SkPacketEntry.parser(), SkPacketEntry::getLength)
                .forEach(item -> queues.merge(item.message().getIdFor(), packet(item), String::concat));
        ImageReader.messages(directory.resolve("tty-info.img"), TtyInfoEntry.parser())
                .forEach(info -> terminals.put(info.getId(), info));
        for (RemapFilePathEntry remap :
                ImageReader.messages(directory.resolve("remap-fpath.img"), RemapFilePathEntry.parser())) {
            Path ghost = directory.resolve("ghost-file-" + Integer.toHexString(remap.getRemapId()) + ".img");
            Item<GhostFileEntry> item = ImageReader.items(ghost, GhostFileEntry.parser(), e -> -1).getFirst();
            ghosts.put(remap.getOrigId(), item.message() + hash(item.payload()));
        }
    }

    private void contents(String image, Map<Integer, String> to) {
        ImageReader.items(directory.resolve(image), PipeDataEntry.parser(), PipeDataEntry::getBytes)
                .forEach(item -> to.put(
                        item.message().getPipeId(), item.message().getSize() + " with " + hash(item.payload())));
    }

    /** Boundaries of a stream's pieces are nobody's business. */
    private String packet(Item<SkPacketEntry> item) {
        boolean stream = entries.get(item.message().getIdFor()).getUsk().getType() == UnixSockets.SOCK_STREAM;
        return Arrays.toString(item.payload()).replaceAll("[\\[\\] ]", "") + (stream ? "," : ";");
    }

    private static String hash(byte[] bytes) {
        return bytes.length + " bytes, hash " + Arrays.hashCode(bytes);
    }

    /** Locks by process, as lines. */
    String locks() {
        return ImageReader.messages(directory.resolve("filelocks.img"), FileLockEntry.parser()).stream()
                .map(lock -> lock.toString().replace('\n', ' '))
                .sorted()
                .collect(Collectors.joining("\n"));
    }

    /** @param table N of {@code fdinfo-N.img} */
    Map<Integer, String> descriptors(int table) {
        var infos = ImageReader.messages(directory.resolve("fdinfo-" + table + ".img"), FdinfoEntry.parser());
        for (FdinfoEntry info : infos) {
            FileEntry entry = entries.get(info.getId());
            firstDescriptor.putIfAbsent(info.getId(), info.getFd());
            firstOfPipe.putIfAbsent(entry.getPipe().getPipeId(), info.getFd());
            firstOfSocket.putIfAbsent(entry.getUsk().getIno(), info.getFd());
        }
        Map<Integer, String> words = new TreeMap<>();
        for (FdinfoEntry info : infos) {
            words.put(
                    info.getFd(),
                    info.getType() + " " + info.getFlags() + " same as " + firstDescriptor.get(info.getId()) + "\n"
                            + words(entries.get(info.getId())));
        }
        return words;
    }

    private String words(FileEntry entry) {
        FileEntry.Builder to = entry.toBuilder().setId(0);
        String more = "";
        if (entry.getType() == FdType.REG) {
            more = ghosts.getOrDefault(entry.getId(), "");
            to.getRegBuilder().setId(0).clearBuildId();
        } else if (entry.getType() == FdType.PIPE) {
            more = "pipe of " + firstOfPipe.get(entry.getPipe().getPipeId()) + " "
                    + pipes.get(entry.getPipe().getPipeId());
            to.getPipeBuilder().setId(0).setPipeId(0);
        } else if (entry.getType() == FdType.FIFO) {
            more = fifos.get(entry.getFifo().getPipeId()) + words(entries.get(entry.getFifo().getRegfId()));
            to.getFifoBuilder().setId(0).setPipeId(0).setRegfId(0);
        } else if (entry.getType() == FdType.UNIXSK) {
            more = socket(entry.getUsk(), to.getUskBuilder());
        } else if (entry.getType() == FdType.TIMERFD) {
            TimerfdEntry timer = entry.getTfd();
            boolean armed = timer.getVsec() != 0 || timer.getVnsec() != 0;
            to.getTfdBuilder().setId(0).setVsec(armed ? 1 : 0).setVnsec(0);
        } else if (entry.getType() == FdType.TTY) {
            more = terminal(terminals.get(entry.getTty().getTtyInfoId()))
                    + words(entries.get(entry.getTty().getRegfId()));
            to.getTtyBuilder().setId(0).setRegfId(0);
        } else if (entry.getType() == FdType.INETSK) {
            to.getIskBuilder().setId(0).setIno(0).clearNsId();
        } else if (entry.getType() == FdType.EVENTPOLL) {
            to.getEpfdBuilder().setId(0);
        } else if (entry.getType() == FdType.EVENTFD) {
            to.getEfdBuilder().setId(0);
        } else if (entry.getType() == FdType.SIGNALFD) {
            to.getSgfdBuilder().setId(0);
        } else {
            throw new AssertionError("Nobody compares " + entry.getType());
        }
        return to.build() + more;
    }

    private String socket(UnixSkEntry socket, UnixSkEntry.Builder to) {
        to.setId(0).setIno(0).setPeer(0).clearNsId();
        if (socket.getState() != TCP_LISTEN) {
            to.setBacklog(0);
        }
        return "peer " + (socket.getPeer() == 0 ? "none" : firstOfSocket.get(socket.getPeer())) + " queue "
                + queues.getOrDefault(socket.getId(), "");
    }

    private static String terminal(TtyInfoEntry info) {
        return info.toBuilder()
                .setTermios(kernels(info.getTermios()))
                .setTermiosLocked(kernels(info.getTermiosLocked()))
                .build()
                .toString();
    }

    private static TermiosEntry kernels(TermiosEntry mode) {
        return mode.toBuilder()
                .clearCCc()
                .addAllCCc(mode.getCCcList().subList(0, WORDS_OF_CHARACTERS))
                .build();
    }
}
