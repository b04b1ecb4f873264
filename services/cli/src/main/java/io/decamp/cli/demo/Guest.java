package io.decamp.cli.demo;

import io.decamp.contracts.id.WorkloadId;
import io.decamp.testkit.Await;
import io.decamp.testkit.Container;
import io.decamp.testkit.Lab;
import io.decamp.testkit.Procs;
import io.decamp.testkit.RedisContainer;
import io.decamp.testkit.RedisLoad;
import java.time.Duration;
import java.time.Instant;
import java.util.List;

/** The Redis server that moves, and its one client, which knows what every key must hold. */
final class Guest implements AutoCloseable {
    static final String ID = "redis";
    static final int VALUE_BYTES = 4096;
    static final long DATA_BYTES = 256L << 20;
    static final int OPERATIONS_PER_SECOND = 500;

    private static final Duration LIMIT = Duration.ofSeconds(60);
    private static final long SEED = 20_260_101;
    /** So many more answers show that the client has gone on: a second's worth. */
    private static final int ANSWERS_AFTER = OPERATIONS_PER_SECOND;

    private final RedisContainer redis;
    private final RedisLoad load;
    private int errorsBefore;

    private Guest(RedisContainer redis, RedisLoad load) {
        this.redis = redis;
        this.load = load;
    }

    /** Starts the server, empty. */
    static Guest start(Lab lab) {
        RedisContainer redis = RedisContainer.start(lab, lab.alpha(), ID);
        List<Integer> places = List.of(redis.reach(lab.alpha()), redis.reach(lab.beta()));
        RedisLoad load = new RedisLoad(places, DATA_BYTES, VALUE_BYTES, OPERATIONS_PER_SECOND, SEED);
        load.awaitReady(LIMIT);
        return new Guest(redis, load);
    }

    WorkloadId id() {
        return new WorkloadId("runc:" + ID);
    }

    Container container() {
        return redis.container();
    }

    int keys() {
        return load.keys();
    }

    void fill() {
        load.fill();
    }

    void startClient() {
        load.start();
        awaitAnswers(0);
    }

    RedisLoad.Report seen() {
        return load.report();
    }

    /** Call right before a move: the next report's largest gap is the move's. */
    void forgetGaps() {
        load.forgetGaps();
    }

    /** Returns when the client has gone on for a while. */
    void awaitGoingOn() {
        awaitAnswers(load.report().writes());
    }

    private void awaitAnswers(long before) {
        Await.until(
                () -> "the client to go on, which has seen " + load.report(),
                LIMIT,
                () -> load.report().writes() >= before + ANSWERS_AFTER);
    }

    /** Stops the client, compares every key, and lets it go on. @return what is wrong, empty when nothing is */
    List<String> compareAllKeys() {
        List<String> errors = load.stopAndVerify().errors();
        List<String> fresh = errors.subList(errorsBefore, errors.size());
        errorsBefore = errors.size();
        load.start();
        return List.copyOf(fresh);
    }

    List<Long> processes(Lab.Node node) {
        return redis.container().processes(node);
    }

    /** Returns when none of these processes is left. @return when that was */
    static Instant awaitEnd(List<Long> processes) {
        Await.until(() -> "the end of processes " + processes, LIMIT, () -> processes.stream().noneMatch(Procs::alive));
        return Instant.now();
    }

    @Override
    public void close() {
        load.close();
    }
}
