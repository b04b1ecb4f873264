package io.decamp.introspector.engine.vm.files;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.decamp.contracts.criu.FileEntry;
import io.decamp.contracts.criu.FsEntry;
import io.decamp.contracts.criu.MmEntry;
import io.decamp.contracts.criu.VmaEntry;
import io.decamp.contracts.v1.Finding;
import io.decamp.contracts.v1.TravellingFile;
import io.decamp.contracts.v1.VmFiles;
import io.decamp.introspector.engine.vm.guest.GuestFault;
import io.decamp.testkit.Await;
import io.decamp.testkit.Host;
import io.decamp.testkit.vm.GuestSpec;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;

/**
 * Two processes with one of everything open (victims/opener.c) in a guest of Debian 12's kernel: what memory says of
 * it is what criu says, and criu makes of it what the program itself finds intact.
 */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class OpenFilesTest {
    private static final Duration VERDICT_LIMIT = Duration.ofSeconds(30);
    private static final int FILE_MAPPING = 1 << 6 | 1 << 7;

    /** What misfit.c has open, and a word of the refusal. */
    private static final Map<String, String> WORDS = Map.ofEntries(
            Map.entry("unread-terminal", "not read yet"),
            Map.entry("terminal-without-master", "with its master"),
            Map.entry("peer-outside", "connected to another"),
            Map.entry("pipe-outside", "another end"),
            Map.entry("memfd", "memfd:m"),
            Map.entry("inotify", "an inotify"),
            Map.entry("io-uring", "io_uring"),
            Map.entry("userfaultfd", "userfaultfd"),
            Map.entry("pidfd", "pidfd"),
            Map.entry("perf", "perf event"),
            Map.entry("bpf-map", "BPF map"),
            Map.entry("message-queue", "message queue"),
            Map.entry("namespace", "namespace"),
            Map.entry("proc-of-process", "/proc/"),
            Map.entry("netlink", "netlink"),
            Map.entry("packet", "packet socket"),
            Map.entry("unread-datagram", "datagrams"),
            Map.entry("raw", "type 3"),
            Map.entry("physical-memory", "/dev/mem"),
            Map.entry("tun", "/dev/net/tun"),
            Map.entry("block-device", "/dev/vda"),
            Map.entry("semaphore", "EFD_SEMAPHORE"),
            Map.entry("boot-timer", "clock 7"),
            Map.entry("packet-pipe", "O_DIRECT"),
            Map.entry("lease", "lease"),
            Map.entry("epoll-of-closed", "epoll that watches"),
            Map.entry("rights-in-flight", "SCM_RIGHTS"),
            Map.entry("not-accepted", "not accepted yet"),
            Map.entry("tcp-connection", "TCP connection"),
            Map.entry("tcp-not-accepted", "not accepted yet"),
            Map.entry("reset-connection", "closed by its peer"),
            Map.entry("bound-to-device", "SO_BINDTODEVICE"),
            Map.entry("urgent", "MSG_OOB"),
            Map.entry("of-the-kernel", "tracefs"),
            Map.entry("removed-directory", "was removed"),
            Map.entry("two-names", "two names"));

    private OpenFilesGuest guest;

    GuestSpec spec() {
        return GuestSpec.named("files").withMemoryMib(384);
    }

    @BeforeAll
    void boot() {
        Host.requireGuests();
        guest = new OpenFilesGuest(spec());
    }

    @AfterAll
    void end() {
        if (guest != null) {
            guest.close();
        }
    }

    @Test
    void shouldSayOfEveryDescriptorWhatCriuSays(@TempDir Path work) throws Exception {
        Path ours = Files.createDirectory(work.resolve("ours"));
        Path theirs = Files.createDirectory(work.resolve("theirs"));
        List<Integer> pids = guest.start("opener", "/tmp/compared");

        guest.capture(pids, ours);

        guest.dump(pids, theirs);
        guest.kill(pids);
        OpenFilesView our = new OpenFilesView(ours);
        OpenFilesView their = new OpenFilesView(theirs);
        for (int table = 2; table <= 3; table++) {
            Map<Integer, String> should = their.descriptors(table);
            Map<Integer, String> is = our.descriptors(table);
            should.forEach((fd, words) -> assertEquals(words, is.get(fd), "descriptor " + fd));
            assertEquals(should.keySet(), is.keySet());
        }
        assertEquals(their.locks(), our.locks());
    }

    @Test
    void shouldSeeThatAFileLostItsPagesWhileTheyWereCopied() throws PageCache.Absent {
        String file = "/tmp/shrinking";
        int pid = Integer.parseInt(guest.vm
                .shell("dd if=/dev/urandom of=" + file + " bs=64k count=4 2>/dev/null; sleep 3600 <" + file
                        + " >/dev/null 2>&1 & until [ \"$(readlink /proc/$!/fd/0)\" = " + file
                        + " ]; do :; done; echo $!")
                .check()
                .output()
                .strip());
        try {
            Inode inode = guest.opened(pid, 0);
            PageCache cache = new PageCache(guest.kernel, new Frames(guest.kernel));
            long size = inode.size();
            assertEquals(4 << 16, size);
            long[] left = {size};
            cache.read(inode, size, segment -> left[0] -= segment.byteSize());
            assertEquals(0, left[0]);
            left[0] = size;
            GuestFault fault = assertThrows(GuestFault.class, () -> cache.read(inode, size, segment -> {
                left[0] -= segment.byteSize();
                if (left[0] == 0) {
                    guest.vm.shell(": > " + file).check();
                }
            }));
            assertEquals(GuestFault.Reason.MOVED, fault.reason());
        } finally {
            guest.kill(List.of(pid));
        }
    }

    @Test
    void shouldBringBackEverythingThatIsOpen(@TempDir Path work) throws Exception {
        Path ours = Files.createDirectory(work.resolve("ours"));
        Path theirs = Files.createDirectory(work.resolve("theirs"));
        String directory = "/tmp/moved";
        List<Integer> pids = guest.start("opener", directory);
        VmFiles files = guest.capture(pids, ours);
        guest.dump(pids, theirs);
        guest.kill(pids);
        join(theirs, ours);
        guest.send(ours, "/images");
        place(files, directory);

        guest.vm.shell("criu restore -d -D /images -o restore.log -v4 --file-locks"
                        + " || { grep Error /images/restore.log; false; }")
                .check();

        guest.vm.shell("touch " + directory + "/verify").check();
        Await.until(
                "verdict", VERDICT_LIMIT, () -> guest.vm.shell("[ -e " + directory + "/verdict ]").status() == 0);
        assertEquals(
                "intact\n",
                guest.vm.shell("cat " + directory + "/verdict").check().output());
        assertEquals(
                "verified\n", guest.vm.shell("cat " + directory + "/log").check().output());
    }

    @Test
    void shouldRefuseByNameWhatCantBeCarried() {
        String directory = "/tmp/refused";
        int pid = guest.start("misfit", directory).getFirst();
        List<String> open = guest.vm.shell("cat " + directory + "/ready").lines();

        List<Finding> findings = guest.check(pid);

        assertEquals("ready", open.getLast());
        assertTrue(open.size() > 20, "only " + open);
        for (String line : open.subList(0, open.size() - 1)) {
            String[] words = line.split(" ");
            String should = WORDS.get(words[1]);
            String prefix = "descriptor " + words[0] + " of process " + pid + " ";
            assertTrue(
                    findings.stream()
                            .anyMatch(f -> f.getWhat().startsWith(prefix)
                                    && f.getWhat().contains(should)),
                    "nobody says '" + should + "' of " + line + ": " + findings);
        }
        guest.vm.shell("killall -9 misfit");
    }

    /** criu's images of processes and memory, with our images of files: their numbers are looked up by path. */
    private static void join(Path theirs, Path ours) throws IOException {
        Map<Integer, String> paths = new HashMap<>();
        for (FileEntry entry : ImageReader.messages(theirs.resolve("files.img"), FileEntry.parser())) {
            paths.put(entry.getId(), entry.getReg().getName());
        }
        Map<String, Integer> numbers = new HashMap<>();
        for (FileEntry entry : ImageReader.messages(ours.resolve("files.img"), FileEntry.parser())) {
            if (entry.hasReg() && entry.getReg().getFlags() == 0) {
                numbers.putIfAbsent(entry.getReg().getName(), entry.getId());
            }
        }
        try (Stream<Path> images = Files.list(theirs)) {
            for (Path image : images.toList()) {
                String name = image.getFileName().toString();
                if (name.startsWith("mm-")) {
                    ImageReader.rewrite(image, List.of(renumbered(
                            ImageReader.messages(image, MmEntry.parser()).getFirst(), paths, numbers)));
                } else if (name.startsWith("fs-")) {
                    FsEntry fs = ImageReader.messages(image, FsEntry.parser()).getFirst();
                    ImageReader.rewrite(
                            image,
                            List.of(fs.toBuilder()
                                    .setCwdId(numbers.get(paths.get(fs.getCwdId())))
                                    .setRootId(numbers.get(paths.get(fs.getRootId())))
                                    .build()));
                }
                if (name.matches("(core|pages|pagemap|pstree|inventory|ids|seccomp|timens|mm|fs)[-.].*")) {
                    Files.copy(image, ours.resolve(name), StandardCopyOption.REPLACE_EXISTING);
                }
            }
        }
    }

    private static MmEntry renumbered(MmEntry mm, Map<Integer, String> paths, Map<String, Integer> numbers) {
        MmEntry.Builder to = mm.toBuilder().setExeFileId(numbers.get(paths.get(mm.getExeFileId())));
        for (VmaEntry.Builder vma : to.getVmasBuilderList()) {
            if ((vma.getStatus() & FILE_MAPPING) != 0) {
                vma.setShmid(numbers.get(paths.get((int) vma.getShmid())));
            }
        }
        return to.build();
    }

    /** What a destination does: everything that the program had made is gone, and what travels is put in place. */
    private void place(VmFiles files, String directory) {
        guest.vm.shell("rm -rf " + directory + "; mkdir " + directory + "; mkfifo -m 640 " + directory + "/fifo")
                .check();
        for (TravellingFile file : files.getTravellingList()) {
            String content = file.getPart().isEmpty() ? "/dev/null" : "/images/" + file.getPart();
            guest.vm.shell("cat " + content + " > " + file.getPath() + " && chmod "
                            + Integer.toOctalString(file.getMode() & 07777) + " " + file.getPath())
                    .check();
        }
    }
}
