package io.decamp.cli.bench.vm;

/**
 * A process in the guest that holds memory: init of a PID namespace, to be saved.
 *
 * @param pid as the guest's first namespace numbers it
 */
record Holder(BenchGuest guest, int mib, int pid) implements AutoCloseable {
    /** What it used of the guest's processors, and how often it was put on one. */
    record Used(long cpuNanos, long times) {
        Used since(Used before) {
            return new Used(cpuNanos - before.cpuNanos, times - before.times);
        }
    }

    /** @param pagesPerSecond that it writes to, round its memory */
    static Holder start(BenchGuest guest, int mib, int pagesPerSecond) {
        int pid = Integer.parseInt(guest.run("guestholder " + mib + " " + pagesPerSecond));
        return new Holder(guest, mib, pid);
    }

    String label() {
        return mib == 0 ? "minimal" : mib >= 1024 && mib % 1024 == 0 ? mib / 1024 + " GiB" : mib + " MiB";
    }

    Used used() {
        return used(guest.run("cat /proc/" + pid + "/schedstat"));
    }

    /** @param schedstat of /proc/PID (Documentation/scheduler/sched-stats.rst): nanoseconds, those of waiting, times */
    static Used used(String schedstat) {
        String[] word = schedstat.strip().split(" ");
        return new Used(Long.parseLong(word[0]), Long.parseLong(word[2]));
    }

    @Override
    public void close() {
        guest.run("kill -9 " + pid);
        guest.awaitInGuest("! -e /proc/" + pid);
    }
}
