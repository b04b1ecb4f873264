package io.decamp.introspector.engine.vm.files;

import io.decamp.contracts.error.DecampException;
import io.decamp.contracts.v1.Finding;
import io.decamp.contracts.v1.Severity;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;

/** What becomes of something that can't be saved: it ends a capture, and a check notes it and goes on. One thread. */
final class Refusals {
    /** A process with thousands of sockets would fill the report with the same words. */
    static final int MAX_FINDINGS = 100;

    private final boolean noted;
    private final Set<Finding> findings = new LinkedHashSet<>();

    private Refusals(boolean noted) {
        this.noted = noted;
    }

    static Refusals thrown() {
        return new Refusals(false);
    }

    static Refusals noted() {
        return new Refusals(true);
    }

    /** True in a check: contents are not read then. */
    boolean checksOnly() {
        return noted;
    }

    /** @throws DecampException with that code unless this is a check; the caller leaves the object out then */
    void refuse(String code, String what, String advice) {
        if (!noted) {
            throw DecampException.refused(code, what, advice);
        }
        if (findings.size() < MAX_FINDINGS) {
            findings.add(Finding.newBuilder()
                    .setSeverity(Severity.BLOCKER)
                    .setCode(code)
                    .setWhat(what)
                    .setAdvice(advice)
                    .build());
        }
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

    List<Finding> findings() {
        return Collections.unmodifiableList(new ArrayList<>(findings));
    }
}
