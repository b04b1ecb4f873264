package io.decamp.contracts.id;

import io.decamp.contracts.error.DecampException;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Names one protected container for its whole life, on whichever node it runs:
 *
 * <ul>
 *   <li>{@code runc:ID};
 *   <li>{@code pid:N@NODE}, where N was the PID of its namespace's init on the node that protected it first;
 *   <li>{@code vm:NAME/pid:N@NODE}, where N was that PID as the guest of virtual machine NAME counts, and NODE was the
 *       node that VM ran on.
 * </ul>
 *
 * The PID changes with every move, the id does not. It is the key of every topic.
 */
public record WorkloadId(String value) {
    private static final String NODE = "@[A-Za-z0-9][A-Za-z0-9._-]{0,62}";
    private static final Pattern VALID = Pattern.compile("(?<runc>runc):(?<container>[A-Za-z0-9_+.-]{1,128})"
            + "|(?:(?<vm>vm):(?<guest>[A-Za-z0-9][A-Za-z0-9_.-]{0,62})/)?pid:(?<pid>[1-9][0-9]{0,9})" + NODE);

    public WorkloadId {
        if (value == null || !VALID.matcher(value).matches()) {
            throw DecampException.refused(
                    "bad-workload",
                    "'" + value + "' is not a workload id",
                    "Use runc:ID, pid:N@NODE or vm:NAME/pid:N@NODE (without @NODE where the node is known)");
        }
    }

    /** Reads what a person or a request names: an id, or one that is to be completed with {@code node}. */
    public static WorkloadId of(String text, NodeId node) {
        boolean nodeless = text != null
                && (text.startsWith("pid:") || text.startsWith("vm:"))
                && text.indexOf('@') < 0;
        return new WorkloadId(nodeless ? text + "@" + node.value() : text);
    }

    /** {@code runc}, {@code pid} or {@code vm}. */
    public String kind() {
        return value.substring(0, value.indexOf(':'));
    }

    /** The container id, or the PID it had at its birth. */
    public String name() {
        Matcher m = matcher();
        return m.group("runc") != null ? m.group("container") : m.group("pid");
    }

    /** The VM that it was born in; empty for what runs on a host's own kernel. */
    public Optional<String> vm() {
        return Optional.ofNullable(matcher().group("guest"));
    }

    private Matcher matcher() {
        Matcher m = VALID.matcher(value);
        m.matches();
        return m;
    }

    /** As a single file name: no slash, no colon. */
    public String fileName() {
        return value.replace(':', '_').replace('/', '+');
    }

    @Override
    public String toString() {
        return value;
    }
}
