package io.decamp.cli;

import io.decamp.contracts.error.DecampException;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/** Waiting for an answer from the other side of a topic. */
final class Waiting {
    private Waiting() {}

    /** @throws DecampException the failure that was answered, or {@code no-answer} */
    static <T> T forAnswer(CompletableFuture<T> answer, Duration limit, String what) throws InterruptedException {
        try {
            return answer.get(limit.toNanos(), TimeUnit.NANOSECONDS);
        } catch (ExecutionException e) {
            if (e.getCause() instanceof DecampException d) {
                throw d;
            }
            throw new IllegalStateException(e.getCause());
        } catch (TimeoutException e) {
            throw DecampException.retry(
                    "no-answer",
                    "Waited " + limit.toSeconds() + " s for " + what,
                    "See ./decamp status, and whether the node's services run",
                    e);
        }
    }
}
