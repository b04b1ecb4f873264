package io.decamp.cli.bench.vm;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.decamp.cli.bench.Pause;
import java.time.Duration;
import java.util.Locale;

/**
 * What saving out of band has the guest execute, counted by the guest's own kernel, in an idle guest: calls of functions
 * that one processor asked of another (the borrowed interrupts are among them), and the saved process's own time: it
 * enters and leaves its freeze by itself. Everything else is done by the host. The guest's own such calls in as long a
 * time without saves are told beside it.
 *
 * @param writes of a word each into the guest's memory
 * @param calls interrupts of /proc/interrupts' line CAL during all saves
 * @param ownCalls the same, in as long a time, without saves
 */
record Footprint(
        int saves, int threads, long writes, long calls, long ownCalls, long targetCpuNanos, long targetTimes) {
    static Footprint measure(OutsideSaver outside, Holder holder, int saves) {
        BenchGuest guest = holder.guest();
        int threads = 0;
        Holder.Used before = holder.used();
        long writesBefore = outside.writes();
        long callsBefore = guest.functionCalls();
        long begin = System.nanoTime();
        for (int i = 0; i < saves; i++) {
            threads += outside.save(holder.pid()).threads();
        }
        Duration took = Duration.ofNanos(System.nanoTime() - begin);
        long writes = outside.writes() - writesBefore;
        long callsAfter = guest.functionCalls();
        Holder.Used used = holder.used().since(before);
        long quietBefore = guest.functionCalls();
        Pause.of(took);
        long quietAfter = guest.functionCalls();
        return new Footprint(
                saves,
                threads,
                writes,
                callsAfter - callsBefore,
                quietAfter - quietBefore,
                used.cpuNanos(),
                used.times());
    }

    void addTo(ObjectNode o) {
        o.put("saves", saves)
                .put("threadsFrozen", threads)
                .put("wordsWritten", writes)
                .put("functionCallInterrupts", calls)
                .put("functionCallInterruptsWithoutSaves", ownCalls)
                .put("targetCpuMicrosPerSave", Saving.rounded(targetCpuNanos / 1e3 / saves))
                .put("targetTimesOnProcessorPerSave", Saving.rounded((double) targetTimes / saves));
    }

    @Override
    public String toString() {
        return String.format(
                Locale.ROOT,
                "  %d saves of one thread, in the guest: %d function-call interrupts (%d in as long without saves),"
                        + " %d words of memory written;%n    the saved process ran %.1f times a save for %.0f us, to"
                        + " enter and to leave the freeze",
                saves,
                calls,
                ownCalls,
                writes,
                (double) targetTimes / saves,
                targetCpuNanos / 1e3 / saves);
    }
}
