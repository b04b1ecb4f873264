package io.decamp.contracts.id;

import io.decamp.contracts.error.DecampException;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Names one protected container for its whole life, on whichever node it runs: {@code runc:ID}, or {@code pid:N@NODE}
 * where N was the PID of its namespace's init on the node that protected it first. The PID changes with every move,
 * the id does not. It is the key of every topic.
 */
public record WorkloadId(String value) {
    private static final Pattern VALID =
            Pattern.compile("(runc):([A-Za-z0-9_+.-]{1,128})|(pid):([1-9][0-9]{0,9})@([A-Za-z0-9][A-Za-z0-9._-]{0,62})");

    public WorkloadId {
        if (value == null || !VALID.matcher(value).matches()) {
            throw DecampException.refused(
                    "bad-workload",
                    "'" + value + "' is not a workload id",
                    "Use runc:ID, or pid:N@NODE (pid:N is enough where the node is known)");
        }
    }

    /** Reads what a person or a request names: an id, or {@code pid:N}, which is completed with {@code node}. */
    public static WorkloadId of(String text, NodeId node) {
        boolean barePid = text != null && text.startsWith("pid:") && text.indexOf('@') < 0;
        return new WorkloadId(barePid ? text + "@" + node.value() : text);
    }

    /** {@code runc} or {@code pid}. */
    public String kind() {
        return value.substring(0, value.indexOf(':'));
    }

    /** The container id, or the PID it had on the node of its birth. */
    public String name() {
        Matcher m = VALID.matcher(value);
        m.matches();
        return m.group(2) != null ? m.group(2) : m.group(4);
    }

    /** As a single file name: no slash, no colon. */
    public String fileName() {
        return value.replace(':', '_');
    }

    @Override
    public String toString() {
        return value;
    }
}
