package io.decamp.cli.bench.vm;

import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.UnknownFieldSet;
import io.decamp.contracts.error.DecampException;
import java.util.Arrays;
import java.util.Base64;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Saves a process with the guest's own criu, into a tmpfs of the guest; times are criu's and the guest kernel's. */
final class GuestCriu {
    private static final String DUMP = "criu dump --images-dir %s --log-file dump.log -v1 --leave-running --tree %d";
    /** Of stats-dump: IMG_SERVICE_MAGIC, STATS_MAGIC, and the size of the message (criu/include/magic.h). */
    private static final int STATS_HEAD_BYTES = 12;
    /** Fields of StatsEntry and DumpStatsEntry (images/stats.proto of CRIU); times are microseconds. */
    private static final int DUMP_FIELD = 1;

    private static final int FREEZING_FIELD = 1;
    private static final int FROZEN_FIELD = 2;
    private static final int MEMDUMP_FIELD = 3;
    private static final int MEMWRITE_FIELD = 4;
    private static final int PAGES_WRITTEN_FIELD = 7;
    private static final int PAGE_BYTES = 4096;

    private GuestCriu() {}

    static Saving save(Holder holder, Load load) {
        String schedstat = "cat /proc/" + holder.pid() + "/schedstat";
        List<String> said = holder.guest()
                .run("rm -rf /tmp/dump; mkdir /tmp/dump && " + schedstat + " && guesttimer "
                        + DUMP.formatted("/tmp/dump", holder.pid()) + " && " + schedstat
                        + " && base64 -w 0 /tmp/dump/stats-dump && echo && rm -rf /tmp/dump")
                .lines()
                .toList();
        try {
            Holder.Used used = Holder.used(said.get(2)).since(Holder.used(said.get(0)));
            String[] timed = said.get(1).split(" ");
            UnknownFieldSet stats = stats(said.get(3));
            Map<String, Double> phases = new LinkedHashMap<>();
            phases.put("freezing", millis(stats, FREEZING_FIELD));
            phases.put("frozen", millis(stats, FROZEN_FIELD));
            phases.put("memory into pipes", millis(stats, MEMDUMP_FIELD));
            phases.put("pipes into the image", millis(stats, MEMWRITE_FIELD));
            return new Saving(
                    Saving.Engine.IN_GUEST,
                    load,
                    holder.mib(),
                    millis(stats, FREEZING_FIELD) + millis(stats, FROZEN_FIELD),
                    Long.parseLong(timed[0]) / 1e3,
                    Long.parseLong(timed[1]) / 1e3 + used.cpuNanos() / 1e6,
                    number(stats, PAGES_WRITTEN_FIELD) * PAGE_BYTES,
                    phases);
        } catch (InvalidProtocolBufferException | RuntimeException e) {
            throw DecampException.abort(
                    "bench-criu-said", "criu in the guest said what is not understood: " + said, "Report it", e);
        }
    }

    private static UnknownFieldSet stats(String base64) throws InvalidProtocolBufferException {
        byte[] file = Base64.getDecoder().decode(base64);
        return UnknownFieldSet.parseFrom(UnknownFieldSet.parseFrom(
                        Arrays.copyOfRange(file, STATS_HEAD_BYTES, file.length))
                .getField(DUMP_FIELD)
                .getLengthDelimitedList()
                .getFirst());
    }

    private static double millis(UnknownFieldSet stats, int field) {
        return number(stats, field) / 1e3;
    }

    private static long number(UnknownFieldSet stats, int field) {
        List<Long> varints = stats.getField(field).getVarintList();
        // an uint32 that is 0 is written; a missing one is another criu's
        return varints.isEmpty() ? stats.getField(field).getFixed32List().getFirst() : varints.getFirst();
    }

    /** Saves one process after the other until it is closed, all inside the guest. */
    static Loop loop(Holder holder) {
        BenchGuest guest = holder.guest();
        String pid = guest.run("""
                rm -f /tmp/dumped; touch /tmp/dumping
                (while [ -e /tmp/dumping ]; do
                    rm -rf /tmp/loop; mkdir /tmp/loop; %s || exit 1
                    echo >>/tmp/dumped
                done) >/tmp/dump-loop.log 2>&1 &
                echo $!""".formatted(DUMP.formatted("/tmp/loop", holder.pid())));
        return new Loop(guest, pid);
    }

    record Loop(BenchGuest guest, String pid) {
        /** Ends it with the save that it is at. @return how many there were */
        int end() {
            guest.run("[ -e /proc/" + pid + " ] && rm /tmp/dumping");
            guest.awaitInGuest("! -e /proc/" + pid);
            int count = Integer.parseInt(guest.run("wc -l </tmp/dumped"));
            guest.run("rm -rf /tmp/loop");
            return count;
        }
    }
}
