package io.decamp.snapshotter.engine.control;

import io.decamp.snapshotter.engine.model.Costs;
import io.decamp.snapshotter.engine.model.WriteCurve;

/**
 * What a decision is made on.
 *
 * @param scansLearned that taught something; 0: nothing is known yet
 * @param processorIdle whether copying and sending find a processor that the workload does not want
 * @param predictionErrorMostly nine of ten predictions were no further off than this share; 0 when there were none
 */
public record Situation(
        WriteCurve curve, long scansLearned, Costs costs, boolean processorIdle, double predictionErrorMostly) {
    Situation withCosts(Costs other) {
        return new Situation(curve, scansLearned, other, processorIdle, predictionErrorMostly);
    }
}
