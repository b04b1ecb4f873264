package io.decamp.cli.bench;

import io.decamp.cli.launch.Cluster;
import io.decamp.cli.launch.Watch;
import io.decamp.contracts.id.WorkloadId;
import io.decamp.contracts.v1.PagesDirty;
import io.decamp.contracts.v1.Policy;
import java.util.ArrayList;
import java.util.List;

/**
 * The same workload unprotected and protected in turn, at the default policy. Each round has both, and which comes
 * first alternates, so that a machine that gets slower harms both alike.
 */
final class Turns {
    /** After the first copy, so that what is measured is the steady state. */
    private static final int SETTLED_EPOCHS = 3;

    private final Cluster cluster;
    private final WorkloadId workload;
    private double bound;
    private double predicted;

    Turns(Cluster cluster, WorkloadId workload) {
        this.cluster = cluster;
        this.workload = workload;
    }

    /** One measurement. */
    interface Window<T> {
        T measure(int round, boolean isProtected);
    }

    <T> List<T> run(int rounds, Window<T> window) {
        List<T> samples = new ArrayList<>();
        for (int round = 1; round <= rounds; round++) {
            for (boolean isProtected : new boolean[] {round % 2 == 0, round % 2 != 0}) {
                samples.add(isProtected ? whileProtected(round, window) : window.measure(round, false));
            }
        }
        return samples;
    }

    private <T> T whileProtected(int round, Window<T> window) {
        try (Watch watch = Watch.open(cluster.session(), workload, epoch -> {})) {
            Asking.protect(cluster, workload, Policy.getDefaultInstance());
            watch.awaitEpochs(0, 1 + SETTLED_EPOCHS, Asking.LIMIT);
            T sample = window.measure(round, true);
            PagesDirty last = watch.epochs().getLast();
            bound = last.getObjective().getMaxOverhead();
            predicted = last.getOverhead();
            Asking.release(cluster, workload);
            return sample;
        }
    }

    /** Of processor time that tracking may take from the workload, as the nodes told; a share of one processor. */
    double bound() {
        return bound;
    }

    /** What the nodes think it takes. */
    double predicted() {
        return predicted;
    }
}
