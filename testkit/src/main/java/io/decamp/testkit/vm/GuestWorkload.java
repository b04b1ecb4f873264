package io.decamp.testkit.vm;

import io.decamp.testkit.Await;
import io.decamp.testkit.ChainOracle;
import io.decamp.testkit.ChainSpec;
import io.decamp.testkit.Trees;
import io.decamp.testkit.Victims;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A container in a guest that checks itself: init of a PID namespace of its own, {@code victims/guards.c} (registers,
 * timers, positions of files, a pipe, a socket pair), with a {@code chain} workload below it (memory; see
 * {@link ChainSpec}). Its programs and its logs are at the same paths in every guest; the logs are on a tmpfs and travel
 * with it. It has a cgroup of its own with the limits of {@link #LIMITS}.
 */
public final class GuestWorkload {
    private static final Duration START_LIMIT = Duration.ofSeconds(90);
    private static final Duration STOP_LIMIT = Duration.ofSeconds(120);
    private static final String DIRECTORY = "/tmp/workload";
    private static final String CHAIN = DIRECTORY + "/chain";
    private static final String GUARDS = DIRECTORY + "/guards";
    private static final String CHAIN_LOG = DIRECTORY + "/chain.log";
    private static final String RECORDS = DIRECTORY + "/records";
    private static final String ERRORS = RECORDS + ".errors";
    private static final int RECORD_BYTES = 16;
    private static final String CGROUP = "/sys/fs/cgroup/workload";
    private static final Pattern ENDED =
            Pattern.compile("ended records=(\\d+) turns=(\\d+) errors=(\\d+) child=(\\d+)");

    /** Files of its cgroup (v2), and what they hold. */
    public static final Map<String, String> LIMITS =
            Map.of("memory.max", "402653184", "cpu.weight", "150", "pids.max", "64");

    private final ChainSpec spec;
    private final GuestVm birthplace;
    private final int pid;

    /**
     * What is known of all it ever did, in whatever guests it ran.
     *
     * @param chain every step of every writer recomputed; ended by a comparison of all memory
     * @param records turns of all guards together
     * @param registerTurns how often a thread found its registers as it had left them
     * @param wrong what does not hold; empty when all does
     */
    public record Verdict(ChainOracle.Report chain, long records, long registerTurns, List<String> wrong) {
        public boolean verified() {
            return wrong.isEmpty();
        }

        /** @throws AssertionError with what does not hold */
        public Verdict check() {
            if (!verified()) {
                throw new AssertionError(records + " records, wrong: " + String.join("; ", wrong));
            }
            return this;
        }
    }

    private GuestWorkload(ChainSpec spec, GuestVm birthplace, int pid) {
        this.spec = spec;
        this.birthplace = birthplace;
        this.pid = pid;
    }

    /** Puts the programs where the workload finds them: needed in a guest that it is to move to. */
    public static void prepare(GuestVm guest) {
        provide(guest, Victims.compiled("chain"), CHAIN);
        provide(guest, Victims.compiled("guards"), GUARDS);
    }

    /** A program that is there may be running, and can't be replaced. */
    private static void provide(GuestVm guest, Path program, String path) {
        if (guest.shell("test -x " + path).status() != 0) {
            guest.send(program, path);
        }
    }

    /** Returns when every writer has filled its memory and written its first line, and every guard had a turn. */
    public static GuestWorkload start(GuestVm guest, ChainSpec spec) {
        return start(guest, spec, "");
    }

    /** @param without guards that are left out, separated by commas; see {@code victims/guards.c} */
    public static GuestWorkload start(GuestVm guest, ChainSpec spec, String without) {
        prepare(guest);
        String command = String.join(" ", spec.command(Path.of(CHAIN), Path.of(CHAIN_LOG)));
        String exclusion = without.isEmpty() ? "" : "--without " + without + " ";
        makeCgroup(guest);
        guest.shell("rm -f " + CHAIN_LOG + " " + RECORDS + " " + ERRORS + "; cd /; sh -c 'echo $$ > " + CGROUP
                        + "/cgroup.procs && exec unshare -p -f setsid \"$@\"' start " + GUARDS + " --log " + RECORDS
                        + " "
                        + exclusion + "-- " + command + " </dev/null >/dev/null 2>&1 &")
                .check();
        Await.until(
                () -> "the first lines of the workload in " + guest.name() + ": "
                        + guest.shell("tail -n 3 " + CHAIN_LOG + " " + ERRORS).output(),
                START_LIMIT,
                () -> begun(guest, spec));
        int pid = init(guest).orElseThrow(() -> new AssertionError("The workload ended at once in " + guest.name()));
        return new GuestWorkload(spec, guest, pid);
    }

    private static void makeCgroup(GuestVm guest) {
        StringBuilder commands = new StringBuilder(
                "echo '+memory +cpu +pids' > /sys/fs/cgroup/cgroup.subtree_control && mkdir -p " + CGROUP);
        LIMITS.forEach((file, value) -> commands.append(" && echo " + value + " > " + CGROUP + "/" + file));
        guest.shell(commands.toString()).check();
    }

    private static boolean begun(GuestVm guest, ChainSpec spec) {
        String said = guest.shell("grep -c '^0 ' " + CHAIN_LOG + "; stat -c %s " + RECORDS)
                .output();
        List<String> lines = said.lines().toList();
        return lines.size() == 2
                && lines.stream().allMatch(line -> line.matches("\\d+"))
                && Long.parseLong(lines.get(0)) >= spec.writers()
                && Long.parseLong(lines.get(1)) >= RECORD_BYTES;
    }

    private static OptionalInt init(GuestVm guest) {
        // by cat, which goes on when a process ends meanwhile
        String found = guest.shell(
                        "cat /proc/[0-9]*/status 2>/dev/null | awk '/^Name:/ { name = $2 } /^State:/ { state = $2 } "
                                + "/^NSpid:/ && NF == 3 && $3 == 1 && name == \"guards\" && state != \"Z\" { print $2 }'")
                .output()
                .strip();
        if (found.isEmpty()) {
            return OptionalInt.empty();
        }
        if (found.contains("\n")) {
            throw new AssertionError("Several copies in guest " + guest.name() + ": " + found.replace("\n", ", "));
        }
        return OptionalInt.of(Integer.parseInt(found));
    }

    public ChainSpec spec() {
        return spec;
    }

    /** PID of its init at its birthplace. */
    public int pid() {
        return pid;
    }

    /** {@code vm:NAME/pid:N}, to be completed with the node that it was born on. */
    public String locator() {
        return "vm:" + birthplace.name() + "/pid:" + pid;
    }

    /** PID of the copy's init in this guest, running or frozen; empty when there is none. */
    public OptionalInt pidIn(GuestVm guest) {
        return init(guest);
    }

    /** What the files of {@link #LIMITS} hold in the cgroup that the copy in this guest is in. */
    public Map<String, String> limitsIn(GuestVm guest) {
        int init = init(guest).orElseThrow(() -> new AssertionError("No copy runs in guest " + guest.name()));
        Map<String, String> found = new TreeMap<>();
        for (String file : LIMITS.keySet()) {
            String value = guest.shell("cat /sys/fs/cgroup$(sed -n 's/^0:://p' /proc/" + init + "/cgroup)/" + file)
                    .output();
            found.put(file, value.strip());
        }
        return found;
    }

    /** Turns of all guards, as the log in this guest says. */
    public long records(GuestVm guest) {
        return Long.parseLong(
                        guest.shell("stat -c %s " + RECORDS).check().output().strip())
                / RECORD_BYTES;
    }

    /** Returns when the copy in this guest has made {@code more} turns of all guards, and its chain goes on as well. */
    public void awaitGoingOn(GuestVm guest, long more) {
        long records = records(guest) + more;
        long log = chainBytes(guest);
        Await.until(
                () -> more + " more records in " + guest.name() + ", chain and guards say: "
                        + guest.shell("tail -n 2 " + CHAIN_LOG + " " + ERRORS).output(),
                START_LIMIT,
                () -> records(guest) >= records && chainBytes(guest) > log);
    }

    private static long chainBytes(GuestVm guest) {
        return Long.parseLong(
                guest.shell("stat -c %s " + CHAIN_LOG).check().output().strip());
    }

    /** Ends the copy in this guest by SIGTERM, which makes it compare all its memory, and judges all it ever did. */
    public Verdict stopAndJudge(GuestVm guest) {
        int init = init(guest).orElseThrow(() -> new AssertionError("No copy runs in guest " + guest.name()));
        guest.shell("kill -TERM " + init + "; while kill -0 " + init + " 2>/dev/null; do sleep 0.05; done", STOP_LIMIT)
                .check();
        try {
            Path directory = Files.createTempDirectory("decamp-guest-workload");
            try {
                return judge(guest, directory);
            } finally {
                Trees.delete(directory);
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static Verdict judge(GuestVm guest, Path directory) throws IOException {
        Path log = directory.resolve("chain.log");
        Path records = directory.resolve("records");
        guest.fetch(CHAIN_LOG, log);
        guest.fetch(RECORDS, records);
        ChainOracle.Report chain = ChainOracle.judgeEnded(log);
        List<String> wrong = new ArrayList<>(chain.errors());
        if (chain.audits() == 0) {
            wrong.add("no memory was compared");
        }
        List<String> said = guest.shell("cat " + ERRORS).check().lines();
        Matcher ended = ENDED.matcher(said.isEmpty() ? "" : said.getLast());
        if (!ended.matches()) {
            wrong.add("the guards did not end: " + said);
            return new Verdict(chain, 0, 0, List.copyOf(wrong));
        }
        wrong.addAll(said.subList(0, said.size() - 1));
        long count = Long.parseLong(ended.group(1));
        if (!ended.group(3).equals("0") || !ended.group(4).equals("0")) {
            wrong.add(ended.group());
        }
        StringBuilder expected = new StringBuilder();
        for (long i = 0; i < count; i++) {
            expected.append(String.format("%015d%n", i));
        }
        if (count == 0 || !Files.readString(records).contentEquals(expected)) {
            wrong.add("records are not 0 to " + (count - 1) + " in order");
        }
        return new Verdict(chain, count, Long.parseLong(ended.group(2)), List.copyOf(wrong));
    }
}
