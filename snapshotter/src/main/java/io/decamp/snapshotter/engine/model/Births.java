package io.decamp.snapshotter.engine.model;

import io.decamp.contracts.page.AddressSpace;
import java.util.Arrays;
import java.util.List;

/**
 * Memory that is touched for the first time: of processes that stay (a growing heap), and of processes that come and
 * go, whose pages are gone again when they end.
 */
final class Births {
    /** A process that started less than this ago is taken for one that soon ends. */
    private static final double YOUNG_SECONDS = 30;

    private long[] ids = new long[0];
    private double[] ageSeconds = new double[0];
    private boolean first = true;
    private long youngFound;
    private long oldFound;
    private long youngPages;
    private double youngBefore;
    private double ended;
    private double exposed;
    private double lasting;
    private double passing;
    private double loss;

    /** Takes over which spaces are alive. @return whether any of those known before has ended */
    boolean spaces(List<AddressSpace> alive) {
        long[] now = new long[alive.size()];
        for (int i = 0; i < now.length; i++) {
            now[i] = alive.get(i).id();
        }
        Arrays.sort(now);
        double[] age = new double[now.length];
        int known = 0;
        for (int i = 0; i < now.length; i++) {
            int at = Arrays.binarySearch(ids, now[i]);
            known += at >= 0 ? 1 : 0;
            // those found at the start may have run for long
            age[i] = at >= 0 ? ageSeconds[at] : first ? YOUNG_SECONDS : 0;
        }
        boolean anyEnded = known < ids.length;
        ids = now;
        ageSeconds = age;
        first = false;
        return anyEnded;
    }

    boolean alive(long space) {
        return ids.length == 1 ? ids[0] == space : Arrays.binarySearch(ids, space) >= 0;
    }

    void start() {
        youngBefore = youngPages;
        youngPages = 0;
        youngFound = 0;
        oldFound = 0;
    }

    void count(HeatChunk chunk, long found) {
        int at = Arrays.binarySearch(ids, chunk.space);
        if (at >= 0 && ageSeconds[at] < YOUNG_SECONDS) {
            youngPages += chunk.pages();
            youngFound += found;
        } else {
            oldFound += found;
        }
    }

    void learn(double seconds, long beyondLimit, long lostPages, double keep) {
        ended = ended * keep + Math.min(lostPages, youngBefore);
        exposed = exposed * keep + youngBefore * seconds;
        double share = exposed <= 0 ? 0 : Math.min(ended * seconds / exposed, 0.99);
        loss = -Math.log1p(-share) / seconds;
        double survivors = loss * seconds < 1e-6 ? seconds : -Math.expm1(-loss * seconds) / loss;
        lasting = lasting * keep + (oldFound + beyondLimit) / seconds * (1 - keep);
        passing = passing * keep + youngFound / survivors * (1 - keep);
        for (int i = 0; i < ageSeconds.length; i++) {
            ageSeconds[i] += seconds;
        }
    }

    WriteCurve.Growth growth() {
        return new WriteCurve.Growth(lasting, passing, loss);
    }
}
