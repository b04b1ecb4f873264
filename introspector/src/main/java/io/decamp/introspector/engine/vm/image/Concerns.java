package io.decamp.introspector.engine.vm.image;

import io.decamp.contracts.error.DecampException;
import io.decamp.contracts.v1.Finding;
import io.decamp.contracts.v1.Severity;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * What becomes of a state that can't be carried: it ends a capture; a check notes it and goes on. One thread.
 *
 * <p>A workload has few reasons, but may have thousands of threads, each with its own words for them: a report ends at
 * some length, for each severity by itself, so that no blocker is lost behind warnings.
 */
public final class Concerns {
    /** Of one severity: a report longer than this is not read. */
    static final int MAX_FINDINGS = 100;

    private final boolean noted;
    private final Map<String, Finding> findings = new LinkedHashMap<>();

    private Concerns(boolean noted) {
        this.noted = noted;
    }

    /** For a capture. */
    public static Concerns thrown() {
        return new Concerns(false);
    }

    /** For a check. */
    public static Concerns noted() {
        return new Concerns(true);
    }

    public boolean checksOnly() {
        return noted;
    }

    /** @throws DecampException with that code unless this is a check */
    public void refuse(String code, String what, String advice) {
        if (!noted) {
            throw DecampException.refused(code, what, advice);
        }
        note(Severity.BLOCKER, code, what, advice);
    }

    /** Something that lasts a moment: a check says nothing of it. @throws DecampException in a capture: try again */
    public void retry(String code, String what, String advice) {
        if (!noted) {
            throw DecampException.retry(code, what, advice, null);
        }
    }

    /** The workload can be moved, but is not in every respect what it was. */
    public void warn(String code, String what, String advice) {
        if (noted) {
            note(Severity.WARNING, code, what, advice);
        }
    }

    private void note(Severity severity, String code, String what, String advice) {
        Finding finding = Finding.newBuilder()
                .setSeverity(severity)
                .setCode(code)
                .setWhat(what)
                .setAdvice(advice)
                .build();
        add(finding);
    }

    public void addAll(Collection<Finding> others) {
        others.forEach(this::add);
    }

    private void add(Finding finding) {
        long alike = findings.values().stream()
                .filter(one -> one.getSeverity() == finding.getSeverity())
                .count();
        if (alike < MAX_FINDINGS) {
            findings.putIfAbsent(finding.getCode() + finding.getWhat(), finding);
        }
    }

    public List<Finding> findings() {
        return List.copyOf(findings.values());
    }
}
