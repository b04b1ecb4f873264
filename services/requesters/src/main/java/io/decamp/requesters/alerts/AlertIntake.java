package io.decamp.requesters.alerts;

import io.decamp.contracts.error.DecampException;
import io.decamp.contracts.v1.MigrationRequested;
import java.time.Clock;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Consumer;

/**
 * One notification in, one answer out: understands its alerts, asks for what they ask for, each occurrence once however
 * often it is told, and answers in the way that makes Alertmanager do the right thing: 2xx, all is acknowledged; 5xx,
 * try again; 4xx, trying again is of no use. For many threads.
 */
final class AlertIntake {
    static final int OK = 200;
    static final int BAD_REQUEST = 400;
    static final int UNPROCESSABLE = 422;
    static final int UNAVAILABLE = 503;

    /** @param refused what went wrong, one each, empty for 200 */
    record Answer(int status, List<String> asked, int known, int ignored, List<DecampException> refused) {
        static Answer of(int status, DecampException why) {
            return new Answer(status, List.of(), 0, 0, List.of(why));
        }
    }

    private final Requests requests;
    private final AlertJudge judge;
    private final AlertCounters counters;
    private final Consumer<String> journal;
    /** What is on its way: a second notification waits for the first one's acknowledgement. */
    private final Map<String, CompletableFuture<Void>> inFlight = new ConcurrentHashMap<>();

    /** @param journal is given a line for people about each thing that is asked for, or refused */
    AlertIntake(
            Requests requests, AlertPolicy policy, Clock clock, AlertCounters counters, Consumer<String> journal) {
        this.requests = requests;
        this.judge = new AlertJudge(policy, clock);
        this.counters = counters;
        this.journal = journal;
    }

    Answer take(byte[] body) {
        List<Alert> alerts;
        try {
            alerts = AlertJson.read(body);
        } catch (DecampException e) {
            counters.unreadable();
            return refuse(Answer.of(BAD_REQUEST, e));
        }
        Map<String, CompletableFuture<Void>> asked = new LinkedHashMap<>();
        List<DecampException> refused = new ArrayList<>();
        int known = 0;
        int ignored = 0;
        for (Alert alert : alerts) {
            try {
                switch (judge.judge(alert, requests.nodes())) {
                    case Verdict.Nothing nothing -> ignored++;
                    case Verdict.Ask ask when requests.isThere(ask.id()) -> known++;
                    case Verdict.Ask ask -> asked.put(ask.id(), ask(alert, ask));
                }
            } catch (DecampException e) {
                refused.add(e);
            }
            if (asked.values().stream().anyMatch(CompletableFuture::isCompletedExceptionally)) {
                // no broker: each further one would wait as long
                break;
            }
        }
        DecampException unreachable = firstFailure(asked.values());
        counters.ignored(ignored);
        counters.known(known);
        counters.refused(refused.size());
        if (unreachable != null) {
            counters.unavailable();
            return refuse(Answer.of(UNAVAILABLE, unreachable));
        }
        int status = refused.isEmpty() ? OK : UNPROCESSABLE;
        return refuse(new Answer(status, List.copyOf(asked.keySet()), known, ignored, refused));
    }

    private CompletableFuture<Void> ask(Alert alert, Verdict.Ask ask) {
        CompletableFuture<Void> mine = new CompletableFuture<>();
        CompletableFuture<Void> others = inFlight.putIfAbsent(ask.id(), mine);
        if (others != null) {
            return others;
        }
        try {
            if (requests.isThere(ask.id())) {
                // acknowledged between the first look and this one
                inFlight.remove(ask.id(), mine);
                return CompletableFuture.completedFuture(null);
            }
            requests.ask(ask.id(), ask.request()).whenComplete((done, failure) -> {
                inFlight.remove(ask.id(), mine);
                if (failure == null) {
                    counters.asked();
                    mine.complete(null);
                    journal.accept(line(alert, ask));
                } else {
                    mine.completeExceptionally(failure);
                }
            });
            return mine;
        } catch (RuntimeException e) {
            inFlight.remove(ask.id(), mine);
            mine.completeExceptionally(e);
            throw e;
        }
    }

    private static DecampException firstFailure(Iterable<CompletableFuture<Void>> asked) {
        DecampException first = null;
        for (CompletableFuture<Void> future : asked) {
            try {
                future.join();
            } catch (CompletionException e) {
                if (!(e.getCause() instanceof DecampException known)) {
                    throw e;
                }
                first = first == null ? known : first;
            }
        }
        return first;
    }

    private Answer refuse(Answer answer) {
        answer.refused().forEach(e -> journal.accept(
                "answered " + answer.status() + ": " + e.getMessage() + " (" + e.code() + "). " + e.advice()));
        return answer;
    }

    private static String line(Alert alert, Verdict.Ask ask) {
        MigrationRequested request = ask.request();
        String what = request.getWorkload().isEmpty() ? "all of node" : request.getWorkload() + " of node";
        String how = request.getProbability() > 0 ? ", probability " + request.getProbability() : "";
        return "asked for " + what + " " + request.getNode() + " to move: " + alert + how + ", request " + ask.id();
    }
}
