package io.decamp.introspector.engine.runtime;

import io.decamp.contracts.port.NodeSettings;
import io.decamp.contracts.port.WorkloadRuntime.Found;
import io.decamp.contracts.v1.PreflightReport;

/** Finds out beforehand what would make a move fail or last long. */
final class Preflight {
    private final NodeSettings settings;

    Preflight(NodeSettings settings) {
        this.settings = settings;
    }

    PreflightReport check(Found found) {
        return PreflightReport.newBuilder().setWorkload(found.id().value()).build();
    }
}
