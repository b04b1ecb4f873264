package io.decamp.restorer.engine.vm;

import io.decamp.contracts.id.WorkloadId;
import java.security.SecureRandom;

/**
 * Names of one restore in a guest. Each try has a name of its own, so that nothing that is left of an earlier one is
 * taken for it.
 *
 * @param name of the cgroup below {@code decamp}, and of the directory
 * @param mark begins the serial numbers of its disks, and QEMU's names for them
 */
record GuestJob(String name, String mark) {
    /** Where the job's tmpfs is mounted; all of it is gone with the guest's boot. */
    private static final String DIRECTORY = "/run/decamp/";

    static final String JOB_DISK = "job";

    private static final SecureRandom RANDOM = new SecureRandom();

    /** A new one. */
    static GuestJob of(WorkloadId id) {
        return of(id, RANDOM.nextInt());
    }

    /** @param nonce in 8 hexadecimal digits: a virtio-blk serial number has 20 bytes (VIRTIO_BLK_ID_BYTES) */
    static GuestJob of(WorkloadId id, int nonce) {
        String hex = String.format("%08x", nonce);
        return new GuestJob(id.fileName() + "-" + hex, "dc" + hex + "-");
    }

    String directory() {
        return DIRECTORY + name;
    }

    /** Serial number of the disk with a process's memory, which is {@code pages-N.img}. */
    String spaceDisk(int pagesId) {
        return mark + pagesId;
    }

    /** Serial number of a disk with a process's memory that was plugged in advance. */
    String standbyDisk(int n) {
        return mark + "s" + n;
    }

    /** Of what is too large for the disk that was plugged in advance for it. */
    String largeJobDisk() {
        return mark + "large";
    }

    String jobDisk() {
        return mark + JOB_DISK;
    }
}
