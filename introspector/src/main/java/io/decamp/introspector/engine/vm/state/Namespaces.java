package io.decamp.introspector.engine.vm.state;

import io.decamp.contracts.criu.IpcVarEntry;
import io.decamp.contracts.criu.TaskKobjIdsEntry;
import io.decamp.contracts.criu.UtsnsEntry;
import io.decamp.introspector.engine.vm.guest.GuestFault;
import io.decamp.introspector.engine.vm.guest.GuestKernel;
import io.decamp.introspector.engine.vm.guest.GuestTasks;
import io.decamp.introspector.engine.vm.guest.KernelObject;
import io.decamp.introspector.engine.vm.image.Concerns;
import io.decamp.introspector.engine.vm.image.ImageDirectory;
import io.decamp.introspector.engine.vm.image.ImageFile;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;

/**
 * The namespaces of a workload: its own PID namespace always, its own UTS and IPC namespaces where it has some. The
 * others
 * must be the guest's initial ones. A time namespace needs none of its own: CRIU makes one, shifted so that the clocks
 * go on
 * (see {@link GuestClock#asSeenBy}). Numbers only have to differ from those of the root.
 */
final class Namespaces {
    private static final int ROOT_PID = 1;
    private static final int ROOT_NET = 2;
    private static final int ROOT_IPC = 3;
    private static final int ROOT_UTS = 4;
    private static final int ROOT_TIME = 5;
    private static final int ROOT_MOUNT = 6;
    private static final int ROOT_USER = 7;
    private static final int ROOT_CGROUP = 8;
    private static final int OWN_PID = 9;
    private static final int OWN_UTS = 10;
    private static final int OWN_IPC = 11;

    private static final int IPC_KINDS = 3;
    private static final int UTS_BYTES = 65;

    /** Members of {@code struct nsproxy} that must be the guest's own, with the code that refuses others. */
    private static final Map<String, String> INITIAL_ONLY = Map.of(
            "mnt_ns", "vm-mount-namespace",
            "net_ns", "vm-network-namespace",
            "cgroup_ns", "vm-cgroup-namespace");

    /** Those that a task's future children will be in are its own before any child is. */
    private static final List<String> EACH = List.of(
            "uts_ns",
            "ipc_ns",
            "mnt_ns",
            "net_ns",
            "cgroup_ns",
            "time_ns",
            "pid_ns_for_children",
            "time_ns_for_children");

    private final KernelObject own;
    private final KernelObject initial;

    private Namespaces(KernelObject own, KernelObject initial) {
        this.own = own;
        this.initial = initial;
    }

    /** @param init of the workload */
    static Namespaces of(GuestKernel kernel, GuestTasks tasks, KernelObject init, Concerns concerns) {
        KernelObject first = tasks.find(1)
                .orElseThrow(() -> new GuestFault(GuestFault.Reason.NULL, "The guest has no process 1"));
        Namespaces namespaces = new Namespaces(init.follow("nsproxy"), first.follow("nsproxy"));
        INITIAL_ONLY.forEach((member, code) -> {
            if (namespaces.isOwn(member)) {
                concerns.refuse(
                        code,
                        "The workload has its own " + member.replace("_ns", "") + " namespace",
                        "Start it in the namespaces of the guest, its PID namespace aside");
            }
        });
        return namespaces;
    }

    private boolean isOwn(String member) {
        return own.has(member) && own.number(member) != initial.number(member);
    }

    /** All processes and threads must be in the namespaces of the init: CRIU restores one set. */
    void check(KernelObject task, Concerns concerns) {
        if (task.number("nsproxy") == own.address()) {
            return;
        }
        KernelObject other = task.follow("nsproxy");
        for (String member : EACH) {
            if (own.has(member) && own.number(member) != other.number(member)) {
                concerns.refuse(
                        "vm-nested-namespace",
                        "Thread " + task.number("pid") + " of the guest has another "
                                + member.replace("_ns", "").replace('_', ' ') + " namespace than the workload's init",
                        "Run what is in there as a workload of its own");
            }
        }
    }

