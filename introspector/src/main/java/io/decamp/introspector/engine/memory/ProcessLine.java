package io.decamp.introspector.engine.memory;

/**
 * What is needed of a process from /proc/PID/stat and /proc/PID/status (fs/proc/array.c). Parses text, never a PID.
 *
 * @param ended a zombie, or being reaped: its first thread has no memory any more
 * @param threads how many there are, the ended first one included
 * @param innermostPid last of NSpid: what the process calls itself
 */
record ProcessLine(boolean ended, int parentPid, int threads, long startTicks, int innermostPid) {
    private static final int STATE = 0;
    private static final int PARENT = 1;
    private static final int THREADS = 17;
    private static final int START = 19;

    static ProcessLine parse(String stat, String status) {
        // the second field is the command, which may hold spaces and parentheses
        String[] field = stat.substring(stat.lastIndexOf(')') + 1).trim().split(" ");
        if (field.length <= START) {
            throw new IllegalArgumentException("not the content of a /proc/PID/stat: " + stat);
        }
        String state = field[STATE];
        return new ProcessLine(
                state.equals("Z") || state.equals("X"),
                Integer.parseInt(field[PARENT]),
                Integer.parseInt(field[THREADS]),
                Long.parseLong(field[START]),
                innermost(status));
    }

    /** How many PID namespaces a process is in, seen from that of the /proc that was read. */
    static int namespaceDepth(String status) {
        return namespacePids(status).length;
    }

    private static int innermost(String status) {
        String[] pids = namespacePids(status);
        return Integer.parseInt(pids[pids.length - 1]);
    }

    private static String[] namespacePids(String status) {
        int line = status.indexOf("\nNSpid:");
        if (line < 0) {
            throw new IllegalArgumentException("no NSpid in /proc/PID/status: " + status);
        }
        int end = status.indexOf('\n', line + 1);
        return status.substring(line + 7, end < 0 ? status.length() : end)
                .trim()
                .split("\\s+");
    }
}
