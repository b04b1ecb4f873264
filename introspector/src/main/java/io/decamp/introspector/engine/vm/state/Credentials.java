package io.decamp.introspector.engine.vm.state;

import io.decamp.contracts.criu.CredsEntry;
import io.decamp.introspector.engine.vm.guest.GuestFault;
import io.decamp.introspector.engine.vm.guest.GuestKernel;
import io.decamp.introspector.engine.vm.guest.KernelObject;
import io.decamp.introspector.engine.vm.image.Concerns;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;

/** A thread's user, groups and capabilities (include/linux/cred.h). */
final class Credentials {
    /** {@code NGROUPS_MAX} */
    private static final long MAX_GROUPS = 65536;

    private Credentials() {}

    static CredsEntry read(KernelObject task, Concerns concerns) {
        KernelObject cred = task.follow("cred");
        check(task, cred, concerns);
        CredsEntry.Builder creds = CredsEntry.newBuilder()
                .setUid((int) cred.number("uid"))
                .setGid((int) cred.number("gid"))
                .setEuid((int) cred.number("euid"))
                .setEgid((int) cred.number("egid"))
                .setSuid((int) cred.number("suid"))
                .setSgid((int) cred.number("sgid"))
                .setFsuid((int) cred.number("fsuid"))
                .setFsgid((int) cred.number("fsgid"))
                .addAllCapInh(capabilities(cred, "cap_inheritable"))
                .addAllCapPrm(capabilities(cred, "cap_permitted"))
                .addAllCapEff(capabilities(cred, "cap_effective"))
                .addAllCapBnd(capabilities(cred, "cap_bset"))
                .setSecbits((int) cred.number("securebits"));
        groups(cred).forEach(creds::addGroups);
        return creds.build();
    }

    private static void check(KernelObject task, KernelObject cred, Concerns concerns) {
        GuestKernel kernel = task.kernel();
        Confinement.check(task, cred, concerns);
        if (cred.number("user_ns") != kernel.symbol("init_user_ns")) {
            concerns.refuse(
                    "vm-user-namespace",
                    "Process " + task.number("tgid") + " of the guest is in a user namespace of its own",
                    "Start the workload without one");
        }
        if (capabilities(cred, "cap_ambient").stream().anyMatch(bits -> bits != 0)) {
            concerns.refuse(
                    "vm-ambient-capabilities",
                    "Process " + task.number("tgid") + " of the guest has ambient capabilities, which CRIU "
                            + "doesn't restore",
                    "Give it the capabilities by its user or its file");
        }
    }

    /** Lower half first. A pair of words until 6.2, one of 64 bits since: the same bytes. */
    private static List<Integer> capabilities(KernelObject cred, String set) {
        ByteBuffer bits = ByteBuffer.wrap(cred.bytes(set)).order(ByteOrder.LITTLE_ENDIAN);
        return List.of(bits.getInt(0), bits.getInt(4));
    }

    private static List<Integer> groups(KernelObject cred) {
        KernelObject info = cred.follow("group_info");
        long count = info.number("ngroups");
        if (count < 0 || count > MAX_GROUPS) {
            throw new GuestFault(GuestFault.Reason.BOUND, "A process has " + count + " groups");
        }
        List<Integer> groups = new ArrayList<>();
        ByteBuffer ids = ByteBuffer.wrap(
                        info.kernel().bytes(info.addressOf("gid"), (int) count * Integer.BYTES))
                .order(ByteOrder.LITTLE_ENDIAN);
        for (int i = 0; i < count; i++) {
            groups.add(ids.getInt(i * Integer.BYTES));
        }
        return groups;
    }
}