    /** Numbers of the namespaces alone. */
    static TaskKobjIdsEntry.Builder root() {
        return TaskKobjIdsEntry.newBuilder()
                .setPidNsId(ROOT_PID)
                .setNetNsId(ROOT_NET)
                .setIpcNsId(ROOT_IPC)
                .setUtsNsId(ROOT_UTS)
                .setMntNsId(ROOT_MOUNT)
                .setUserNsId(ROOT_USER)
                .setCgroupNsId(ROOT_CGROUP)
                .setTimeNsId(ROOT_TIME);
    }

    TaskKobjIdsEntry.Builder workload() {
        TaskKobjIdsEntry.Builder ids = root().setPidNsId(OWN_PID);
        if (isOwn("uts_ns")) {
            ids.setUtsNsId(OWN_UTS);
        }
        if (isOwn("ipc_ns")) {
            ids.setIpcNsId(OWN_IPC);
        }
        return ids;
    }

    void check(Concerns concerns) {
        boolean isOwn = isOwn("ipc_ns");
        for (int i = 0; i < IPC_KINDS; i++) {
            if (own.follow("ipc_ns").element("ids", i).number("in_use") == 0) {
                continue;
            }
            String kind = List.of("semaphores", "message queues", "shared memory").get(i);
            if (isOwn) {
                concerns.refuse(
                        "vm-sysv-ipc",
                        "The workload has System V " + kind,
                        "Have it use POSIX objects or pipes instead");
            } else {
                concerns.warn(
                        "vm-sysv-ipc",
                        "The guest has System V " + kind + ", in the IPC namespace that the workload is in",
                        "If they are the workload's, the copy won't find them: have it use POSIX objects instead");
            }
        }
    }

    void write(ImageDirectory images) {
        if (isOwn("uts_ns")) {
            images.write(ImageFile.UTSNS, OWN_UTS, uts(own.follow("uts_ns")));
        }
        if (isOwn("ipc_ns")) {
            images.write(ImageFile.IPC_VAR, OWN_IPC, ipc(own.follow("ipc_ns")));
            for (ImageFile none : List.of(
                    ImageFile.IPC_SHARED_MEMORY, ImageFile.IPC_MESSAGES, ImageFile.IPC_SEMAPHORES)) {
                images.write(none, OWN_IPC, List.of());
            }
        }
    }

    private static UtsnsEntry uts(KernelObject namespace) {
        return UtsnsEntry.newBuilder()
                .setNodename(text(namespace, "name.nodename"))
                .setDomainname(text(namespace, "name.domainname"))
                .build();
    }

    private static String text(KernelObject namespace, String path) {
        byte[] bytes = namespace.text(path, UTS_BYTES).getBytes(StandardCharsets.ISO_8859_1);
        return new String(bytes, StandardCharsets.UTF_8);
    }

    private static IpcVarEntry ipc(KernelObject namespace) {
        IpcVarEntry.Builder values = IpcVarEntry.newBuilder()
                .setMsgCtlmax((int) namespace.number("msg_ctlmax"))
                .setMsgCtlmnb((int) namespace.number("msg_ctlmnb"))
                .setMsgCtlmni((int) namespace.number("msg_ctlmni"))
                .setAutoMsgmni(0)
                .setShmCtlmax(namespace.number("shm_ctlmax"))
                .setShmCtlall(namespace.number("shm_ctlall"))
                .setShmCtlmni((int) namespace.number("shm_ctlmni"))
                .setShmRmidForced((int) namespace.number("shm_rmid_forced"))
                .setMqQueuesMax((int) namespace.number("mq_queues_max"))
                .setMqMsgMax((int) namespace.number("mq_msg_max"))
                .setMqMsgsizeMax((int) namespace.number("mq_msgsize_max"))
                .setMqMsgDefault((int) namespace.number("mq_msg_default"))
                .setMqMsgsizeDefault((int) namespace.number("mq_msgsize_default"));
        for (long control : namespace.numbers("sem_ctls")) {
            values.addSemCtls((int) control);
        }
        return values.build();
    }
}
