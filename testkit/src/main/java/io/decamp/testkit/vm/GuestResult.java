package io.decamp.testkit.vm;

import io.decamp.contracts.error.DecampException;
import java.time.Duration;
import java.util.List;

/**
 * What a command in a guest did.
 *
 * @param output standard output and error together, in order; bytes as ISO 8859-1
 */
public record GuestResult(String command, String output, int status, Duration took) {
    /** @throws DecampException {@code guest-command} when it failed */
    public GuestResult check() {
        if (status != 0) {
            throw DecampException.abort(
                    "guest-command",
                    "In the guest '" + command + "' ended with " + status + ": " + output.strip(),
                    "Read what it printed",
                    null);
        }
        return this;
    }

    public List<String> lines() {
        return output.lines().toList();
    }
}
