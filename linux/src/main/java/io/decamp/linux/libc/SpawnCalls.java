package io.decamp.linux.libc;

import io.decamp.linux.abi.FileAbi;
import io.decamp.linux.abi.ProcessAbi;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.List;
import java.util.Map;

/** posix_spawn of glibc 2.34 or newer. Thread safe. */
public final class SpawnCalls {
    /** glibc: posix_spawn_file_actions_t is 80 bytes, posix_spawnattr_t 336, sigset_t 128. A test compares. */
    static final long FILE_ACTIONS_BYTES = 80;

    static final long ATTRIBUTES_BYTES = 336;
    static final long SIGSET_BYTES = 128;

    /** Sources are moved above this first, so that no dup2 overwrites one that is needed later. */
    private static final int STANDARD_DESCRIPTORS = 3;

    private SpawnCalls() {}

    /**
     * Starts a program with exactly the given descriptors (and /dev/null as 0, 1, 2 where none is given).
     *
     * @param descriptors number there to number here; the numbers here must be closed on exec
     * @param directory null: ours
     * @return its PID
     * @throws SyscallException ENOENT and the like, when it could not be executed
     */
    public static int spawn(
            String program,
            List<String> arguments,
            List<String> environment,
            Map<Integer, Integer> descriptors,
            String directory,
            boolean newSession) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment actions = arena.allocate(FILE_ACTIONS_BYTES, 8);
            MemorySegment attributes = arena.allocate(ATTRIBUTES_BYTES, 8);
            check("posix_spawn_file_actions_init", Libc.posix_spawn_file_actions_init(actions.address()), program);
            check("posix_spawnattr_init", Libc.posix_spawnattr_init(attributes.address()), program);
            try {
                fillAttributes(arena, attributes.address(), newSession, program);
                fillActions(arena, actions.address(), descriptors, directory, program);
                MemorySegment pid = arena.allocate(ValueLayout.JAVA_INT);
                int error = Libc.posix_spawn(
                        pid.address(),
                        arena.allocateFrom(program).address(),
                        actions.address(),
                        attributes.address(),
                        vector(arena, arguments),
                        vector(arena, environment));
                check("posix_spawn", error, program);
                return pid.get(ValueLayout.JAVA_INT, 0);
            } finally {
                Libc.posix_spawnattr_destroy(attributes.address());
                Libc.posix_spawn_file_actions_destroy(actions.address());
            }
        }
    }

    private static void fillAttributes(Arena arena, long attributes, boolean newSession, String program) {
        MemorySegment none = arena.allocate(SIGSET_BYTES, 8);
        MemorySegment all = arena.allocate(SIGSET_BYTES, 8);
        Libc.sigemptyset(none.address());
        Libc.sigfillset(all.address());
        check("posix_spawnattr_setsigmask", Libc.posix_spawnattr_setsigmask(attributes, none.address()), program);
        check("posix_spawnattr_setsigdefault", Libc.posix_spawnattr_setsigdefault(attributes, all.address()), program);
        long flags = ProcessAbi.POSIX_SPAWN_SETSIGMASK
                | ProcessAbi.POSIX_SPAWN_SETSIGDEF
                | (newSession ? ProcessAbi.POSIX_SPAWN_SETSID : 0);
        check("posix_spawnattr_setflags", Libc.posix_spawnattr_setflags(attributes, (short) flags), program);
    }

    private static void fillActions(
            Arena arena, long actions, Map<Integer, Integer> descriptors, String directory, String program) {
        int highest = STANDARD_DESCRIPTORS - 1;
        for (Map.Entry<Integer, Integer> one : descriptors.entrySet()) {
            highest = Math.max(highest, Math.max(one.getKey(), one.getValue()));
        }
        int free = highest + 1;
        for (Map.Entry<Integer, Integer> one : descriptors.entrySet()) {
            dup2(actions, one.getValue(), free++, program);
        }
        free = highest + 1;
        for (int number : descriptors.keySet()) {
            dup2(actions, free++, number, program);
        }
        long nowhere = arena.allocateFrom("/dev/null").address();
        for (int number = 0; number < STANDARD_DESCRIPTORS; number++) {
            if (!descriptors.containsKey(number)) {
                int error = Libc.posix_spawn_file_actions_addopen(actions, number, nowhere, (int) FileAbi.O_RDWR, 0);
                check("posix_spawn_file_actions_addopen", error, program);
            }
        }
        if (directory != null) {
            long path = arena.allocateFrom(directory).address();
            check("posix_spawn_file_actions_addchdir_np", Libc.posix_spawn_file_actions_addchdir_np(actions, path), program);
        }
        closeOthers(actions, descriptors, program);
    }

    /** The JVM and its libraries may hold descriptors that are not closed on exec; a keeper must not keep those. */
    private static void closeOthers(long actions, Map<Integer, Integer> descriptors, String program) {
        int above = STANDARD_DESCRIPTORS - 1;
        for (int number : descriptors.keySet()) {
            above = Math.max(above, number);
        }
        for (int number = STANDARD_DESCRIPTORS; number < above; number++) {
            if (!descriptors.containsKey(number)) {
                int error = Libc.posix_spawn_file_actions_addclose(actions, number);
                check("posix_spawn_file_actions_addclose", error, program);
            }
        }
        int error = Libc.posix_spawn_file_actions_addclosefrom_np(actions, above + 1);
        check("posix_spawn_file_actions_addclosefrom_np", error, program);
    }

    private static void dup2(long actions, int from, int to, String program) {
        check("posix_spawn_file_actions_adddup2", Libc.posix_spawn_file_actions_adddup2(actions, from, to), program);
    }

    private static long vector(Arena arena, List<String> strings) {
        MemorySegment vector = arena.allocate(ValueLayout.JAVA_LONG, strings.size() + 1L);
        for (int i = 0; i < strings.size(); i++) {
            vector.setAtIndex(ValueLayout.JAVA_LONG, i, arena.allocateFrom(strings.get(i)).address());
        }
        return vector.address();
    }

    /** These functions return an error number, they do not set errno. */
    private static void check(String call, int error, String program) {
        if (error != 0) {
            throw new SyscallException(call, error, program);
        }
    }
}
