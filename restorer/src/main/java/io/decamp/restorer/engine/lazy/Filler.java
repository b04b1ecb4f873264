package io.decamp.restorer.engine.lazy;

import io.decamp.contracts.error.DecampException;
import java.util.IdentityHashMap;
import java.util.Map;
import java.util.function.Consumer;

/** A thread's work: places what the plan hands out until the plan is stopped. */
final class Filler implements Runnable {
    private final FillPlan plan;
    private final Consumer<DecampException> failed;
    private final Map<ServedSpace, PagePlacer> placers = new IdentityHashMap<>();

    Filler(FillPlan plan, Consumer<DecampException> failed) {
        this.plan = plan;
        this.failed = failed;
    }

    @Override
    public void run() {
        try {
            for (FillPlan.Claim claim = plan.claim(); claim != null; claim = plan.claim()) {
                place(claim);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } catch (DecampException e) {
            failed.accept(e);
        } finally {
            placers.values().forEach(PagePlacer::close);
        }
    }

    private void place(FillPlan.Claim claim) {
        long settled = 0;
        try {
            claim.space().replica().index();
            PagePlacer placer =
                    placers.computeIfAbsent(claim.space(), space -> new PagePlacer(space.uffd()));
            settled = claim.space().fill(claim.start(), claim.end(), placer);
            if (settled == 0 && plan.stalledNanos() > FillPlan.STALL_NANOS) {
                throw stalled(claim, placer.outcome());
            }
        } finally {
            plan.done(settled);
        }
    }

    private static DecampException stalled(FillPlan.Claim claim, PagePlacer.Outcome outcome) {
        String advice = outcome == PagePlacer.Outcome.NO_MEMORY
                ? "Raise the memory limit of the copy's cgroup, or free memory, then restart the restorer service"
                : "Keep the copy frozen and restore it anew from its replica";
        return DecampException.fatal(
                "lazy-fill-stalled",
                "Nothing could be placed at 0x" + Long.toHexString(claim.start()) + " of PID "
                        + claim.space().containerPid() + " for "
                        + FillPlan.STALL_NANOS / 1_000_000_000 + " s: " + outcome,
                advice,
                null);
    }
}
