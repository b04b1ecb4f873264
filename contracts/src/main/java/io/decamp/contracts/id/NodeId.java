package io.decamp.contracts.id;

import io.decamp.contracts.error.DecampException;
import java.util.regex.Pattern;

/** Name of a host that runs the services; letters, digits, dot, dash and underscore, at most 63. */
public record NodeId(String value) {
    private static final Pattern VALID = Pattern.compile("[A-Za-z0-9][A-Za-z0-9._-]{0,62}");

    public NodeId {
        if (value == null || !VALID.matcher(value).matches()) {
            throw DecampException.refused(
                    "bad-node",
                    "'" + value + "' is not a node name",
                    "Use letters, digits, '.', '-' and '_', at most 63 characters");
        }
    }

    @Override
    public String toString() {
        return value;
    }
}
