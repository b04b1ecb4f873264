package io.decamp.linux.spawn;

import io.decamp.linux.fd.FileDescriptor;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * What to start and what it gets. A process started this way gets exactly the descriptors named here (0, 1 and 2 are
 * /dev/null unless named), no signal of ours is blocked or ignored in it, and it outlives us.
 *
 * @param program path of the executable
 * @param arguments with argv[0], which needs not be the program's name
 * @param environment all of it; nothing is inherited
 * @param descriptors number there -> our descriptor
 * @param directory where it starts; null: ours
 * @param newSession a session and process group of its own, out of reach of signals to our group
 */
public record SpawnRequest(
        Path program,
        List<String> arguments,
        Map<String, String> environment,
        Map<Integer, FileDescriptor> descriptors,
        Path directory,
        boolean newSession) {
    public SpawnRequest {
        arguments = List.copyOf(arguments);
        environment = Map.copyOf(environment);
        descriptors = Collections.unmodifiableMap(new TreeMap<>(descriptors));
        if (arguments.isEmpty()) {
            throw new IllegalArgumentException("no argv[0] for " + program);
        }
    }

    /** A program with its own path as argv[0], our environment and a session of its own. */
    public static SpawnRequest of(Path program, String... arguments) {
        List<String> all = new ArrayList<>();
        all.add(program.toString());
        all.addAll(List.of(arguments));
        return new SpawnRequest(program, all, System.getenv(), Map.of(), null, true);
    }

    public SpawnRequest withName(String argv0) {
        List<String> all = new ArrayList<>(arguments);
        all.set(0, argv0);
        return new SpawnRequest(program, all, environment, descriptors, directory, newSession);
    }

    public SpawnRequest withDescriptor(int numberThere, FileDescriptor descriptor) {
        Map<Integer, FileDescriptor> all = new TreeMap<>(descriptors);
        all.put(numberThere, descriptor);
        return new SpawnRequest(program, arguments, environment, all, directory, newSession);
    }

    public SpawnRequest withEnvironment(Map<String, String> whole) {
        return new SpawnRequest(program, arguments, whole, descriptors, directory, newSession);
    }

    public SpawnRequest inDirectory(Path where) {
        return new SpawnRequest(program, arguments, environment, descriptors, where, newSession);
    }

    public SpawnRequest inOurSession() {
        return new SpawnRequest(program, arguments, environment, descriptors, directory, false);
    }
}
