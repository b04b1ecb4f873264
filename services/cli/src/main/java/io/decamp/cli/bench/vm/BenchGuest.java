package io.decamp.cli.bench.vm;

import io.decamp.testkit.Victims;
import io.decamp.testkit.vm.GuestSpec;
import io.decamp.testkit.vm.GuestVm;
import java.time.Duration;
import java.util.List;

/** The guest in which processes are saved, with the programs that measure there. */
final class BenchGuest implements AutoCloseable {
    /** A dump of 1 GiB in a guest of TCG's that is loaded takes 10 s on a quiet machine. */
    private static final Duration LIMIT = Duration.ofMinutes(3);

    private static final List<String> PROGRAMS = List.of("guestholder", "gueststore", "guesttimer");
    /** Thirty seconds of 10 ms. */
    private static final int LOOKS = 3000;

    private final GuestVm vm;

    /** One that was booted before, without the programs. */
    BenchGuest(GuestVm vm) {
        this.vm = vm;
    }

    static BenchGuest boot(int memoryMib) {
        GuestVm vm = GuestVm.boot(GuestSpec.named("bench").withMemoryMib(memoryMib));
        try {
            PROGRAMS.forEach(p -> vm.send(Victims.compiled(p), "/usr/bin/" + p));
            return new BenchGuest(vm);
        } catch (RuntimeException | Error e) {
            vm.close();
            throw e;
        }
    }

    GuestVm vm() {
        return vm;
    }

    /** @return what it printed, without white space around @throws RuntimeException when its status is not 0 */
    String run(String command) {
        return vm.shell(command, LIMIT).check().output().strip();
    }

    /** Returns when {@code [ condition ]} holds in the guest, which looks itself. */
    void awaitInGuest(String condition) {
        run("exec 2>/dev/null; n=0; until [ " + condition + " ]; do n=$((n+1)); [ $n -lt " + LOOKS
                + " ] || exit 1; usleep 10000; done");
    }

    /** How often one processor asked another to call a function, since boot, as the guest's kernel counts. */
    long functionCalls() {
        return Long.parseLong(run("awk '/CAL:/ { print $2 + $3 }' /proc/interrupts"));
    }

    @Override
    public void close() {
        vm.close();
    }
}
