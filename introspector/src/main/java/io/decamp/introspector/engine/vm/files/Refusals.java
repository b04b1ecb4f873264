package io.decamp.introspector.engine.vm.files;

import io.decamp.introspector.engine.vm.image.Concerns;

/** Words for files that can't be saved. After a check's refusal the caller leaves the object out. */
record Refusals(Concerns concerns) {
    /** True in a check: contents are not read then. */
    boolean checksOnly() {
        return concerns.checksOnly();
    }

    /** @throws io.decamp.contracts.error.DecampException with that code unless this is a check */
    void refuse(String code, String what, String advice) {
        concerns.refuse(code, what, advice);
    }

    /** A kind of file that no image exists for, or that only makes sense inside its own VM. */
    void kind(OpenFile file, String kind) {
        refuse(
                "file-kind-unsupported",
                file.user() + " is " + kind + ", which can't be carried into another VM",
                "Have the workload close it, or leave this workload where it is");
    }

    /** A file of a kind that is carried, in a state that is not. */
    void state(OpenFile file, String what) {
        refuse(
                "file-state-unsupported",
                file.user() + " " + what,
                "Try again when it has left that state; if it never does, leave this workload where it is");
    }

    /** The other end belongs to nobody in the workload. */
    void peer(OpenFile file, String what) {
        refuse(
                "file-peer-outside",
                file.user() + " " + what + ", which is not part of the workload",
                "Move both ends together, or have the workload close this one");
    }
}
