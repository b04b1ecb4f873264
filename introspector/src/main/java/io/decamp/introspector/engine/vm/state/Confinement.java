package io.decamp.introspector.engine.vm.state;

import io.decamp.introspector.engine.vm.guest.GuestKernel;
import io.decamp.introspector.engine.vm.guest.KernelObject;
import io.decamp.introspector.engine.vm.image.Concerns;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;

/**
 * What the guest's security modules confine a thread by. Images say nothing of it, and the copy would have the freedom
 * of the program that restores it. A module keeps its part of {@code cred.security} at the offset that the kernel has
 * put into its {@code lsm_blob_sizes} at boot (security/security.c, lsm_set_blob_sizes).
 */
final class Confinement {
    private static final int MAX_NAME = 1024;
    private static final String CODE = "vm-lsm-profile";

    private final GuestKernel kernel;
    private final KernelObject task;
    private final KernelObject cred;
    private final Concerns concerns;

    private Confinement(KernelObject task, KernelObject cred, Concerns concerns) {
        this.kernel = task.kernel();
        this.task = task;
        this.cred = cred;
        this.concerns = concerns;
    }

    static void check(KernelObject task, KernelObject cred, Concerns concerns) {
        Confinement confinement = new Confinement(task, cred, concerns);
        confinement.appArmor();
        confinement.landlock();
        confinement.selinux();
        confinement.others();
    }

    /** An unconfined label has FLAG_UNCONFINED (security/apparmor/include/label.h). */
    private void appArmor() {
        if (!isSet("apparmor_initialized")) {
            return;
        }
        OptionalLong unconfined = kernel.types().enumerator("FLAG_UNCONFINED");
        long pointer = part("apparmor_blob_sizes").map(kernel::u64).orElse(0L);
        if (unconfined.isEmpty() || pointer == 0) {
            refuse("AppArmor, by a profile that can't be read");
            return;
        }
        KernelObject label = kernel.object("aa_label", pointer);
        if ((label.number("flags") & unconfined.getAsLong()) == 0) {
            refuse("AppArmor's profile " + (label.number("hname") == 0 ? "(unnamed)" : label.text("hname", MAX_NAME)));
        }
    }

    private void landlock() {
        if (isSet("landlock_initialized")
                && part("landlock_blob_sizes")
                                .map(at -> kernel.object("landlock_cred_security", at).number("domain"))
                                .orElse(0L)
                        != 0) {
            refuse("Landlock");
        }
    }

    /** Which label is as good as none is for the policy to say, which is not read. */
    private void selinux() {
        OptionalLong state = kernel.findSymbol("selinux_state");
        if (state.isEmpty() || !kernel.types().hasType("selinux_state")) {
            return;
        }
        KernelObject selinux = kernel.object("selinux_state", state.getAsLong());
        boolean enforces = !selinux.has("enforcing") || selinux.number("enforcing") != 0;
        if (selinux.number("initialized") != 0 && enforces) {
            concerns.warn(
                    "vm-selinux",
                    "SELinux enforces its policy in the guest",
                    "The copy has the label of the program that restores it: have the policy there allow what the "
                            + "workload does, and no more");
        }
    }

    private void others() {
        if (isSet("tomoyo_policy_loaded")) {
            refuse("TOMOYO");
        }
        OptionalLong names = kernel.findSymbol("lsm_names");
        long list = names.isPresent() ? kernel.u64(names.getAsLong()) : 0;
        if (list != 0 && List.of(kernel.text(list, MAX_NAME).split(",")).contains("smack")) {
            refuse("Smack");
        }
    }

    private void refuse(String by) {
        concerns.refuse(
                CODE,
                "Thread " + task.number("pid") + " of the guest is confined by " + by,
                "CRIU does not bring that back: start the workload unconfined, or leave it where it is");
    }

    private boolean isSet(String flag) {
        OptionalLong at = kernel.findSymbol(flag);
        return at.isPresent() && kernel.u8(at.getAsLong()) != 0;
    }

    /** Where a module's part of the credentials is. */
    private Optional<Long> part(String sizes) {
        OptionalLong at = kernel.findSymbol(sizes);
        long blobs = cred.number("security");
        return at.isEmpty() || blobs == 0
                ? Optional.empty()
                : Optional.of(blobs + kernel.object("lsm_blob_sizes", at.getAsLong()).number("lbs_cred"));
    }
}
