package io.decamp.restorer.engine.vm;

import io.decamp.contracts.id.WorkloadId;
import io.decamp.linux.pid.ProcessIdentity;
import io.decamp.linux.qemu.VmRegistration;
import io.decamp.linux.workload.GuestProcess;
import io.decamp.linux.workload.TaskStates;
import java.nio.file.Path;
import java.util.Collections;
import java.util.Map;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.stream.Collectors;

/**
 * What a service that was started anew must know of a copy. Whether it is held is asked in its guest.
 *
 * @param vm as it was registered then
 * @param qemu the process of the VM; empty where it lives in a PID namespace that we can't see
 * @param state how far it got
 */
record VmCopyRecord(WorkloadId id, VmRegistration vm, GuestJob job, Optional<ProcessIdentity> qemu, State state) {
    /** Each comes after the one above it. */
    sealed interface State {
        /**
         * Disks of a replica that is not final are plugged; of a copy there is nothing.
         *
         * @param disks number of the disk of each address space, see {@link GuestJob#standbyDisk}
         */
        record Standing(long generation, SortedMap<Long, Integer> disks) implements State {
            public Standing {
                disks = Collections.unmodifiableSortedMap(new TreeMap<>(disks));
            }
        }

        /** Disks may be plugged; nothing was asked of the guest. */
        record Plugging() implements State {}

        /** The guest may have done any part of the restore. */
        record Restoring() implements State {}

        /**
         * Complete and frozen, if the guest says so.
         *
         * @param cgroup directory in the guest
         * @param thawHandle of cgroup.freeze, kept open by the agent; -1 where there is none
         */
        record Held(GuestProcess init, String cgroup, long thawHandle) implements State {}

        /** Instructions may run. */
        record Released(Held held) implements State {}

        /** Thawed for certain, but disks may still be plugged. */
        record Thawed(Held held) implements State {}

        /** Nothing is left but the workload. */
        record Finished(Held held) implements State {}
    }

    VmCopyRecord with(State next) {
        return new VmCopyRecord(id, vm, job, qemu, next);
    }

    /** What was in a VM whose process is gone will never run. */
    boolean hasEnded() {
        return qemu.filter(process -> !process.isPresent() || TaskStates.of(process.pid()) == 'Z')
                .isPresent();
    }

    /** Set from the moment of the release on. */
    Optional<State.Held> released() {
        return switch (state) {
            case State.Standing s -> Optional.empty();
            case State.Plugging s -> Optional.empty();
            case State.Restoring s -> Optional.empty();
            case State.Held s -> Optional.empty();
            case State.Released s -> Optional.of(s.held());
            case State.Thawed s -> Optional.of(s.held());
            case State.Finished s -> Optional.of(s.held());
        };
    }

    private Optional<State.Held> held() {
        return state instanceof State.Held h ? Optional.of(h) : released();
    }

    Map<String, String> toMap() {
        Map<String, String> map = new TreeMap<>(Map.of(
                "workload", id.value(),
                "vm", vm.name(),
                "qmp", vm.qmp().toString(),
                "agent", vm.agent().map(Path::toString).orElse(""),
                "job", job.name(),
                "mark", job.mark(),
                "state", state.getClass().getSimpleName()));
        qemu.ifPresent(process -> {
            map.put("qemu", Integer.toString(process.pid()));
            map.put("qemu.start", Long.toString(process.startTicks()));
        });
        if (state instanceof State.Standing standing) {
            map.put("generation", Long.toString(standing.generation()));
            map.put("disks", standing.disks().entrySet().stream()
                    .map(disk -> disk.getKey() + ":" + disk.getValue())
                    .collect(Collectors.joining(" ")));
        }
        held().ifPresent(held -> {
            map.put("guest-boot", held.init().bootId());
            map.put("init", Integer.toString(held.init().pid()));
            map.put("init.start", Long.toString(held.init().startTicks()));
            map.put("cgroup", held.cgroup());
            map.put("thaw", Long.toString(held.thawHandle()));
        });
        return map;
    }

    static VmCopyRecord of(Map<String, String> map) {
        Optional<Path> agent = Optional.of(map.get("agent")).filter(a -> !a.isEmpty()).map(Path::of);
        VmRegistration vm = new VmRegistration(map.get("vm"), Path.of(map.get("qmp")), agent, true);
        Optional<ProcessIdentity> qemu = Optional.ofNullable(map.get("qemu"))
                .map(pid -> new ProcessIdentity(Integer.parseInt(pid), Long.parseLong(map.get("qemu.start"))));
        GuestJob job = new GuestJob(map.get("job"), map.get("mark"));
        return new VmCopyRecord(new WorkloadId(map.get("workload")), vm, job, qemu, state(map));
    }

    private static State state(Map<String, String> map) {
        return switch (map.get("state")) {
            case "Standing" -> standing(map);
            case "Plugging" -> new State.Plugging();
            case "Restoring" -> new State.Restoring();
            case "Held" -> held(map);
            case "Released" -> new State.Released(held(map));
            case "Thawed" -> new State.Thawed(held(map));
            case "Finished" -> new State.Finished(held(map));
            default -> throw new IllegalArgumentException("no state of a copy: " + map.get("state"));
        };
    }

    private static State.Standing standing(Map<String, String> map) {
        SortedMap<Long, Integer> disks = new TreeMap<>();
        for (String disk : map.get("disks").split(" ")) {
            int colon = disk.indexOf(':');
            if (colon > 0) {
                disks.put(Long.valueOf(disk.substring(0, colon)), Integer.valueOf(disk.substring(colon + 1)));
            }
        }
        return new State.Standing(Long.parseLong(map.get("generation")), disks);
    }

    private static State.Held held(Map<String, String> map) {
        GuestProcess init = new GuestProcess(
                map.get("vm"),
                map.get("guest-boot"),
                Integer.parseInt(map.get("init")),
                Long.parseLong(map.get("init.start")));
        return new State.Held(init, map.get("cgroup"), Long.parseLong(map.get("thaw")));
    }
}
