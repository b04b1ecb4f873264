package io.decamp.introspector.engine.vm.state;

import io.decamp.introspector.engine.vm.guest.GuestFault;
import io.decamp.introspector.engine.vm.guest.GuestKernel;
import io.decamp.introspector.engine.vm.guest.KernelObject;

/** User memory of one process, by its own page tables. Refuses what is not present. */
final class UserMemory {
    private final GuestKernel kernel;
    private final long tables;

    /** @param mm a {@code struct mm_struct} */
    UserMemory(KernelObject mm) {
        kernel = mm.kernel();
        tables = kernel.physical(mm.number("pgd"));
    }

    /** Physical address of the top table. */
    long tables() {
        return tables;
    }

    /** @param address of eight bytes that don't cross a page */
    long u64(long address) {
        return kernel.ram().u64(translate(address));
    }

    int u32(long address) {
        return kernel.ram().u32(translate(address));
    }

    private long translate(long address) {
        if (address < 0 || (address & 3) != 0) {
            throw new GuestFault(
                    GuestFault.Reason.UNMAPPED, "0x" + Long.toHexString(address) + " is no address of user data");
        }
        return kernel.pageTables().translate(tables, address);
    }
}
